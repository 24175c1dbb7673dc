// Attempts to do to a protected guest what a rule denies, by every door that libvirt has.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import type { RuleDocument } from '../../src/policy/document.js';
import { type Answer, act, type Command, domainXml, OPEN } from '../support/actor.js';
import { temporaryFolder } from '../support/paths.js';
import { deny, imageFile, permissiveExcept } from '../support/shim.js';
import { requireTool } from '../support/tools.js';
import { readTrail } from '../support/trail_checks.js';

const test = requireTool('cc');

const DENIED = 88;
const UUID = '11111111-2222-4333-8444-555555555555';

// A host of the test driver with a protected guest and one that anybody may use, both running.
function host(): string {
  const guest = (name: string, more: string) => domainXml(name, more).toString();
  const file = join(temporaryFolder('host'), 'host.xml');
  writeFileSync(file, `<node>${guest('prod-1', `<uuid>${UUID}</uuid>`)}${guest('web-1', '')}</node>`);
  return `test://${file}`;
}

// Everything that changes the guest or tells a secret of it; it may be looked at.
const protective: RuleDocument = {
  ...deny(
    'prod',
    [
      ...[
        'start',
        'stop',
        'suspend',
        'reset',
        'write',
        'delete',
        'save',
        'hibernate',
        'snapshot',
        'checkpoint',
        'migrate',
      ],
      ...[
        'init-control',
        'send-input',
        'send-signal',
        'set-password',
        'set-time',
        'pm-control',
        'core-dump',
        'mem-read',
      ],
      ...['block-read', 'block-write', 'open-device', 'open-graphics', 'open-namespace', 'read-secure', 'inject-nmi'],
      ...['screenshot', 'fs-freeze', 'fs-trim'],
    ].map((permission) => `domain.${permission}`),
  ),
  resources: { names: ['prod-*'] },
};

const policyOf = (rules: readonly RuleDocument[]) => imageFile(permissiveExcept(rules, { audit: { netlink: false } }));

async function attempt(rules: readonly RuleDocument[], commands: readonly Command[], uri = host()): Promise<Answer[]> {
  const run = act([['open', uri], ...commands], { policy: await policyOf(rules) });
  expect(`${run.status} ${run.signal} ${run.stderr}`).toBe('0 null ');
  return run.answers.slice(1);
}

const refused = (answer: Answer | undefined) => [answer?.command, answer?.result, answer?.code];

describe('a protected guest', () => {
  const doors: Command[] = [
    ...['suspend', 'resume', 'destroy', 'destroyflags', 'shutdown', 'shutdownflags', 'reset', 'reboot'].map(
      (name): Command => [name],
    ),
    ...['create', 'createflags', 'undefine', 'undefineflags', 'sendkey'].map((name): Command => [name]),
    ['setmem', '1024'],
    ['autostart', '1'],
    ['rename', 'web-9'],
    ['save', '/nonexistent/x'],
    ['setpassword', 'root', 'x'],
    ['metadata', "<k:x xmlns:k='urn:k'/>"],
    ['attach', "<disk type='file'><source file='/x'/><target dev='vda'/></disk>"],
    ['launchsecret', 'sev-secret', 'x'],
    ['monitor', 'quit', '1'],
    ['monitor', '{"execute":"quit"}'],
    ['agent', '{"execute":"guest-shutdown"}'],
    ['snapshot', '<domainsnapshot><name>x</name></domainsnapshot>'],
    ['migrate', 'web-9', 'qemu:///system'],
    ...['dlsym', 'dlvsym', 'default', 'vdefault', 'global', 'deepbind', 'pointer'].map(
      (way): Command => ['destroyby', way],
    ),
    ['destroyfree'],
  ];
  const finders: Record<string, readonly Command[]> = {
    'its name': [['lookup', 'prod-1']],
    'its uuid': [['lookupuuid', UUID]],
    'its uuid in bytes': [['lookupraw', Buffer.from(UUID.replaceAll('-', ''), 'hex')]],
    'its uuid in capitals and without hyphens': [['lookupuuid', UUID.replaceAll('-', '').toUpperCase()]],
    'its id': [['lookupid', '1']],
  };

  test.each(Object.entries(finders))('found by %s is refused at every door', async (_how, find) => {
    const answers = await attempt([protective], [...find, ...doors, ['active']]);
    const [found, ...tried] = answers;
    expect([found?.result, found?.name?.toString()]).toEqual([0, 'prod-1']);
    expect(tried.slice(0, -1).map(refused)).toEqual(doors.map(([name]) => [name, -1, DENIED]));
    expect(tried.at(-1)?.name?.toString()).toBe('active');
  });

  // The error is the child's, or the thread's.
  test.each(['fork', 'thread'])('is refused in another one: %s', async (way) => {
    const answers = await attempt([protective], [['lookup', 'prod-1'], ['destroyby', way], ['active']]);
    expect(answers.map((answer) => answer.result)).toEqual([0, -1, 0]);
    expect(answers.at(-1)?.name?.toString()).toBe('active');
  });

  test('is refused where libvirt itself calls the function as a callback', async () => {
    const answers = await attempt([protective], [['lookup', 'prod-1'], ['freecb'], ['active']]);
    expect(answers[1]?.code).toBe(DENIED);
    expect(answers[2]?.name?.toString()).toBe('active');
  });

  test('keeps its snapshots, which are judged as the guest', async () => {
    const rule = deny('snapshots', ['virDomainSnapshotDelete', 'virDomainRevertToSnapshot'], ['prod-*']);
    const answers = await attempt(
      [rule],
      [
        ['lookup', 'prod-1'],
        ['snapshot', '<domainsnapshot><name>web-1</name></domainsnapshot>'],
        ['snaprevert'],
        ['snapdelete'],
        ['lookup', 'web-1'],
        ['snapshot', '<domainsnapshot><name>prod-1</name></domainsnapshot>'],
        ['snaprevert'],
        ['snapdelete'],
      ],
    );
    expect(answers.map((answer) => [answer.command, answer.code])).toEqual([
      ['lookup', 0],
      ['snapshot', 0],
      ['snaprevert', DENIED],
      ['snapdelete', DENIED],
      ['lookup', 0],
      ['snapshot', 0],
      ['snaprevert', 0],
      ['snapdelete', 0],
    ]);
  });

  test('is not got hold of by defining it anew', async () => {
    const xml = (name: string) => domainXml(name, `<uuid>${UUID}</uuid>`);
    const answers = await attempt(
      [protective],
      [
        ['define', xml('prod-1')],
        ['defineflags', xml('prod-1')],
        ['createxml', xml('prod-1')],
        ['define', domainXml('prod-1')],
        ['define', xml('web-2')], // libvirt's to refuse: the uuid is another guest's
        ['createxml', xml('web-2')],
        ['lookup', 'prod-1'],
        ['active'],
      ],
    );
    expect(answers.slice(0, 4).map(refused)).toEqual(
      ['define', 'defineflags', 'createxml', 'define'].map((c) => [c, -1, DENIED]),
    );
    expect(answers.slice(4, 6).map((answer) => answer.result)).toEqual([-1, -1]);
    expect(answers.at(-1)?.name?.toString()).toBe('active');
  });

  test('is not restored from a file whose guest nobody can tell', async () => {
    const file = join(temporaryFolder('saved'), 'image');
    const uri = host();
    const save: Command[] = [
      ['lookup', 'prod-1'],
      ['save', file],
    ];
    expect((await attempt([], save, uri)).map((answer) => answer.result)).toEqual([0, 0]);
    const answers = await attempt(
      [protective],
      [
        ['restore', file],
        ['restoreflags', file, domainXml('web-3')],
        ['saveimage', file, domainXml('web-3')],
      ],
      uri,
    );
    expect(answers.map(refused)).toEqual(['restore', 'restoreflags', 'saveimage'].map((c) => [c, -1, DENIED]));
    // Where no rule asks for a name, nothing is lost.
    expect(
      (
        await attempt(
          [deny('other', ['domain.reset'], ['prod-*'])],
          [['lookup', 'prod-1'], ['destroy'], ['restore', file]],
          uri,
        )
      ).map((a) => a.result),
    ).toEqual([0, 0, 0]);
  });

  test('cannot be looked up where that is denied, but lists show its name', async () => {
    const rule = deny('hidden', ['domain.*'], ['prod-*']);
    const answers = await attempt(
      [rule],
      [...Object.values(finders).flat(), ['list'], ['lookup', 'web-1'], ['suspend']],
    );
    const count = Object.keys(finders).length;
    expect(answers.slice(0, count).map((answer) => [answer.result, answer.code])).toEqual(
      Array(count).fill([-1, DENIED]),
    );
    expect(answers[count]?.name?.toString().split('\n').filter(Boolean).sort()).toEqual(['prod-1', 'web-1']);
    expect(answers.slice(-2).map((answer) => answer.result)).toEqual([0, 0]);
  });

  test('by uuid, stays protected under any name', async () => {
    const rule: RuleDocument = { ...protective, resources: { uuids: [UUID] } };
    const answers = await attempt([rule], [['lookup', 'prod-1'], ...doors]);
    expect(answers.slice(1).map(refused)).toEqual(doors.map(([name]) => [name, -1, DENIED]));
  });

  test('leaves one record of each refusal, with its name and uuid', async () => {
    const run = act([['open', host()], ['lookup', 'prod-1'], ...doors], { policy: await policyOf([protective]) });
    const denials = readTrail(run.trail).filter((record) => record.effect === 'denied');
    expect(denials).toHaveLength(doors.length);
    for (const record of denials) {
      expect([
        record.type,
        record.state,
        record.resource('name')?.toString(),
        record.resource('uuid')?.toString(),
      ]).toEqual(['methodresponse', '0', 'prod-1', UUID]);
    }
  });
});

describe('a definition that another thread rewrites', () => {
  test('is forwarded as it was judged', async () => {
    const rule = deny('no-prod', ['domain.*'], ['prod-1']);
    const policy = await imageFile(permissiveExcept([rule], { audit: { netlink: false, levels: { 'vir*': 'none' } } }));
    const run = act([OPEN, ['race', 'webb-1', 'prod-1', '10000']], { policy });
    const [, others, defined] = /^(\d+) of (\d+)$/.exec(String(run.answers[1]?.name)) ?? [];
    expect(others).toBe('0');
    expect(Number(defined)).toBeGreaterThan(10);
  });

  test('is recorded as it was forwarded', async () => {
    const policy = await imageFile(permissiveExcept([], { audit: { netlink: false } }));
    const run = act([OPEN, ['race', 'webb-1', 'prod-1', '3000']], { policy });
    const records = readTrail(run.trail).filter((record) => record.event === 'virDomainDefineXML');
    const asked = new Map(
      records.map((record) => [record.rid, /<name>(.*)<\/name>/.exec(String(record.param('xml')))?.[1]]),
    );
    const made = records.filter((record) => record.type === 'methodresponse' && record.state === '1');
    expect(made.length).toBeGreaterThan(100);
    expect(made.filter((record) => asked.get(record.rid) !== record.resource('name')?.toString())).toEqual([]);
  });
});

describe('renaming', () => {
  // A rename is judged as the guest that is renamed; where new names matter, a rule says so.
  const names: RuleDocument = {
    ...deny('no-prod-names', ['virDomainRename']),
    arguments: { new_name: { glob: 'prod-*' } },
  };

  test('cannot free a protected guest of its name', async () => {
    const answers = await attempt(
      [protective],
      [
        ['lookup', 'prod-1'],
        ['rename', 'free'],
      ],
    );
    expect(refused(answers[1])).toEqual(['rename', -1, DENIED]);
  });

  test('to a protected name is refused by a rule on the argument', async () => {
    const commands: Command[] = [['lookup', 'web-1'], ['destroy'], ['rename', 'prod-2'], ['rename', 'web-2']];
    const answers = await attempt([protective, names], commands);
    expect(answers.slice(2).map(refused)).toEqual([
      ['rename', -1, DENIED],
      ['rename', 0, 0],
    ]);
  });

  test('to a protected name protects from then on', async () => {
    const answers = await attempt(
      [protective],
      [['lookup', 'web-1'], ['destroy'], ['rename', 'prod-2'], ['lookup', 'prod-2'], ['create'], ['undefine']],
    );
    expect(answers.map((answer) => answer.code)).toEqual([0, 0, 0, 0, DENIED, DENIED]);
  });
});

describe('a connection', () => {
  const uri = host();
  const onDefault: RuleDocument = {
    ...deny('not-on-default', ['domain.suspend']),
    connections: { uris: ['test:///default'] },
  };

  test('is judged by what it is, however often others were closed at its address', async () => {
    const rounds = 60;
    const commands = Array.from({ length: rounds }, (_, i): Command[] => [
      // The guest of the round before keeps its connection in existence for a while.
      ['open', i % 2 === 0 ? 'test:///default' : uri],
      ['lookup', i % 2 === 0 ? 'test' : 'web-1'],
      ['ref'],
      ['suspend'],
      ['unref'],
      ['suspend'],
      ['resume'],
      ['forget'],
    ]).flat();
    const run = act(commands, { policy: await policyOf([onDefault]) });
    expect(run.status).toBe(0);
    const suspended = run.answers.filter((answer) => answer.command === 'suspend').map((answer) => answer.code);
    expect(suspended).toHaveLength(2 * rounds);
    for (const [i, code] of suspended.entries()) {
      if (i % 4 < 2) expect([i, code]).toEqual([i, DENIED]);
      else expect([i, code]).not.toEqual([i, DENIED]);
    }
  });

  const readOnly: RuleDocument = {
    ...deny('read-only', ['domain.read-secure', 'connect.search-domains']),
    connections: { readOnly: true },
  };
  test.each<[string, Command]>([
    ['virConnectOpenReadOnly', ['openro', 'test:///default']],
    ['virConnectOpenAuth', ['openauth', 'test:///default', '1']],
  ])('opened read-only by %s is judged as that', async (_how, open) => {
    const run = act([open, ['list'], OPEN, ['list'], open, ['ref'], ['unref'], ['list']], {
      policy: await policyOf([readOnly]),
    });
    const lists = run.answers.filter((answer) => answer.command === 'list').map((answer) => answer.code);
    expect(lists).toEqual([DENIED, 0, DENIED]);
  });

  test.each<[string, string | null, NodeJS.ProcessEnv]>([
    ['its URI', 'test:///default', {}],
    ['capitals', 'TEST:///default', {}],
    ['a query', 'test:///default?x=y', {}],
    ['a host', 'test://localhost/default', {}],
    ['a user', 'test://root@/default', {}],
    ['two slashes more', 'test:////default', {}],
    ['a fragment', 'test:///default#x', {}],
    ['percent signs', 'test:///%64efault', {}],
    ['the default', null, { LIBVIRT_DEFAULT_URI: 'test:///default' }],
    ['an empty name', '', { LIBVIRT_DEFAULT_URI: 'test:///default' }],
  ])('to a denied driver is refused by %s', async (_how, name, env) => {
    const rule: RuleDocument = { ...deny('no-test', ['connect']), connections: { drivers: ['test'] } };
    const commands: Command[] = [
      ['open', name],
      ['openro', name],
      ['openauth', name, '0'],
      ['openauth', name, '1'],
    ];
    const bare = act(commands, { shim: false, env });
    const run = act(commands, { policy: await policyOf([rule]), env });
    // What libvirt does not open needs no refusal.
    for (const [i, answer] of run.answers.entries()) {
      expect([answer.command, answer.result]).toEqual([answer.command, -1]);
      if (bare.answers[i]?.result === 0) expect(answer.code).toBe(DENIED);
    }
  });
});
