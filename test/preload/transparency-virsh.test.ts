// virsh over a long script on the test driver: the same text, exit codes and calls with and without the shim.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { requireTool } from '../support/tools.js';
import { comparable, expectCallsSeen, FIXTURES, runBoth } from '../support/transparency.js';

const withVirsh = requireTool('virsh');

describe('virsh', () => {
  withVirsh('behaves the same over a script of all its commands', async () => {
    const input = readFileSync(join(FIXTURES, 'commands.virsh'), 'utf8');
    const commands = new Set(input.split('\n').map((line) => line.split(' ')[0]));
    expect(commands.size).toBeGreaterThan(250);
    const both = await runBoth('virsh', ['-c', 'test:///default'], { input });
    expect(comparable(both.shimmed)).toEqual(comparable(both.bare));
    expect(both.bare.status).toBe(0);
    expectCallsSeen(both, { atLeastFunctions: 150 });
  });

  const single: [string, string[]][] = [
    ['success', ['domstate', 'test']],
    ['unknown domain', ['suspend', 'nosuchguest']],
    ['unsupported call', ['managedsave-dumpxml', 'test']],
    ['several commands', ['suspend test; domstate test; resume test; nosuchcommand']],
    ['read-only connection', ['-r', 'destroy', 'test']],
    ['usage error', ['domstate']],
  ];
  withVirsh.each(single)('exits the same as one command: %s', async (_name, args) => {
    const both = await runBoth('virsh', ['-c', 'test:///default', ...args]);
    expect(comparable(both.shimmed)).toEqual(comparable(both.bare));
  });
});
