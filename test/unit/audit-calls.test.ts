// Audit text of the shim, read back: the same as its trail says, and found by the audit tools.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { readAuditLog } from '../../src/audit/read.js';
import type { CallEvent } from '../../src/report/event.js';
import { readTrail, type TrailRecord } from '../../src/trail/index.js';
import { requireTool } from '../support/tools.js';
import { emit } from '../support/trail_writer.js';

const VALUES = [
  ...['demo', 'a b', 'x,uuid=deadbeef', "res=success'", 'virt=qemu op=start', 'a" res=success uuid=deadbeef', '100%25'],
  ...['line\nbreak', '\u001dUID="evil"', 'msg=audit(1.000:1):', 'Gäst€🐧', 'ABCD', '12', 'n'.repeat(200)],
  Buffer.from([0xff, 0xfe, 0x80, 0x41]),
];
const dir = emit(VALUES);
const log = join(dir, 'audit.log');
afterAll(() => rmSync(dir, { recursive: true }));

async function calls(): Promise<CallEvent[]> {
  const events: CallEvent[] = [];
  const onUnreadable = ({ line, reason }: { line: number; reason: string }) => {
    throw new Error(`${line}: ${reason}`);
  };
  for await (const event of readAuditLog([log], { onUnreadable })) if (event.kind === 'call') events.push(event);
  return events;
}

async function responses(): Promise<Map<string, TrailRecord>> {
  const records = new Map<string, TrailRecord>();
  for await (const { record } of readTrail(dir)) if (record?.type === 'methodresponse') records.set(record.rid, record);
  return records;
}

test('says what the trail says, whatever the names', async () => {
  const records = await responses();
  const found = await calls();
  expect(found).toHaveLength(VALUES.length);
  for (const call of found) {
    const record = records.get(call.rid);
    expect(call).toMatchObject({
      ...{ operation: record?.event, success: record?.success, rule: record?.decision?.rule },
      guest: { name: record?.resource?.name, uuid: record?.resource?.uuid },
      ...{ uri: record?.connection?.uri, asserted: record?.asserted, recordedIn: ['audit'] },
      subject: { pid: record?.pid, uid: record?.uid, comm: record?.comm, exe: record?.exe },
    });
    expect(Math.abs(call.time - Date.parse(`${record?.time.slice(0, 23)}Z`))).toBeLessThanOrEqual(5000);
  }
});

requireTool(
  'ausearch',
  'aureport',
  'auvirt',
)('is found by ausearch and aureport, and no session to auvirt', async () => {
  const tool = (program: string, ...args: string[]) => {
    const { stdout } = spawnSync(program, args, { encoding: 'latin1', env: { ...process.env, LC_ALL: 'C' } });
    return stdout.split('\n').filter((line) => line !== '');
  };
  const found = await calls();
  expect(tool('ausearch', '-if', log, '--raw', '-m', 'VIRT_CONTROL')).toHaveLength(VALUES.length);
  expect(tool('ausearch', '-if', log, '--raw', '--vm-name', 'demo')).toHaveLength(1);
  const { guest } = found[0] ?? {};
  expect(tool('ausearch', '-if', log, '--raw', '--uuid', guest?.uuid ?? '')).not.toHaveLength(0);
  expect(tool('aureport', '-if', log, '--virt', '-i').filter((line) => /^\d+\. /.test(line))).toHaveLength(
    VALUES.length,
  );
  expect(tool('auvirt', '--file', log, '--all-events')).toEqual([]);
});
