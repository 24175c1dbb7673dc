// Audit text through the kernel: what it accepts arrives in auditd's log, what it refuses stands in audit.log.
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect } from '@jest/globals';
import { readTrail } from '../../src/trail/index.js';
import { whyNoAuditd } from '../support/auditd.js';
import { BUILD, temporaryFolder } from '../support/paths.js';
import { requireThat } from '../support/tools.js';
import { emit, linesOf } from '../support/trail_writer.js';

const EMIT = join(BUILD, 'test_audit_emit');
const NOBODY = 65534;
const isRoot = process.geteuid?.() === 0;
const whyNot = whyNoAuditd();
const VALUES = ['demo', "res=success'", 'x,uuid=deadbeef', 'a b', Buffer.from([1, 2, 0xff])];

const folders: string[] = [];
afterAll(() => {
  for (const dir of folders) rmSync(dir, { recursive: true });
});
function kept(dir: string): string {
  folders.push(dir);
  return dir;
}

async function recordIds(dir: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { record } of readTrail(dir)) if (record !== undefined) ids.push(record.rid);
  return ids;
}

/** The lines of auditd's log that hold these record ids, once all are there or five seconds are over. */
async function whenLogged(ids: readonly string[]): Promise<string[]> {
  let found: string[] = [];
  for (let waited = 0; waited < 5000 && found.length < ids.length; waited += 200) {
    const args = ['--input-logs', '--raw', '-m', 'VIRT_CONTROL', '-c', 'test_audit_emit'];
    const { stdout } = spawnSync('ausearch', args, { encoding: 'latin1', maxBuffer: 1 << 28 });
    found = stdout.split('\n').filter((line) => ids.some((id) => line.includes(` rid=${id} `)));
    await sleep(200);
  }
  return found;
}

describe('the kernel', () => {
  const withAuditd = requireThat(whyNot === undefined, whyNot ?? '');
  withAuditd('takes the text, and auditd writes it down', async () => {
    const dir = kept(emit(VALUES, ['netlink']));
    const ids = await recordIds(dir);
    const lines = await whenLogged(ids);
    expect(lines).toHaveLength(VALUES.length);
    for (const line of lines) expect(line).toMatch(/^type=VIRT_CONTROL .* op=virDomainSuspend .* res=failed'/);
    expect(existsSync(join(dir, 'audit.log'))).toBe(false);
  });

  withAuditd('and the file take it where both are asked for', async () => {
    const dir = kept(emit(VALUES, ['netlink', 'file']));
    expect(await whenLogged(await recordIds(dir))).toHaveLength(VALUES.length);
    expect(linesOf(dir, 'audit.log')).toHaveLength(VALUES.length);
  });
});

describe('where the kernel refuses', () => {
  /** Runs the writer under another command; returns the trail's folder. */
  function emitUnder(command: readonly string[], owner: number): string {
    const dir = kept(temporaryFolder('netlink'));
    chownSync(dir, owner, owner);
    const [program = '', ...args] = [...command, EMIT, dir, 'netlink'];
    const run = spawnSync(program, args, { input: `${VALUES.slice(0, 4).join('\0')}\0`, encoding: 'utf8' });
    expect(run.stderr + run.stdout).toBe('');
    return dir;
  }

  requireThat(isRoot, 'becoming another user needs root')('an ordinary user has the text in audit.log', () => {
    const dir = emitUnder(['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'], NOBODY);
    const lines = linesOf(dir, 'audit.log');
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line).toContain(` uid=${NOBODY} `);
  });

  const namespaces = spawnSync('unshare', ['-U', '-r', 'true']).status === 0;
  requireThat(namespaces, 'no user namespaces here')('a rootless container has it there, too', () => {
    expect(linesOf(emitUnder(['unshare', '-U', '-r'], process.geteuid?.() ?? 0), 'audit.log')).toHaveLength(4);
  });
});
