// Consoles and screens as streams of Node, on a real qemu guest and on the test driver.
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { echoGuestXml, makeEchoDisk } from '../support/guests.js';
import { type Daemon, startDaemon, whyNoDaemon } from '../support/libvirtd.js';
import { runScript } from '../support/node_api.js';
import { temporaryFolder } from '../support/paths.js';
import { requireThat } from '../support/tools.js';

const whyNot = whyNoDaemon();
const withDaemon = requireThat(whyNot === undefined, whyNot ?? '');
const workplace = temporaryFolder('streams-console');
const cache = join(workplace, 'cache');
let daemon: Daemon;

beforeAll(async () => {
  if (whyNot === undefined) daemon = await startDaemon({ cache });
});

afterAll(() => daemon?.stop());

/** The processes that see what is mounted from this folder: a daemon of its own, and its guests. */
function processesWith(folder: string): string[] {
  const sees = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(`${folder}/`);
    } catch {
      return false;
    }
  };
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && sees(name));
}

/** Runs a script with a guest that is started but paused: nothing that it says is missed. */
function runWithGuest(text: string, { uri } = daemon) {
  const id = randomUUID();
  const xml = echoGuestXml(`echo-${id.slice(0, 8)}`, id, makeEchoDisk(join(workplace, `${id}.raw`)));
  const prelude = `
    import { once } from 'node:events';
    const connection = await Connection.open(${JSON.stringify(uri)});
    const domain = await connection.createXML(${JSON.stringify(xml)}, constants.VIR_DOMAIN_START_PAUSED);
    const listen = (terminal) => {
      const heard = { text: '', closed: once(terminal, 'close') };
      terminal.setEncoding('latin1').on('data', (text) => { heard.text += text; });
      heard.until = async (text) => { while (!heard.text.includes(text)) await sleep(10); };
      return heard;
    };
  `;
  return runScript(prelude + text, { timeout: 100_000 }).reports;
}

describe('a console', () => {
  withDaemon('carries both ways', () => {
    const reports = runWithGuest(`
      const terminal = await domain.openConsoleStream();
      const heard = listen(terminal);
      await domain.resume();
      await heard.until('ready\\r\\n');
      const lines = Array.from({ length: 20 }, (_, i) => 'line ' + i + ' of twenty\\r');
      for (const line of lines) { terminal.write(line); await heard.until(line.toUpperCase()); }
      report(heard.text === 'ready\\r\\n' + lines.join('').toUpperCase());
      await domain.destroy();
      await heard.closed;
      report([terminal.readableEnded, terminal.writableFinished, terminal.errored]);
    `);
    expect(reports).toEqual([true, [true, true, null]]);
  });

  withDaemon('that is idle costs nothing: no call is under way, nothing is asked again and again', () => {
    const reports = runWithGuest(`
      const terminal = await domain.openConsoleStream();
      terminal.resume();
      await sleep(100);
      const before = process.cpuUsage();
      await sleep(1_000);
      const { user, system } = process.cpuUsage(before);
      report((user + system) / 1000 < 100);
      terminal.destroy();
      await domain.destroy();
    `);
    expect(reports).toEqual([true]);
  });

  withDaemon('is closed by end(), which waits for what was written', () => {
    const reports = runWithGuest(`
      await domain.resume();
      const terminal = await domain.openConsoleStream();
      const heard = listen(terminal);
      terminal.end('bye');
      await heard.closed;
      report([terminal.writableFinished, terminal.readableEnded, terminal.errored]);
      const again = await domain.openConsoleStream();
      report(again.destroyed);
      again.destroy();
      await domain.destroy();
    `);
    expect(reports).toEqual([[true, true, null], false]);
  });

  withDaemon('is closed by its signal and by destroy()', () => {
    const reports = runWithGuest(`
      const controller = new AbortController();
      const first = await domain.openConsoleStream(null, { signal: controller.signal });
      const failed = once(first.resume(), 'error').catch((error) => [error]);
      await sleep(20);
      controller.abort();
      report((await failed)[0].name);
      const second = await domain.openConsoleStream();
      second.resume().destroy(new Error('mine'));
      const [error] = await once(second, 'error').catch((error) => [error]);
      report(error.message);
      const third = await domain.openConsoleStream();
      third.resume();
      const closed = once(third, 'close');
      third.destroy();
      await closed;
      report([third.destroyed, third.errored]);
      await domain.destroy();
    `);
    expect(reports).toEqual(['AbortError', 'mine', [true, null]]);
  });

  withDaemon('fails to open with the error of libvirt', () => {
    const reports = runWithGuest(`
      const first = await domain.openConsoleStream();
      const cut = once(first.resume(), 'end').catch((error) => error);
      const failure = await domain.openConsoleStream().catch((error) => error);
      report([failure instanceof LibvirtError, failure.functionName, failure.message]);
      const forced = await domain.openConsoleStream(null, { flags: constants.VIR_DOMAIN_CONSOLE_FORCE });
      report([(await cut).functionName, first.destroyed]);
      forced.destroy();
      const unknown = await domain.openConsoleStream('nothing').catch((error) => error);
      report([unknown.functionName, unknown.code]);
      const channel = await domain.openChannelStream().catch((error) => error);
      report([channel.functionName, channel instanceof LibvirtError]);
      await domain.destroy();
    `);
    expect(reports).toEqual([
      [true, 'virDomainOpenConsole', expect.stringContaining('Active console session exists')],
      ['virStreamRecv', true],
      ['virDomainOpenConsole', 1],
      ['virDomainOpenChannel', true],
    ]);
  });

  withDaemon('fails when the connection is lost', async () => {
    const doomed = await startDaemon({ cache });
    try {
      const reports = runWithGuest(
        `
        const terminal = await domain.openConsoleStream();
        const failed = once(terminal.resume(), 'end').catch((error) => error);
        await sleep(100);
        process.kill(${doomed.pid}, 'SIGKILL');
        const error = await failed;
        report([error.name, error.code]);
        await connection.close();
        `,
        doomed,
      );
      expect(reports).toEqual([['VirtshimError', 'VIRTSHIM_DISCONNECTED']]);
    } finally {
      await doomed.stop();
    }
    // The guest outlived its daemon; it must not outlive the test.
    expect(processesWith(doomed.folder)).toEqual([]);
  });
});

describe('a screenshot', () => {
  const collect = `const pictureOf = async (shot) => {
    const parts = [];
    for await (const part of shot) parts.push(part);
    return Buffer.concat(parts);
  };`;

  withDaemon('of a qemu guest', () => {
    const reports = runWithGuest(`${collect}
      await domain.resume();
      await sleep(200);
      const shot = await domain.screenshotStream();
      const picture = await pictureOf(shot);
      report([shot.mimeType, picture.length > 1000]);
      const failure = await domain.screenshotStream(99).catch((error) => error);
      report([failure.functionName, failure instanceof LibvirtError]);
      await domain.destroy();
    `);
    expect(reports).toEqual([
      [expect.stringMatching(/^image\//), true],
      ['virDomainScreenshot', true],
    ]);
  });

  test('of the test driver, byte for byte, again and again', () => {
    const { reports } = runScript(`${collect}
      import { createHash } from 'node:crypto';
      const connection = await Connection.open('test:///default');
      const domain = await connection.lookupByName('test');
      for (let i = 0; i < 20; i++) {
        const shot = await domain.screenshotStream();
        report([shot.mimeType, createHash('sha256').update(await pictureOf(shot)).digest('hex')]);
      }
      for (let i = 0; i < 20; i++) (await domain.screenshotStream()).destroy();
      await connection.close();
    `);
    const picture = readFileSync('/usr/share/libvirt/test-screenshot.png');
    const expected = ['image/png', createHash('sha256').update(picture).digest('hex')];
    expect(reports).toEqual(Array.from({ length: 20 }, () => expected));
  });
});
