// Volumes as streams of Node, through a storage pool of a libvirtd of the test's own.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { type Daemon, startDaemon, whyNoDaemon } from '../support/libvirtd.js';
import { runScript, type ScriptOptions } from '../support/node_api.js';
import { temporaryFolder } from '../support/paths.js';
import { requireThat } from '../support/tools.js';
import { learningPolicy } from '../support/transparency.js';

const whyNot = whyNoDaemon();
const withDaemon = requireThat(whyNot === undefined, whyNot ?? '');
const workplace = temporaryFolder('streams-volume');
let daemon: Daemon;
let pools = 0;

beforeAll(async () => {
  if (whyNot === undefined) daemon = await startDaemon({ cache: join(workplace, 'cache') });
});

afterAll(() => daemon?.stop());

/** Runs a script with a pool of its own, in a folder that the script sees, too. */
function run(text: string, options: ScriptOptions = {}) {
  pools += 1;
  const folder = join(workplace, `pool-${pools}`);
  mkdirSync(folder);
  const prelude = `
    import { createHash, randomBytes } from 'node:crypto';
    import { once } from 'node:events';
    import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
    import { Readable } from 'node:stream';
    import { pipeline } from 'node:stream/promises';
    const connection = await Connection.open(${JSON.stringify(daemon.uri)});
    const folder = ${JSON.stringify(folder)};
    const pool = await connection.storagePoolCreateXML(
      \`<pool type='dir'><name>pool-${pools}</name><target><path>\${folder}</path></target></pool>\`);
    const MiB = 2 ** 20;
    const make = (name, size) => pool.createXML(
      \`<volume><name>\${name}</name><capacity>\${size}</capacity><allocation>0</allocation></volume>\`);
    const sum = (data) => createHash('sha256').update(data).digest('hex');
    const sumOf = async (stream) => {
      const hash = createHash('sha256');
      let size = 0;
      for await (const part of stream) { hash.update(part); size += part.length; }
      return [size, hash.digest('hex')];
    };
    const inParts = (data, size) => Readable.from((function* () {
      for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
    })());
    const onDisk = (name) => statSync(folder + '/' + name).blocks * 512;
    const failureOf = (promise) => promise.then(() => 'none', (error) => error.functionName ?? error.code ?? error.name);
  `;
  return runScript(prelude + text, { timeout: 100_000, ...options });
}

describe('a volume', () => {
  withDaemon('of 64 MiB goes up and down byte for byte', () => {
    const { reports } = run(`
      const data = randomBytes(64 * MiB);
      const volume = await make('volume', data.length);
      await pipeline(inParts(data, 100_003), volume.createWriteStream());
      report([(await volume.info()).capacity, sum(readFileSync(folder + '/volume')) === sum(data)]);
      const [size, hash] = await sumOf(volume.createReadStream());
      report([size, hash === sum(data)]);
      await volume.downloadFile(folder + '/copy');
      report(sum(readFileSync(folder + '/copy')) === sum(data));
      const second = await make('second', data.length);
      await second.uploadFile(folder + '/copy');
      report(sum(readFileSync(folder + '/second')) === sum(data));
    `);
    expect(reports).toEqual([[67108864, true], [67108864, true], true, true]);
  });

  withDaemon('goes in parts, small and large, and comes in parts at once', () => {
    const { reports } = run(`
      const data = randomBytes(3 * MiB + 17);
      const volume = await make('volume', data.length);
      const write = async (from, to) => {
        const writing = volume.createWriteStream({ offset: from, length: to - from });
        await pipeline(inParts(data.subarray(from, to), 1 + (from % 9_999)), writing);
      };
      const cuts = [0, 1, 262_120, 262_121, MiB, MiB + 65_536, data.length];
      for (const [i, to] of cuts.slice(1).entries()) await write(cuts[i], to);
      report(readFileSync(folder + '/volume').equals(data));
      const reads = cuts.slice(1).map((to, i) =>
        volume.createReadStream({ offset: cuts[i], length: BigInt(to - cuts[i]) }).toArray());
      report(Buffer.concat((await Promise.all(reads)).flat()).equals(data));
      report((await volume.createReadStream({ offset: data.length }).toArray()).length);
    `);
    expect(reports).toEqual([true, true, 0]);
  });

  withDaemon('with holes goes up and down without what is in them', async () => {
    const { reports, records } = run(
      `
      const data = Buffer.alloc(64 * MiB);
      randomBytes(3 * MiB).copy(data, 5 * MiB);
      randomBytes(100_000).copy(data, 40 * MiB + 17);
      data[50 * MiB - 1] = 1;
      writeFileSync(folder + '/local', data);
      const volume = await make('volume', data.length);
      await volume.uploadFile(folder + '/local', { sparse: true });
      report([sum(readFileSync(folder + '/volume')) === sum(data), onDisk('volume') < 5 * MiB]);
      await volume.downloadFile(folder + '/copy', { sparse: true });
      report([statSync(folder + '/copy').size, sum(readFileSync(folder + '/copy')) === sum(data)]);
      report(onDisk('copy') < 5 * MiB);
      report((await sumOf(volume.createReadStream({ sparse: true })))[1] === sum(data));
      const odd = await make('odd', 0);
      await pipeline(inParts(data.subarray(0, 9 * MiB + 5), 77_777), odd.createWriteStream({ sparse: true }));
      report(readFileSync(folder + '/odd').equals(data.subarray(0, 9 * MiB + 5)));
      `,
      { policy: await learningPolicy() },
    );
    expect(reports).toEqual([[true, true], [67108864, true], true, true, true]);
    const calls = (event: string) =>
      records.filter((each) => each.root === 'methodresponse' && each.event === event).length;
    expect(calls('virStreamSendHole')).toBeGreaterThan(3);
    expect(calls('virStreamRecvHole')).toBeGreaterThan(3);
  });

  withDaemon('is read as fast as its reader reads, and written as fast as libvirt takes it', () => {
    const { reports } = run(`
      const data = randomBytes(8 * MiB);
      const volume = await make('volume', data.length);
      const writing = volume.createWriteStream();
      let longest = 0;
      for (let at = 0; at < data.length; at += MiB) {
        if (!writing.write(data.subarray(at, at + MiB))) await once(writing, 'drain');
        longest = Math.max(longest, writing.writableLength);
      }
      writing.end();
      await once(writing, 'close');
      report([longest <= MiB, writing.writableFinished]);
      const reading = volume.createReadStream();
      await once(reading, 'readable');
      await new Promise((resolve) => setTimeout(resolve, 200));
      report(reading.readableLength <= 2 * 262_144);
      report((await sumOf(reading))[1] === sum(data));
    `);
    expect(reports).toEqual([[true, true], true, true]);
  });

  withDaemon('that is large is fetched in parts: a reader that waits costs no more than one of them', () => {
    const { reports } = run(`
      const MB = (bytes) => bytes / MiB;
      const volume = await make('volume', 500 * MiB);
      const before = process.memoryUsage().rss;
      const reading = volume.createReadStream();
      await once(reading, 'readable');
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      report(MB(process.memoryUsage().rss - before) < 150);
      let size = 0;
      for await (const part of reading) size += part.length;
      report(MB(size));
    `);
    expect(reports).toEqual([true, 500]);
  });

  withDaemon('is the same across the ends of parts, with holes and without', () => {
    const { reports } = run(`
      const data = Buffer.alloc(150 * MiB);
      for (const at of [0, 63 * MiB, 64 * MiB - 1, 128 * MiB, 150 * MiB - 3]) randomBytes(3).copy(data, at);
      randomBytes(2 * MiB).copy(data, 127 * MiB);
      const volume = await make('volume', data.length);
      await pipeline(inParts(data, MiB), volume.createWriteStream({ sparse: true }));
      const expected = (from, to) => [to - from, sum(data.subarray(from, to))];
      const ends = [[0, data.length], [5, 64 * MiB + 5], [64 * MiB, 128 * MiB], [127 * MiB, data.length]];
      for (const sparse of [false, true]) {
        for (const [from, to] of ends) {
          const length = to === data.length ? 0 : to - from;
          const read = await sumOf(volume.createReadStream({ offset: from, length, sparse }));
          report(JSON.stringify(read) === JSON.stringify(expected(from, to)));
        }
      }
    `);
    expect(reports).toEqual(Array.from({ length: 8 }, () => true));
  });

  withDaemon('is let go in the middle: by break, by a signal, by an error of the other side', async () => {
    const { reports, records } = run(
      `
      const data = randomBytes(32 * MiB);
      const volume = await make('volume', data.length);
      await pipeline(inParts(data, MiB), volume.createWriteStream());
      const reading = volume.createReadStream();
      for await (const part of reading) break;
      report(reading.destroyed);
      const controller = new AbortController();
      const writing = volume.createWriteStream({ signal: controller.signal });
      setTimeout(() => controller.abort(), 20);
      report([await failureOf(pipeline(inParts(data, 10_000), writing)), writing.destroyed]);
      const failing = volume.createReadStream();
      const sink = async function* (parts) { for await (const part of parts) throw new RangeError('mine'); };
      report([await failureOf(pipeline(failing, sink, async (parts) => { for await (const part of parts); })), failing.destroyed]);
      report(await failureOf(volume.downloadFile(folder + '/copy', { sparse: true, signal: AbortSignal.abort() })));
      const stopping = new AbortController();
      setTimeout(() => stopping.abort(new RangeError('enough')), 5);
      const options = { sparse: true, signal: stopping.signal };
      report(await failureOf(volume.downloadFile(folder + '/copy', options)));
      report((await sumOf(volume.createReadStream({ length: 5 })))[0]);
      await connection.close();
      `,
      { policy: await learningPolicy() },
    );
    expect(reports).toEqual([true, ['ABORT_ERR', true], ['RangeError', true], 20, 'RangeError', 5]);
    const calls = (event: string) =>
      records.filter((each) => each.root === 'methodresponse' && each.event === event).length;
    expect(calls('virStreamAbort')).toBe(5);
    expect(calls('virStreamFree')).toBeGreaterThanOrEqual(calls('virStreamNew'));
  });

  withDaemon('leaves nothing behind, however often it is let go', () => {
    const { reports } = run(
      `
      const volume = await make('volume', 4 * MiB);
      const readOften = async (times) => {
        for (let i = 0; i < times; i++) for await (const part of volume.createReadStream()) break;
        gc();
        return process.memoryUsage().rss / MiB;
      };
      await readOften(100);
      const before = await readOften(50);
      report((await readOften(200)) - before < 40);
      `,
      { node: ['--expose-gc'] },
    );
    expect(reports).toEqual([true]);
  });

  withDaemon('says what went wrong: with opening, with reading, with writing', () => {
    const { reports } = run(`
      const volume = await make('volume', MiB);
      report(await failureOf(volume.createReadStream({ offset: 2n ** 60n }).toArray()));
      const over = volume.createWriteStream({ length: 10 });
      report(await failureOf(pipeline(inParts(randomBytes(100_000), 50_000), over)));
      await volume.delete();
      report(await failureOf(volume.createReadStream().toArray()));
      report(await failureOf(pipeline(inParts(Buffer.from('x'), 1), volume.createWriteStream())));
      report(await failureOf(volume.uploadFile(folder + '/nowhere')));
      const other = await make('other', MiB);
      report(await failureOf(other.uploadFile(folder + '/nowhere')));
      report(await failureOf(other.downloadFile(folder + '/nowhere/at/all')));
    `);
    expect(reports).toEqual([
      'virStorageVolDownload',
      expect.stringMatching(/^virStream(Send|Finish)$/),
      'virStorageVolDownload',
      'virStorageVolUpload',
      expect.stringMatching(/^ENOENT|virStorageVolUpload$/),
      'ENOENT',
      'ENOENT',
    ]);
  });

  withDaemon('of a stream that the program has opened itself', () => {
    const { reports } = run(`
      const volume = await make('volume', MiB);
      const data = randomBytes(MiB);
      const up = await connection.newStream(constants.VIR_STREAM_NONBLOCK);
      await volume.upload(up, 0, 0);
      await pipeline(inParts(data, 5_000), up.writable());
      const down = await connection.newStream(constants.VIR_STREAM_NONBLOCK);
      await volume.download(down, 0, 0);
      report(Buffer.concat(await down.readable().toArray()).equals(data));
      report([up.freed, down.freed]);
    `);
    expect(reports).toEqual([true, [true, true]]);
  });
});
