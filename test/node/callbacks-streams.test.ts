// Streams through functions that libvirt calls for data, or with it: libvirt waits for what JavaScript answers. And
// streams that tell when there is something to be done.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Daemon, startDaemon, whyNoDaemon } from '../support/libvirtd.js';
import { FFI, OPEN, runListeners } from '../support/listeners.js';
import { temporaryFolder } from '../support/paths.js';
import { requireThat } from '../support/tools.js';

const whyNot = whyNoDaemon();
const withDaemon = requireThat(whyNot === undefined, whyNot ?? '');
const workplace = temporaryFolder('callbacks-streams');
const pool = join(workplace, 'pool');
const SIZE = 3_000_000;
let daemon: Daemon;

beforeAll(async () => {
  mkdirSync(pool);
  if (whyNot === undefined) daemon = await startDaemon({ cache: join(workplace, 'cache') });
});

afterAll(() => daemon?.stop());

let volumes = 0;

/** Runs a script with a volume `vol` of its own, of SIZE bytes, and `data` to fill it; returns the file, too. */
function runWithVolume(text: string) {
  volumes += 1;
  const name = `volume${volumes}`;
  const { reports } = runListeners(
    `ffi.startEventLoop();
    const conn = ffi.virConnectOpen(${JSON.stringify(daemon.uri)});
    const pool = ffi.virStoragePoolCreateXML(conn, \`<pool type='dir'><name>${name}</name><target><path>${pool}</path></target></pool>\`);
    const vol = ffi.virStorageVolCreateXML(pool, \`<volume><name>${name}</name><capacity>${SIZE}</capacity><allocation>0</allocation><target><format type='raw'/></target></volume>\`);
    const data = Buffer.alloc(${SIZE}, 'seventeen letters');
    const upload = (flags = 0) => {
      const stream = ffi.virStreamNew(conn);
      ffi.virStorageVolUpload(vol, stream, 0, 0, flags);
      return stream;
    };
    const download = (flags = 0, streamFlags = 0) => {
      const stream = ffi.virStreamNew(conn, streamFlags);
      ffi.virStorageVolDownload(vol, stream, 0, 0, flags);
      return stream;
    };
    const end = (stream) => { ffi.virStreamFinish(stream); ffi.virStreamFree(stream); };
    let at = 0;
    const read = (room) => { const piece = data.subarray(at, at + room); at += piece.length; return piece; };
    ${text}
    ffi.virStoragePoolDestroy(pool);`,
    { timeout: 30_000 },
  );
  return { reports, file: join(pool, name) };
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const wanted = digest(Buffer.alloc(SIZE, 'seventeen letters'));

describe('all at once', () => {
  withDaemon('there and back, on this thread', () => {
    const { reports, file } = runWithVolume(`
      const rooms = new Set();
      const up = upload();
      ffi.virStreamSendAll(up, (room) => { rooms.add(room); return read(room); });
      end(up);
      report(Math.min(...rooms) > 1000);
      const pieces = [];
      const down = download();
      ffi.virStreamRecvAll(down, (piece) => { pieces.push(piece); });
      end(down);
      report([pieces.length > 1, Buffer.concat(pieces).equals(data)]);`);
    expect(reports).toEqual([true, [true, true]]);
    expect(digest(readFileSync(file))).toBe(wanted);
  });

  withDaemon('there and back, on another thread, with promises', () => {
    const { reports, file } = runWithVolume(`
      let turns = 0;
      const timer = setInterval(() => { turns += 1; }, 1);
      const up = upload();
      await ffi.virStreamSendAll.async(up, async (room) => { await sleep(1); return read(room); });
      end(up);
      const pieces = [];
      const down = download();
      await ffi.virStreamRecvAll.async(down, async (piece) => { await sleep(1); pieces.push(piece); });
      end(down);
      clearInterval(timer);
      report([Buffer.concat(pieces).equals(data), turns > 5]);`);
    expect(reports).toEqual([[true, true]]);
    expect(digest(readFileSync(file))).toBe(wanted);
  });

  withDaemon('with holes, which take no room', () => {
    const { reports, file } = runWithVolume(`
      // 1 MB of data, 1 MB of nothing, and the rest again data.
      const MB = 1_000_000;
      const sections = [[0, MB, true], [MB, 2 * MB, false], [2 * MB, ${SIZE}, true], [${SIZE}, ${SIZE}, false]];
      const section = () => sections.find(([from, to]) => at < to) ?? [at, at, false];
      const skipped = [];
      const up = upload(ffi.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM);
      ffi.virStreamSparseSendAll(up,
        (room) => read(Math.min(room, section()[1] - at)),
        () => { const [, to, inData] = section(); return { inData, length: to - at }; },
        (length) => { skipped.push(length); at += Number(length); });
      end(up);
      report(skipped);
      at = 0;
      const seen = Buffer.alloc(${SIZE});
      const holes = [];
      const down = download(ffi.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM);
      await ffi.virStreamSparseRecvAll.async(down,
        (piece) => { seen.set(piece, at); at += piece.length; },
        (length) => { holes.push(length); at += Number(length); });
      end(down);
      const expected = Buffer.from(data).fill(0, MB, 2 * MB);
      report([seen.equals(expected), at, holes.reduce((sum, length) => sum + length, 0) > MB / 2]);`);
    expect(reports).toEqual([[1_000_000], [true, SIZE, true]]);
    expect(statSync(file).blocks * 512).toBeLessThan(SIZE);
  });
});

describe('a handler that fails', () => {
  withDaemon('ends the call with what it has thrown, on either thread', () => {
    const { reports } = runWithVolume(`
      const failed = async (f) => { try { await f(); return 'done'; } catch (error) { return [error.name, error.message]; } };
      const thrower = () => { throw new RangeError('enough'); };
      report(await failed(() => ffi.virStreamSendAll(upload(), thrower)));
      report(await failed(() => ffi.virStreamRecvAll(download(), thrower)));
      report(await failed(() => ffi.virStreamSendAll.async(upload(), thrower)));
      report(await failed(() => ffi.virStreamRecvAll.async(download(), async () => thrower())));
      report(await failed(() => ffi.virStreamSendAll(upload(), (room) => new Uint8Array(room + 1))));
      report(await failed(() => ffi.virStreamSendAll(upload(), () => 'text')));
      report(await failed(() => ffi.virStreamSparseSendAll(upload(1), read, () => 7, () => {})));
      report(await failed(() => ffi.virStreamSendAll(upload(), 'no function')));`);
    const enough = ['RangeError', 'enough'];
    expect(reports.slice(0, 4)).toEqual([enough, enough, enough, enough]);
    expect(reports[4]).toEqual(['RangeError', expect.stringMatching(/^handler returned more than the \d+ bytes/)]);
    expect(reports.slice(5)).toEqual([
      ['VirtshimError', '`what handler returns` of the stream must be a Uint8Array or null, not a string'],
      [
        'VirtshimError',
        '`what holeHandler returns` of the stream must be an object with `inData` and `length`, not `7`',
      ],
      ['VirtshimError', '`handler` of virStreamSendAll must be a function, not a string'],
    ]);
  });

  withDaemon('by a promise where nothing can wait for it', () => {
    const { reports } = runWithVolume(`
      try { ffi.virStreamSendAll(upload(), async () => null); } catch (error) { report([error.code, error.message, error.hint]); }`);
    expect(reports).toEqual([
      [
        'VIRTSHIM_ARGUMENT',
        'a handler of virStreamSendAll must not return a promise',
        'libvirt waits for it on this thread: call virStreamSendAll.async',
      ],
    ]);
  });
});

describe('a stream that tells when there is data', () => {
  withDaemon('is read to its end without blocking', () => {
    const { reports } = runWithVolume(`
      const up = upload();
      ffi.virStreamSendAll(up, read);
      end(up);
      const stream = download(0, ffi.VIR_STREAM_NONBLOCK);
      const hash = (await import('node:crypto')).createHash('sha256');
      const buffer = new Uint8Array(65536);
      let calls = 0;
      let ended = false;
      const listener = (which, events) => {
        ffi.virStreamFree(which);
        calls += 1;
        if (ended) return;
        for (;;) {
          const piece = ffi.virStreamRecv(stream, buffer);
          const length = typeof piece === 'number' ? piece : piece.length;
          if (length === -2) return;
          if (length === 0) { ended = true; ffi.virStreamEventRemoveCallback(stream); return; }
          hash.update(buffer.subarray(0, length));
        }
      };
      ffi.virStreamEventAddCallback(stream, 1, listener);
      await until(() => ended);
      end(stream);
      report(hash.digest('hex'));
      await sleep(50);
      report(calls < 2000);`);
    expect(reports).toEqual([wanted, true]);
  });

  withDaemon('does not flood a listener that does nothing about it', () => {
    const { reports } = runWithVolume(`
      const stream = upload();
      let calls = 0;
      ffi.virStreamEventAddCallback(stream, 2, (which) => { calls += 1; ffi.virStreamFree(which); });
      const from = performance.now();
      while (performance.now() - from < 300) { /* JavaScript is busy */ }
      // One round of the event loop and no more: from then on each call that was seen makes room for the next one.
      await new Promise(setImmediate);
      report(calls);
      ffi.virStreamEventUpdateCallback(stream, 0);
      await sleep(30);
      await new Promise(setImmediate);
      const settled = calls;
      await sleep(50);
      report(calls - settled);
      ffi.virStreamEventRemoveCallback(stream);
      ffi.virStreamAbort(stream);
      ffi.virStreamFree(stream);`);
    const [waiting, after] = reports;
    expect(waiting).toBeLessThan(10);
    expect(after).toBe(0);
  });
});

describe('without a daemon', () => {
  test('a screenshot of the test driver, on either thread', () => {
    const { reports } = runListeners(`${OPEN}
      const shot = async (receive) => {
        const stream = ffi.virStreamNew(conn);
        ffi.virDomainScreenshot(domain, stream, 0);
        const pieces = [];
        await receive(stream, (piece) => { pieces.push(piece); });
        ffi.virStreamFinish(stream);
        ffi.virStreamFree(stream);
        return Buffer.concat(pieces);
      };
      const [here, elsewhere] = [await shot(ffi.virStreamRecvAll), await shot(ffi.virStreamRecvAll.async)];
      report([here.subarray(1, 4).toString(), here.length > 1000, here.equals(elsewhere)]);`);
    expect(reports).toEqual([['PNG', true, true]]);
  });

  test('a handler that never answers does not hold up the end of its worker thread, nor of the process', () => {
    const { reports, status } = runListeners(
      `${OPEN}
      import { Worker } from 'node:worker_threads';
      const source = \`
        import { parentPort } from 'node:worker_threads';
        import * as ffi from 'file://${FFI}';
        const conn = ffi.virConnectOpen('test:///default');
        const domain = ffi.virDomainLookupByName(conn, 'test');
        const stream = ffi.virStreamNew(conn);
        ffi.virDomainScreenshot(domain, stream, 0);
        await ffi.virStreamRecvAll.async(stream, () => { parentPort.postMessage('asked'); return new Promise(() => {}); });\`;
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)));
      worker.on('error', (error) => report(error.message));
      await new Promise((resolve) => worker.once('message', resolve));
      await worker.terminate();
      report('ended');
      // Threads that waited for the worker's answer make other calls again.
      for (let i = 0; i < 40; i += 1) await ffi.virDomainGetName.async(domain);
      report('served');
      const stream = ffi.virStreamNew(conn);
      ffi.virDomainScreenshot(domain, stream, 0);
      ffi.virStreamRecvAll.async(stream, () => { setTimeout(() => process.exit(0), 10); return new Promise(() => {}); });`,
      { timeout: 10_000 },
    );
    expect([status, reports]).toEqual([0, ['ended', 'served']]);
  });
});
