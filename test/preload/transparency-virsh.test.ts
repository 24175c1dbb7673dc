// virsh over a long script on the test driver: the same text, exit codes and calls with and without the shim.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { requireTool } from '../support/tools.js';
import { comparable, expectCallsSeen, FIXTURES, runBoth } from '../support/transparency.js';

const withVirsh = requireTool('virsh');

const script = (name: string) => readFileSync(join(FIXTURES, name), 'utf8');

describe('virsh', () => {
  withVirsh('behaves the same over a script of nearly all its commands', async () => {
    const input = script('commands.virsh');
    expect(new Set(input.split('\n').map((line) => line.split(' ')[0])).size).toBeGreaterThan(250);
    const both = await runBoth('virsh', ['-c', 'test:///default'], { input });
    expect(comparable(both.shimmed)).toEqual(comparable(both.bare));
    expect(both.bare.status).toBe(0);
    expectCallsSeen(both, { atLeastFunctions: 200 });
  });

  // virsh runs these in a thread of their own, and now and then waits for ever for one that is already done.
  const jobs: [string, string][] = [
    [
      'save',
      'save guest file; list --all; restore file; save-image-dumpxml file; save-image-edit file; save nosuchguest x',
    ],
    ['managedsave', 'managedsave guest; list --all --managed-save; managedsave-dumpxml guest; managedsave-edit guest'],
    ['dump', 'dump guest file; domstate guest; dump guest /nosuchfolder/file'],
    ['migrate to nowhere', 'migrate guest qemu+unix:///nowhere?socket=/nowhere/sock --live; domstate guest'],
    ['migrate to nonsense', 'migrate guest nonsense; domstate guest'],
  ];
  withVirsh.each(jobs)('behaves the same in a job: %s', async (_name, commands) => {
    const input = `define xml/domain.xml; start guest; ${commands}; destroy guest\n`.replaceAll('; ', '\n');
    const both = await runBoth('virsh', ['-c', 'test:///default'], { input, timeout: 3_000, retries: 8 });
    expect(comparable(both.shimmed)).toEqual(comparable(both.bare));
    expect(both.bare.status).toBe(0);
    expectCallsSeen(both, { atLeastFunctions: 10 });
  });

  const single: [string, string[]][] = [
    ['success', ['domstate', 'test']],
    ['unknown domain', ['suspend', 'nosuchguest']],
    ['unsupported call', ['managedsave-dumpxml', 'test']],
    ['several commands', ['suspend test; domstate test; resume test; domstate test']],
    ['several commands, one of which fails', ['suspend test; suspend test; domstate test']],
    ['an unknown command among several', ['suspend test; nosuchcommand']],
    ['read-only connection', ['-r', 'destroy', 'test']],
    ['usage error', ['domstate']],
  ];
  withVirsh.each(single)('exits the same as one command: %s', async (_name, args) => {
    const both = await runBoth('virsh', ['-c', 'test:///default', ...args]);
    expect(comparable(both.shimmed)).toEqual(comparable(both.bare));
  });
});
