// For whom a program says that it calls: by thread, by process, and apart from who it is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { parseRecord } from '../../src/trail/index.js';
import { act, type Command, OPEN } from '../support/actor.js';
import { requireBinding } from '../support/bindings.js';
import { virtshim } from '../support/cli.js';
import { temporaryFolder } from '../support/paths.js';
import { deny, imageFile, permissiveExcept, runShimmed } from '../support/shim.js';
import { requireTool } from '../support/tools.js';
import { trailLines } from '../support/trail_checks.js';

const test = requireTool('cc');

/** What the records of these functions assert, in their order: both records of each call. */
function asserted(trail: string, events = /^virDomain(Suspend|Resume|Destroy)$/) {
  return trailLines(trail)
    .map(parseRecord)
    .filter(({ event }) => event !== undefined && events.test(event))
    .map((record) => record.asserted);
}

const twice = <T>(value: T): [T, T] => [value, value];
const DOMAIN: readonly Command[] = [OPEN, ['lookup', 'test']];

describe('a thread', () => {
  test('asserts nothing until it says so, and takes it back', () => {
    const { trail } = act([
      ...DOMAIN,
      ['suspend'],
      ['say', 'alice', 'shop', 'ticket 4711'],
      ['resume'],
      ['say', 'bob', null, null],
      ['suspend'],
      ['say', null, null, null],
      ['resume'],
    ]);
    expect(asserted(trail)).toEqual([
      ...twice(undefined),
      ...twice({ actor: 'alice', via: 'shop', reason: 'ticket 4711' }),
      ...twice({ actor: 'bob' }),
      ...twice(undefined),
    ]);
  });

  test('leaves an empty text out', () => {
    const { trail } = act([...DOMAIN, ['say', '', '', 'why'], ['suspend'], ['say', '', '', ''], ['resume']]);
    expect(asserted(trail)).toEqual([...twice({ reason: 'why' }), ...twice(undefined)]);
  });

  test('speaks for itself alone, and for the child that it forks', () => {
    const alice: Command = ['say', 'alice', null, null];
    const byThread = act([...DOMAIN, alice, ['destroyby', 'thread']]);
    expect(asserted(byThread.trail)).toEqual(twice(undefined));
    const byChild = act([...DOMAIN, alice, ['destroyby', 'fork']]);
    expect(asserted(byChild.trail)).toEqual(twice({ actor: 'alice' }));
  });

  test('is named in the record of a refusal', async () => {
    const policy = await imageFile(permissiveExcept([deny('no', ['virDomainDestroy'])]));
    const { trail } = act([...DOMAIN, ['say', 'alice', 'shop', null], ['destroy']], { policy });
    expect(asserted(trail)).toEqual([{ actor: 'alice', via: 'shop' }]);
  });

  test('keeps passwords out of it', () => {
    const { trail } = act([...DOMAIN, ['say', null, null, 'see qemu+ssh://root:hunter2@host/system'], ['suspend']]);
    const [said] = asserted(trail);
    expect(said?.reason).toMatch(/^see qemu\+ssh:\/\/root:hmac:[0-9a-f]{16}@host\/system$/);
    expect(readFileSync(join(trail, 'trail.xml'), 'utf8')).not.toContain('hunter2');
  });
});

describe('a process', () => {
  const env = { VIRTSHIM_ACTOR: 'operator', VIRTSHIM_REASON: 'maintenance' };

  test('asserts what the environment says', () => {
    const { trail } = act([...DOMAIN, ['suspend']], { env });
    expect(asserted(trail)).toEqual(twice({ actor: 'operator', reason: 'maintenance' }));
  });

  test('where a thread says nothing else', () => {
    const { trail } = act([...DOMAIN, ['say', 'alice', 'shop', null], ['suspend']], { env });
    expect(asserted(trail)).toEqual(twice({ actor: 'alice', via: 'shop', reason: 'maintenance' }));
  });

  requireTool('virsh')('is told by `run --reason --actor`, and `trail show` tells', () => {
    const trail = join(temporaryFolder('trail'), 'trail');
    const said = ['--reason', "it's $urgent", '--actor', 'alice'];
    const run = virtshim(['run', '--trail', trail, ...said, '--', 'virsh', '-c', 'test:///default', 'suspend', 'test']);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const [first] = asserted(trail);
    expect(first).toEqual({ actor: 'alice', reason: "it's $urgent" });
    const show = (actor: string) => virtshim(['trail', 'show', trail, '--actor', actor]).stdout;
    expect(show('alice')).toContain("alice (it's $urgent)");
    expect(show('bob')).toBe('no records\n');
  });
});

requireBinding('python')('a refusal carries the rule and the record apart from its message', async () => {
  const script = [
    'import libvirt',
    'libvirt.registerErrorHandler(lambda context, error: None, None)',
    'd = libvirt.open("test:///default").lookupByName("test")',
    'for call in d.destroy, d.suspend:',
    '  try: call()',
    '  except libvirt.libvirtError as e:',
    '    print(e.get_str2(), e.get_str3(), e.get_str1() == e.get_error_message(), e.get_error_message(), sep="|")',
  ].join('\n');
  const rules = [deny('no-destroy', ['virDomainDestroy'])];
  const defaults = { '*': 'allow', control: 'deny' } as const;
  const policy = await imageFile(permissiveExcept(rules, { defaults }));
  const { stdout, records } = runShimmed('/usr/bin/python3', ['-c', script], { policy });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => line.split('|'));
  const refused = records.filter((record) => record.effect === 'denied');
  expect(lines.map(([rule, record, same]) => [rule, record, same])).toEqual([
    ['no-destroy', refused[0]?.rid, 'True'],
    ['None', refused[1]?.rid, 'True'],
  ]);
  expect(lines[0]?.[3]).toBe(
    `access denied: virDomainDestroy on domain 'test': rule 'no-destroy' of policy 'test' (record ${refused[0]?.rid})`,
  );
});
