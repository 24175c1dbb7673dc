// `virtshim report who` and `--timeline` as their users run them: a real trail, beside libvirt's records of the stop,
// which its test driver does not write.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { virtshim } from '../support/cli.js';
import { temporaryFolder } from '../support/paths.js';
import { asUser } from '../support/public_view.js';
import { deny, imageFile, permissiveExcept, runShimmed } from '../support/shim.js';
import { requireThat, requireTool } from '../support/tools.js';

const UUID = '6695eb01-f6a4-8304-79aa-97f2502e193f';
const NOBODY = 65534;

/** A trail of a denied and a permitted stop, and an audit log with libvirt's record of the stop and of a later one. */
async function stoppedGuest(): Promise<{ trail: string; log: string }> {
  const folder = temporaryFolder('who');
  const trail = join(folder, 'trail');
  const run = async (commands: string, rules: Parameters<typeof permissiveExcept>[0]) =>
    runShimmed('virsh', ['-c', 'test:///default', commands], {
      trail,
      policy: await imageFile(permissiveExcept(rules)),
    });
  await run('destroy test', [deny('no-destroy', ['virDomainDestroy'])]);
  const { records } = await run('suspend test; destroy test', []);
  const destroyed = records.findLast(({ event }) => event === 'virDomainDestroy')?.line ?? '';
  const seconds = Date.parse(/time="([^"]*)"/.exec(destroyed)?.[1] ?? '') / 1000;
  const log = join(folder, 'audit.log');
  writeFileSync(log, stop(seconds, 'destroyed', 1) + stop(seconds + 600, 'shutdown', 2));
  return { trail, log };
}

function stop(seconds: number, reason: string, serial: number): string {
  const text = `virt=qemu op=stop reason=${reason} vm="test" uuid=${UUID} vm-pid=0 exe="/usr/sbin/libvirtd"`;
  const who = 'pid=700 uid=0 auid=4294967295 ses=4294967295';
  const stamp = `${seconds.toFixed(3)}:${serial}`;
  return `type=VIRT_CONTROL msg=audit(${stamp}): ${who} msg='${text} hostname=? addr=? terminal=? res=success'\n`;
}

const withVirsh = requireTool('virsh');

describe('virtshim report who', () => {
  withVirsh('tells the last stop, by name or uuid, and all of them', async () => {
    const { trail, log } = await stoppedGuest();
    const sources = ['--trail', trail, '--file', log];
    for (const guest of ['test', UUID, UUID.toUpperCase()]) {
      const { status, stdout, stderr } = virtshim(['report', 'who', guest, ...sources]);
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(
        /^test \(6695eb01.*\) stopped \(shutdown\) .*, unattributed: .*\n {2}the guest shut down from inside/,
      );
    }
    const { stdout } = virtshim(['report', 'who', 'test', '--all', ...sources]);
    expect(virtshim(['report', ...sources, 'who', 'test', '--all']).stdout).toBe(stdout);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^test .* stopped \(destroyed\) .* by .*, virsh, pid \d+.*, record [0-9a-f]{16}$/),
      expect.stringMatching(/^ {2}before that refused: virDomainDestroy at .*, rule no-destroy, record [0-9a-f]{16}$/),
      expect.stringContaining(' stopped (shutdown) '),
      expect.stringMatching(/^ {2}the guest shut down from inside/),
      '',
    ]);
  });

  withVirsh('as JSON, for programs', async () => {
    const { trail, log } = await stoppedGuest();
    const { stdout } = virtshim(['report', 'who', 'test', '--all', '--json', '--trail', trail, '--file', log]);
    const [first, second] = stdout.split('\n').map((line): unknown => (line === '' ? undefined : JSON.parse(line)));
    expect(first).toMatchObject({
      ...{ guest: 'test', uuid: UUID, kind: 'stop', reason: 'destroyed', attribution: 'call' },
      by: { operation: 'virDomainDestroy', comm: 'virsh', record: expect.stringMatching(/^[0-9a-f]{16}$/) },
      refused: [{ verdict: 'denied', rule: 'no-destroy' }],
    });
    expect(second).toMatchObject({ reason: 'shutdown', attribution: 'none', refused: [] });
  });

  withVirsh('from a trail alone: the call, and that its effect is not recorded', async () => {
    const { trail } = await stoppedGuest();
    const { stdout } = virtshim(['report', 'who', 'test', '--trail', trail, '--file', '/dev/null']);
    expect(stdout).toMatch(
      /^test .* was stopped by virDomainDestroy .*, virsh, .*\n {2}libvirt's own record of it is in none/,
    );
  });

  withVirsh('names the guests that it knows where it does not know this one', async () => {
    const { trail, log } = await stoppedGuest();
    const near = virtshim(['report', 'who', 'tset', '--trail', trail, '--file', log]);
    expect([near.status, near.stdout]).toEqual([2, '']);
    expect(near.stderr).toMatch(/no start or stop of a guest `tset`\nhint: did you mean `test`\?\n$/);
    const far = virtshim(['report', 'who', 'something-else', '--trail', trail, '--file', log]);
    expect(far.stderr).toMatch(/hint: they tell of test\n$/);
  });

  const asRoot = requireThat(process.getuid?.() === 0, 'another user can be taken by root alone');
  asRoot('who has neither a trail nor the right to read the logs is told what is missing', () => {
    const env = { HOME: '/proc' };
    const { status, stderr } = asUser(NOBODY)(['report', 'who', 'test'], env);
    expect(status).toBe(2);
    expect(stderr).toMatch(/warning: .*audit.*: libvirt's own records of starts and stops are missing\n/);
    expect(stderr).toMatch(/warning: no trail in .*: calls that only a trail holds are missing\n/);
    expect(stderr).toMatch(/hint: they tell of none at all; --trail and --file name other logs\n$/);
  });

  test('a trail or log that was named and is not there is an error', () => {
    const missing = join(temporaryFolder('missing'), 'x');
    for (const option of ['--trail', '--file']) {
      const { status, stderr } = virtshim(['report', 'who', 'test', option, missing]);
      expect([status, stderr.includes(missing)]).toEqual([3, true]);
    }
  });
});

describe('virtshim report --timeline', () => {
  withVirsh('tells everything by time, and what is asked for', async () => {
    const { trail, log } = await stoppedGuest();
    const sources = ['--trail', trail, '--file', log];
    const { stdout } = virtshim(['report', '--timeline', ...sources]);
    expect(stdout.split('\n').map((line) => line.slice(20))).toEqual([
      expect.stringMatching(/^test virDomainDestroy denied, asked for by .*, rule no-destroy, /),
      expect.stringMatching(/^test virDomainSuspend by .*, suspended for 0:00:00$/),
      expect.stringMatching(/^test stopped \(destroyed\) by .*, virsh, /),
      'test stopped (shutdown), unattributed: nobody asked for it through the shim',
      '',
    ]);
    expect(virtshim(['report', '--timeline', '--vm', 'other', ...sources]).stdout).toBe('');
  });

  withVirsh('sessions have their callers in columns of their own', async () => {
    const { trail, log } = await stoppedGuest();
    const [headings, first, second] = virtshim(['report', '--trail', trail, '--file', log]).stdout.split('\n');
    expect(headings).toMatch(/ENDED +STARTED BY +ENDED BY$/);
    expect(first).toMatch(/destroyed +\S+ virsh\[\d+\]$/);
    expect(second).toMatch(/shutdown +unattributed$/);
    expect(virtshim(['report', '--file', log]).stdout).not.toContain('ENDED BY');
  });

  test('has no CSV, and nothing in common with auvirt', () => {
    for (const option of [
      ['--format', 'csv'],
      ['--compat', 'auvirt'],
    ]) {
      const { status, stderr } = virtshim(['report', '--timeline', '--file', '/dev/null', ...option]);
      expect([status, stderr.includes(`--timeline and ${option.join(' ')} exclude each other`)]).toEqual([2, true]);
    }
  });
});
