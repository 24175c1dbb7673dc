// Audit logs as they are found: rotated, compressed, cut, mixed up, and in pieces of any size.
import { spawnSync } from 'node:child_process';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { withRotated } from '../../src/audit/files.js';
import { readAuditLog } from '../../src/audit/read.js';
import { parseAuditLine } from '../../src/audit/record.js';
import type { ReportEvent } from '../../src/report/event.js';
import { disk, outline, read, start, stop, T0, virt } from '../support/audit_log.js';
import { temporaryFolder } from '../support/paths.js';
import { randomLog } from '../support/random_log.js';
import { findTool } from '../support/tools.js';

const text = (lines: readonly string[]) => lines.map((each) => `${each}\n`).join('');
const inTime = (events: readonly ReportEvent[]) => events.every(({ time }, at) => time >= (events[at - 1]?.time ?? 0));

describe('files', () => {
  const rotated = () => {
    const dir = temporaryFolder('rotated');
    writeFileSync(join(dir, 'audit.log'), text([start(300), stop(400)]));
    writeFileSync(join(dir, 'audit.log.1'), text([stop(200)]));
    writeFileSync(join(dir, 'audit.log.2'), text([start(0), stop(50), start(100)]));
    writeFileSync(join(dir, 'audit.log.bak'), 'no log');
    return dir;
  };
  const sessions = ['demo 0..50 stop', 'demo 100..200 stop', 'demo 300..400 stop'];

  test('of a rotated log are all found, and nothing else', async () => {
    const dir = rotated();
    const files = await withRotated(join(dir, 'audit.log'));
    expect(files.sort()).toEqual(['audit.log', 'audit.log.1', 'audit.log.2'].map((name) => join(dir, name)));
    expect(await withRotated(dir)).toHaveLength(3);
    const { report, events } = await read('', files);
    expect(outline(report)).toEqual(sessions);
    expect(inTime(events)).toBe(true);
  });

  test.each(['gzip', 'xz', 'zstd', 'bzip2'])('that %s made are read once', async (program) => {
    if (findTool(program) === undefined) return;
    const dir = rotated();
    // The plain file stays, as it does while it is being compressed.
    spawnSync(program, ['-q', '-k', join(dir, 'audit.log.2')]);
    expect(await withRotated(dir)).toHaveLength(3);
    rmSync(join(dir, 'audit.log.2'));
    const files = await withRotated(dir);
    expect(files).toHaveLength(3);
    expect(outline((await read('', files)).report)).toEqual(sessions);
  });

  test('may be named in any order, and overlap', async () => {
    const dir = temporaryFolder('overlap');
    const lines = randomLog(7, 300).trim().split('\n');
    const parts = [lines.filter((_, at) => at % 3 === 0), lines.filter((_, at) => at % 3 !== 0)];
    const files = parts.map((part, at) => {
      writeFileSync(join(dir, `${at}.log`), text(part));
      return join(dir, `${at}.log`);
    });
    const whole = await read(lines);
    const merged = await read('', files.reverse());
    expect(merged.events.map(({ proof }) => proof.id)).toHaveLength(whole.events.length);
    expect(outline(merged.report).sort()).toEqual(outline(whole.report).sort());
  });

  test('that are not there are named in the error', async () => {
    const missing = join(temporaryFolder('none'), 'audit.log');
    await expect(read('', [missing])).rejects.toMatchObject({ code: 'VIRTSHIM_FILE' });
    await expect(withRotated(missing)).rejects.toThrow(`cannot read \`${missing}\``);
  });

  test('that are damaged in the middle of their compression end with an error', async () => {
    const file = join(temporaryFolder('damaged'), 'audit.log');
    writeFileSync(file, randomLog(1, 2000));
    spawnSync('gzip', [file]);
    const { size } = await import('node:fs').then(({ statSync }) => statSync(`${file}.gz`));
    spawnSync('truncate', ['-s', String(Math.floor(size / 2)), `${file}.gz`]);
    await expect(read('', [`${file}.gz`])).rejects.toMatchObject({ code: 'VIRTSHIM_FILE' });
  });

  test('that are renamed while they are read are read to their end', async () => {
    const dir = temporaryFolder('renamed');
    const file = join(dir, 'audit.log');
    writeFileSync(file, randomLog(1, 500));
    const events: ReportEvent[] = [];
    for await (const event of readAuditLog([file])) {
      if (events.length === 0) renameSync(file, `${file}.1`);
      events.push(event);
    }
    expect(events.length).toBeGreaterThan(400);
  });
});

describe('lines', () => {
  test('that cannot be read are told with their place, blank ones and remarks are not', async () => {
    const { report, unreadable } = await read(
      Buffer.concat([
        Buffer.from(text([start(0), '', '# remark', '----', 'time->Tue Nov 14 22:13:20 2023'])),
        Buffer.from('type=VIRT_CONTROL msg=audit(\n'),
        Buffer.from(`type=VIRT_CONTROL msg=audit(${T0}.100:5): pid=9 uid=0 msg='op=start vm="cut\n`),
        Buffer.from(`type=VIRT_CONTROL msg=audit(${T0}.1000:5): pid=9 uid=0 msg='op=start res=success'\n`),
        Buffer.from(`type=VIRT_CONTROL msg=audit(${T0}.100:5): pid=9 uid=0 msg='op=start res=success'\n`),
        Buffer.from([0xff, 0xfe, 0x00, 0x0a]),
        Buffer.from(stop(10)),
      ]),
    );
    expect(outline(report)).toEqual(['demo 0..10 stop']);
    expect(unreadable).toEqual([
      '6: time and serial number are broken',
      '7: cut short: no result (res=)',
      '8: time and serial number are broken',
      '9: names no guest (vm=, uuid=)',
      '10: not an audit record',
    ]);
  });

  test('may end in CRLF', async () => {
    const { report, unreadable } = await read([start(0), stop(10)].map((each) => `${each}\r`));
    expect(outline(report)).toEqual(['demo 0..10 stop']);
    expect(unreadable).toEqual([]);
  });

  test('may be enriched, of another host, and of an old kernel', async () => {
    const enriched = `${start(0)}\x1dUID="alice" AUID="unset"`;
    const old = stop(10).replace('): pid', '): user pid');
    const { events } = await read([enriched, old, `node=hv1.example.com ${start(20)}`]);
    expect(events.map(({ proof }) => proof.node)).toEqual([undefined, undefined, 'hv1.example.com']);
    expect(events).toMatchObject([{ subject: { uid: 0, userName: 'alice' } }, { operation: 'stop' }, {}]);
  });

  test('hold values that look like other fields', async () => {
    const vm = `"x,uuid=deadbeef res=failed op=stop"`;
    const { events } = await read([start(0, 1, { vm }), disk(1, 'attach', '?', 'a uuid=1 res=failed', { vm })]);
    expect(events).toMatchObject([
      { kind: 'control', operation: 'start', success: true, guest: { name: 'x,uuid=deadbeef res=failed op=stop' } },
      { kind: 'resource', success: true, after: 'a uuid=1 res=failed' },
    ]);
  });

  test('in any order are sorted', async () => {
    const lines = randomLog(3, 300).trim().split('\n');
    const order = (await read(lines)).events.map(({ proof }) => proof.id);
    const shuffled = lines.map((each, at) => ({ each, key: (at * 7919) % 1009 })).sort((a, b) => a.key - b.key);
    const mixed = await read(shuffled.map(({ each }) => each));
    expect([...mixed.events.map(({ proof }) => proof.id)].sort()).toEqual([...order].sort());
    expect(inTime(mixed.events)).toBe(true);
  });

  test('give the same in pieces of any size', async () => {
    const log = Buffer.from(randomLog(5, 60));
    const whole = (await read(log)).events;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 40 }), async (sizes) => {
        const pieces: Buffer[] = [];
        for (let from = 0, turn = 0; from < log.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          pieces.push(log.subarray(from, from + size));
          from += size;
        }
        const events: ReportEvent[] = [];
        for await (const event of readAuditLog([Readable.from(pieces)])) events.push(event);
        expect(events).toEqual(whole);
      }),
      { numRuns: 30 },
    );
  });

  test('of any bytes are read or told, never thrown', async () => {
    const noise = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));
    const damaged = fc.tuple(fc.nat(400), noise).map(([at, bytes]) => {
      const whole = Buffer.from(virt('VIRT_RESOURCE', 0, 'resrc=disk reason=attach', 'old-disk="?" new-disk="/a"'));
      return Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at + bytes.length)]);
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(noise, damaged), { maxLength: 20 }), async (pieces) => {
        const log = Buffer.concat(pieces.flatMap((piece) => [piece, Buffer.from('\n')]));
        const lines = log.toString('latin1').split('\n');
        const { events, unreadable } = await read(log);
        expect(events.length + unreadable.length).toBeLessThanOrEqual(lines.length);
      }),
      { numRuns: 200 },
    );
  });
});

describe('what is wanted', () => {
  test('decides what is read', async () => {
    const log = randomLog(9, 200);
    const kinds = async (resources: boolean, security: boolean) => {
      const { events } = await read(log, [], { wanted: { resources, security } });
      return [...new Set(events.map(({ kind }) => kind))].sort();
    };
    expect(await kinds(true, true)).toEqual(['avc', 'call', 'control', 'machine-id', 'resource']);
    expect(await kinds(true, false)).toEqual(['call', 'control', 'machine-id', 'resource']);
    expect(await kinds(false, false)).toEqual(['call', 'control']);
  });

  test('is read no faster than it is taken', async () => {
    const lines = text(Array.from({ length: 200 }, (_, at) => `${start(at)}\n${stop(at)}`));
    let given = 0;
    const endless = function* () {
      for (;;) {
        given++;
        yield Buffer.from(lines);
      }
    };
    let taken = 0;
    for await (const event of readAuditLog([Readable.from(endless())])) {
      expect(event.kind).toBe('control');
      if (++taken === 1000) break;
    }
    expect(given).toBeLessThan(150);
  });
});

test('records that say the same are events of their own', async () => {
  const said = start(0).replace(/^.*?\): /, '');
  const lines = ['type=VIRT_CONTROL msg=audit(1.002:3): ', 'node=b type=VIRT_CONTROL msg=audit(4.005:6): '];
  const { events } = await read(text(lines.map((head) => `${head}${said}`)));
  expect(events).toMatchObject([
    { kind: 'control', time: 1002, order: 0, proof: { source: 'audit', id: '1.002:3' } },
    { kind: 'control', time: 4005, order: 1, proof: { source: 'audit', id: '4.005:6', node: 'b' } },
  ]);
  expect(events[0]?.proof).not.toHaveProperty('node');
});

test.each([
  '1.002',
  '1.02:3',
  '1.0023:4',
  '.002:3',
  '1.002:',
  '1.002:3x',
  '1234567890123.002:3',
  `1.002:${'1'.repeat(21)}`,
])('the stamp %s is none', (stamp) => {
  expect(parseAuditLine(`type=VIRT_CONTROL msg=audit(${stamp}): pid=1`)).toBe('time and serial number are broken');
});

test('the parts of a line are its own', () => {
  const text = `node=a type=VIRT_CONTROL msg=audit(1.002:3): pid=1 msg='op=start vm=6162 exe="/x y" res=success'\x1dUID="root"`;
  const record = parseAuditLine(text);
  if (typeof record === 'string') throw new Error(record);
  expect(record).toMatchObject({
    type: 'VIRT_CONTROL',
    node: 'a',
    time: 1002,
    stamp: '1.002:3',
    enriched: 'UID="root"',
  });
  expect([...record.fields]).toEqual([
    { name: 'pid', raw: '1' },
    { name: 'op', raw: 'start' },
    { name: 'vm', raw: '6162' },
    { name: 'exe', raw: '"/x y"' },
    { name: 'res', raw: 'success' },
  ]);
});
