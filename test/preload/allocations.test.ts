// A call that is judged and permitted allocates nothing beyond what libvirt does, whatever its rules ask for.
import { describe, expect } from '@jest/globals';
import type { RuleDocument } from '../../src/policy/document.js';
import { compileFixture, requireFixtures } from '../support/fixtures.js';
import { imageFile, permissiveExcept, runBare, runShimmed } from '../support/shim.js';

const test = requireFixtures();
const works = ['active', 'state', 'memory', 'weight'];
const audit = { netlink: false, levels: { '*': 'none' } } as const;

const clock = (hours: number) => `${String((new Date().getUTCHours() + hours) % 24).padStart(2, '0')}:00`;
const otherTime = { from: clock(10), to: clock(14), zone: 'UTC' };

const conditions: Readonly<Record<string, Partial<RuleDocument>>> = {
  'names and uuids': { resources: { names: ['prod-*', '*-db'], uuids: ['6695eb01-f6a4-8304-79aa-000000000000'] } },
  users: { subjects: { uids: [4242], groups: ['nogroup'] } },
  'who calls': { subjects: { auids: [4242], executables: ['/opt/*'], actors: ['x'] } },
  'what the process is called': { subjects: { commands: ['x'], terminals: ['tty9'] } },
  labels: { subjects: { labels: ['no-such-label'] } },
  connections: { connections: { drivers: ['qemu'] } },
  'hosts and transports': { connections: { hosts: ['h'], transports: ['tls'] } },
  exceptions: { resources: { names: ['te*'], not: { names: ['test'] } }, subjects: { not: { commands: ['x'] } } },
  times: { times: [otherTime], resources: { names: ['te*'] } },
  arguments: { arguments: { flags: { equal: 12345 } } },
  'typed parameters': { arguments: { 'params.weight': { greater: 1000 } } },
};

function allocationsIn(stdout: string): Record<string, number> {
  const lines = stdout.trim().split('\n');
  return Object.fromEntries(lines.map((line) => [line.split(' ')[0], Number(line.split(' ')[1])]));
}

describe('allocations of a thousand calls', () => {
  const program = () => compileFixture('allocations.c', { flags: ['-lvirt'] });

  test.each(Object.keys(conditions))('judged by %s', async (name) => {
    const rule: RuleDocument = { id: 'it', effect: 'deny', actions: ['*'], ...conditions[name] };
    const bare = allocationsIn(runBare(program(), works).stdout);
    expect(Object.keys(bare)).toEqual(works);
    const run = runShimmed(program(), works, { policy: await imageFile(permissiveExcept([rule], { audit })) });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(allocationsIn(run.stdout)).toEqual(bare);
  });

  test('of many rules', async () => {
    const rules = Array.from({ length: 2000 }, (_, index) => ({
      ...{ id: `r${index}`, effect: 'deny', actions: ['*'] },
      resources: { names: [`g${index}-*`] },
    })) as RuleDocument[];
    const run = runShimmed(program(), works, { policy: await imageFile(permissiveExcept(rules, { audit })) });
    expect(allocationsIn(run.stdout)).toEqual(allocationsIn(runBare(program(), works).stdout));
  });
});
