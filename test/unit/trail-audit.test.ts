// The audit text: read by the real ausearch, and the same whether the writers made it or `auditLine` from the trail.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { auditLine, readTrail } from '../../src/trail/index.js';
import { trailId } from '../../src/trail/state.js';
import { requireTool } from '../support/tools.js';
import { emit, linesOf } from '../support/trail_writer.js';

const UUID = '6695eb01-f6a4-8304-79aa-97f2502e193f';

const HOSTILE = [
  'demo',
  'x,uuid=deadbeef',
  "res=success'",
  'demo,exe=/bin/evil',
  'demo,terminal=tty9',
  'uid=77',
  'a" res=success uuid=deadbeef',
  "' res=success",
  'virt=qemu op=start',
  'a b\tc',
  'line\nbreak',
  '\u001dUID="evil"',
  'msg=audit(1.000:1):',
  '\u202Eexe.txt',
  'Gäst€🐧',
  'n'.repeat(5000),
  'ä'.repeat(2500),
  Buffer.from([0xff, 0xfe, 0x80]),
  Buffer.from(Array.from({ length: 255 }, (_, index) => index + 1)),
];

const DEVICES = [
  "<disk type='file' device='disk'><source file='/var/lib/x.img'/></disk>",
  '<disk><source\n  dev = "/dev/sd b"\tfile=\'\'/></disk>',
  "<disk><source file='/a&amp;b'/></disk>",
  "<disk><!-- <source file='/a'/> --><source file='/b'/></disk>",
  "<disk><source file='/a'/><source file='/b'/></disk>",
  "<disk><sourcefile='/a'/></disk>",
  '<disk><source file/></disk>',
  "<disk><source startupPolicy='optional' file='/a'>",
  "<filesystem><source dir='/ä'/></filesystem>",
  "<graphics passwd='secret'/>",
  'x',
];

const dir = emit(HOSTILE);
const devices = emit(DEVICES, ['file', 'device']);
afterAll(() => {
  rmSync(dir, { recursive: true });
  rmSync(devices, { recursive: true });
});

function ausearch(...args: string[]): string[] {
  const run = spawnSync('ausearch', ['-if', join(dir, 'audit.log'), '--raw', ...args], { encoding: 'latin1' });
  return run.stdout.split('\n').filter((line) => line !== '');
}

const withAusearch = requireTool('ausearch');

describe('ausearch', () => {
  withAusearch('finds every record by its type and by the UUID of its guest', () => {
    expect(ausearch('-m', 'VIRT_CONTROL')).toHaveLength(HOSTILE.length);
    expect(ausearch('--uuid', UUID)).toHaveLength(HOSTILE.length);
    expect(ausearch('--uuid', 'deadbeef')).toHaveLength(0);
  });

  withAusearch('takes none of the failed records for a success', () => {
    expect(ausearch('-sv', 'no')).toHaveLength(HOSTILE.length);
    expect(ausearch('-sv', 'yes')).toHaveLength(0);
  });

  withAusearch('attributes every record to the program and the user', () => {
    expect(ausearch('-x', '/bin/evil')).toHaveLength(0);
    expect(ausearch('-ui', '77')).toHaveLength(0);
    expect(ausearch('-ui', String(process.getuid?.()))).toHaveLength(HOSTILE.length);
    expect(ausearch('-c', 'test_audit_emit')).toHaveLength(HOSTILE.length);
    expect(ausearch('-tm', 'tty9')).toHaveLength(0);
  });

  withAusearch('finds a guest by its very name', () => {
    const names = HOSTILE.filter((name): name is string => typeof name === 'string' && /^[ -~]{1,255}$/.test(name));
    for (const name of names) expect([name, ausearch('-w', '-vm', name).length]).toEqual([name, 1]);
  });
});

test('lines are whole and short enough for every reader', () => {
  const lines = linesOf(dir, 'audit.log');
  expect(lines).toHaveLength(HOSTILE.length);
  for (const line of lines) {
    expect(line).toMatch(/^type=VIRT_CONTROL msg=audit\(\d+\.\d{3}:\d{10}\): pid=\d+ uid=\d+ [ -~]* res=failed'$/);
    expect(line.length).toBeLessThan(4400);
    expect(Number(/:(\d+)\)/.exec(line)?.[1])).toBeGreaterThanOrEqual(2 ** 31);
  }
});

test.each([
  ['names', dir],
  ['devices', devices],
])('the trail tells the same audit text: %s', async (_, folder) => {
  const text = (line: string) => line.slice(line.indexOf('): ') + 3);
  const made: string[] = [];
  const id = await trailId(folder);
  expect(id).toMatch(/^[0-9a-f]{16}$/);
  for await (const { record } of readTrail(folder)) made.push(text((record && auditLine(record, id)) ?? ''));
  expect(made).toEqual(linesOf(folder, 'audit.log').map(text));
});
