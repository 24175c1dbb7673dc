// The report as a page, in a real browser: what it shows, and that the keyboard is enough.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Browser, Page } from 'puppeteer-core';
import { entryText } from '../../src/cli/report/entry_text.js';
import { buildTimeline } from '../../src/report/build_timeline.js';
import { type PageWords, reportPage } from '../../src/report/html/report_page.js';
import { browserProgram, openPage, startBrowser } from '../support/browser.js';
import { BUILD, temporaryFolder } from '../support/paths.js';
import { hostDays } from '../support/report_events.js';

jest.setTimeout(60_000);

if (browserProgram === undefined)
  console.log('skipped: chromium-headless-shell is not installed; scripts/setup test installs it');
const inBrowser = browserProgram === undefined ? describe.skip : describe;

const folder = temporaryFolder('report-page');
let browser: Browser | undefined;
beforeAll(async () => {
  if (browserProgram !== undefined) browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

async function pageOf(count: number, guests: number): Promise<string> {
  const timeline = await buildTimeline(hostDays(count, guests));
  const words: PageWords = {
    of: ({ suspensions }) => {
      const byCall = new Map(suspensions.map((one) => [one.began, one]));
      return (entry) => entryText(entry, byCall, String);
    },
    call: ({ operation }) => operation,
    account: () => undefined,
  };
  return [...reportPage(timeline, { title: 'Guests of hv1', made: Date.UTC(2026, 10, 24), words })].join('');
}

async function open(count = 300, guests = 8) {
  const file = join(folder, `${count}.html`);
  writeFileSync(file, await pageOf(count, guests));
  return openPage(browser as Browser, file);
}

const texts = (page: Page, selector: string) =>
  page.$$eval(selector, (found) => found.map((one) => one.textContent ?? ''));
const shown = async (page: Page) => Number.parseInt((await texts(page, '.count'))[0] ?? '', 10);
/** The page draws once before the next picture. */
const drawn = (page: Page) =>
  page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');

async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key as 'Tab');
  await drawn(page);
}

test('nothing of the logs is markup', async () => {
  const html = await pageOf(50, 2);
  expect(html).not.toContain('<script>document.title');
  expect(html.match(/<\/script>/g)).toHaveLength(2);
});

inBrowser('the page', () => {
  test('shows guests, sessions and entries, asks for nothing from elsewhere and complains of nothing', async () => {
    const { page, complaints } = await open();
    expect(await texts(page, '.name')).toEqual(
      expect.arrayContaining(['guest-1', expect.stringContaining('</script>')]),
    );
    expect((await page.$$('.session')).length).toBeGreaterThan(8);
    expect((await page.$$('.suspension')).length).toBeGreaterThan(0);
    expect(await shown(page)).toBeGreaterThan(250);
    expect(await page.title()).toBe('Guests of hv1');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('is worked by the keyboard alone: search, entries, details with proof, zoom', async () => {
    const { page } = await open();
    const all = await shown(page);
    await press(page, '/');
    await page.keyboard.type('destroyed guest-5');
    await drawn(page);
    const found = await shown(page);
    expect(found).toBeGreaterThan(0);
    expect(found).toBeLessThan(all / 4);
    expect(new Set(await texts(page, '.entry .guest'))).toEqual(new Set(['guest-5']));
    await press(page, 'Escape', 'ArrowDown', 'ArrowDown', 'ArrowUp');
    const details = (await texts(page, '.details'))[0] ?? '';
    expect(details).toMatch(/guest-5 stopped \(destroyed\) by \w+ /);
    expect((await texts(page, '.proof code')).join(' ')).toMatch(/audit \d+\.\d{3}:\d+ record [0-9a-f]{16}/);
    await page.focus('.lanes');
    await press(page, '+', '+');
    expect(await shown(page)).toBeLessThan(found);
    await press(page, '0');
    expect(await shown(page)).toBe(found);
    await page.close();
  });

  test('every control is reached by Tab', async () => {
    const { page } = await open();
    const reached = new Set<string>();
    for (let i = 0; i < 30; i++) {
      await page.keyboard.press('Tab');
      const focused = "document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent";
      reached.add(String(await page.evaluate(focused)));
    }
    for (const part of ['Search', 'Show all (0)', 'Zoom in (+)', 'Entries of the period', 'Details'])
      expect(reached).toContain(part);
    expect([...reached].join('\n')).toMatch(/^Denials \d+$/m);
    expect([...reached].join('\n')).toMatch(/^Timeline of the guests/m);
    await page.close();
  });

  test('kinds are switched off, and stops without a cause are found', async () => {
    const { page } = await open();
    const all = await shown(page);
    await page.click('.kind.denial');
    await drawn(page);
    expect(await shown(page)).toBeLessThan(all);
    await page.click('.kind.only');
    await drawn(page);
    expect(await texts(page, '.entry .text')).toContainEqual(expect.stringContaining('unattributed'));
    expect((await texts(page, '.entry .text')).every((text) => text.includes('unattributed'))).toBe(true);
    await page.close();
  });

  test('a changed definition is shown as its difference', async () => {
    const { page } = await open(1000, 5);
    await press(page, '/');
    await page.keyboard.type('virDomainDefineXML');
    await press(page, 'Escape', 'End');
    expect(await texts(page, '.changes code')).toContain('memory');
    expect((await texts(page, '.changes del')).length).toBeGreaterThan(0);
    await page.close();
  });

  test('is dark or light as the system is, and as the reader wants', async () => {
    const { page } = await open();
    const back = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    const dark = await back();
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
    const light = await back();
    expect(dark).not.toBe(light);
    const theme = 'button[title^="Theme"]';
    await page.click(theme);
    expect(await back()).toBe(dark);
    await page.close();
  });

  test('stays quick with 10,000 events', async () => {
    const begin = Date.now();
    const { page, complaints } = await open(10_000, 40);
    expect(await shown(page)).toBeGreaterThan(9_000);
    // Only what is seen exists.
    expect((await page.$$('*')).length).toBeLessThan(4_000);
    await page.focus('.lanes');
    const begun = Date.now();
    await press(page, '+', '+', '-', '+', 'ArrowRight', 'n', 'n', '0');
    expect(Date.now() - begun).toBeLessThan(4_000);
    expect(Date.now() - begin).toBeLessThan(30_000);
    expect(complaints).toEqual([]);
    mkdirSync(join(BUILD, '..', 'pictures'), { recursive: true });
    await page.screenshot({ path: join(BUILD, '..', 'pictures', 'report.png') });
    await page.close();
  });
});
