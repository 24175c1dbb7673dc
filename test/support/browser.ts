// A real browser without a screen, and pages in it.
import { existsSync } from 'node:fs';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';

const PROGRAMS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];

/** Undefined where there is none; scripts/setup installs it. */
export const browserProgram = PROGRAMS.find((file) => existsSync(file));

export async function startBrowser(): Promise<Browser> {
  // No sandbox: it refuses to run as root. The pages are the tests' own.
  const args = ['--no-sandbox', '--hide-scrollbars', '--disable-gpu'];
  return puppeteer.launch({ executablePath: browserProgram ?? '', headless: 'shell', pipe: true, args });
}

export interface OpenPage {
  readonly page: Page;
  /** What the page's scripts complained of, and what it wanted from elsewhere. */
  readonly complaints: readonly string[];
}

/** Opens a file. */
export async function openPage(browser: Browser, file: string): Promise<OpenPage> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('request', (request) => {
    if (request.url() !== `file://${file}`) complaints.push(`asks for ${request.url()}`);
  });
  await page.setViewport({ width: 1400, height: 900 });
  await page.goto(`file://${file}`);
  await page.waitForSelector('.entry');
  return { page, complaints };
}
