// Who may do what: complete over those whom a policy tells apart, and never wrong about what is certain.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { NativeRequest } from '../../src/native.js';
import { requestOf } from '../../src/policy/call.js';
import type { Effect, PolicyDocument, RuleDocument } from '../../src/policy/document.js';
import { evaluate } from '../../src/policy/evaluate.js';
import { namesWith } from '../../src/policy/name_service.js';
import { usablePolicy } from '../../src/policy/usable_policy.js';
import { type Answer, type SubjectAnswer, type WhoCanOptions, whoCan } from '../../src/policy/who_can.js';
import { whoCanText } from '../../src/policy/who_can_text.js';
import { temporaryFolder } from '../support/paths.js';

const names = namesWith({
  users: {
    ...{ mia: { uid: 70001, groups: ['operators'] }, bob: { uid: 70002, groups: ['operators', 'admins'] } },
    ...{ eve: { uid: 70003, groups: ['admins'] }, nobody: { uid: 4000000000 } },
  },
  groups: { operators: 70100, admins: 70101 },
});

const file = join(temporaryFolder('who-can'), 'p.json');

function ask(document: Partial<PolicyDocument>, action: string, call: WhoCanOptions['call'] = {}): readonly Answer[] {
  writeFileSync(file, JSON.stringify({ name: 'p', ...document }, null, 2));
  return whoCan(file, action, { call, names }).answers;
}

/** `user mia: always by a, not by b` */
function said({ subject, may, allowedBy, deniedBy }: SubjectAnswer): string {
  const who = subject.kind === 'others' ? 'others' : `${subject.kind} ${subject.name}`;
  const rules = (uses: SubjectAnswer['allowedBy']) =>
    uses.map(({ rule, open }) => `${rule}${open.length > 0 ? '?' : ''}`);
  return `${who}: ${may} +${rules(allowedBy).join(',')} -${rules(deniedBy).join(',')}`;
}

const rule = (id: string, effect: Effect, more: Partial<RuleDocument>): RuleDocument => ({
  ...{ id, effect, actions: ['domain.stop'] },
  ...more,
});

describe('subjects', () => {
  const byName = [
    rule('mia', 'allow', { subjects: { users: ['mia'] } }),
    rule('admins', 'allow', { subjects: { groups: ['admins'] } }),
    rule('not-bob', 'deny', { subjects: { users: ['bob'] } }),
  ];

  test('are the users and groups that rules name, members who differ from their group, and everyone else', () => {
    const [answer] = ask({ rules: byName }, 'virDomainDestroy');
    expect(answer?.who.map(said)).toEqual([
      'user mia: always +mia -',
      'user bob: never +admins -not-bob',
      'group admins: always +admins -',
      'others: never + -',
    ]);
    expect(answer?.who[2]?.subject).toMatchObject({ kind: 'group', gids: [70101], members: ['bob', 'eve'] });
    expect(answer?.who[3]).toMatchObject({ lacking: ['domain.stop'], allowedByDefault: [] });
  });

  test('members of two groups', () => {
    const rules = [
      rule('operators', 'allow', { subjects: { groups: ['operators'] } }),
      rule('admins', 'deny', { subjects: { groups: ['admins'] } }),
    ];
    const [answer] = ask({ rules }, 'virDomainDestroy');
    expect(answer?.who.map(said)).toEqual([
      'group operators: always +operators -',
      'group admins: never + -admins',
      'user bob: never +operators -admins',
      'others: never + -',
    ]);
  });

  test('under `not`, and by number', () => {
    const rules = [
      rule('all-but', 'allow', { subjects: { not: { users: ['mia'] } } }),
      rule('no-12', 'deny', { subjects: { uids: [4294900012] } }),
    ];
    const [answer] = ask({ rules }, 'virDomainDestroy');
    expect(answer?.who.map(said)).toEqual([
      'user mia: never + -',
      'user undefined: never +all-but -no-12',
      'others: always +all-but -',
    ]);
  });
});

describe('what is open', () => {
  const rules = [
    rule('web', 'allow', { resources: { names: ['web-*'] }, require: ['reason'] }),
    rule('no-tcp', 'deny', { connections: { transports: ['tcp'] } }),
  ];
  const others = (call: WhoCanOptions['call']) => ask({ rules }, 'virDomainDestroy', call)[0]?.who.map(said);

  test.each([
    [{}, 'depends +web? -no-tcp?'],
    [{ resource: { name: 'web-1' } }, 'depends +web? -no-tcp?'],
    [{ resource: { name: 'web-1' }, reason: 'x' }, 'depends +web -no-tcp?'],
    [{ resource: { name: 'web-1' }, reason: 'x', connection: { uri: 'test:///default' } }, 'always +web -'],
    [{ resource: { name: 'web-1' }, reason: '' }, 'never + -no-tcp?'],
    [{ resource: { name: 'db' } }, 'never + -no-tcp?'],
    [{ connection: { uri: 'qemu+tcp://node/system' } }, 'never +web? -no-tcp'],
  ] as const)('with %j: %s', (call, expected) => {
    expect(others(call)).toEqual([`others: ${expected}`]);
  });

  test('is named as it stands in the rule', () => {
    const conditions = { arguments: { flags: { hasNone: ['VIR_DOMAIN_DESTROY_GRACEFUL'] } }, times: [{ zone: 'UTC' }] };
    const [answer] = ask({ rules: [rule('it', 'allow', conditions)] }, 'virDomainDestroyFlags');
    expect(answer?.who[0]?.allowedBy[0]).toMatchObject({
      ...{ rule: 'it', line: 5, file },
      open: [
        { condition: 'arguments.flags', wanted: { hasNone: ['VIR_DOMAIN_DESTROY_GRACEFUL'] } },
        { condition: 'times', wanted: [{ zone: 'UTC' }] },
      ],
    });
  });

  test('is not what the shim itself cannot know: the name of a guest that a file holds, of a list', () => {
    const named = [rule('web', 'allow', { actions: ['*'], resources: { names: ['web'] } })];
    const about = (action: string) => ask({ rules: named }, action, { resource: { name: 'web' } })[0]?.who.map(said);
    expect(about('virDomainLookupByName')).toEqual(['others: always +web -']);
    expect(about('virDomainLookupByUUID')).toEqual(['others: always +web -']);
    expect(about('virDomainRestore')).toEqual(['others: never + -']);
    expect(about('virConnectListAllDomains')).toEqual(['others: never + -']);
  });
});

describe('actions', () => {
  const calls = (answers: readonly Answer[]) => answers.flatMap((answer) => answer.calls.map((call) => call.function));

  test('a permission: every function that needs it', () => {
    const answers = ask({ rules: [rule('it', 'allow', {})] }, 'domain.stop');
    expect(calls(answers)).toEqual(['virDomainDestroy', 'virDomainDestroyFlags']);
    expect(answers).toHaveLength(1);
  });

  test('with flags under which a function needs more', () => {
    const rules = [rule('it', 'allow', { actions: ['domain.read'] })];
    const answers = ask({ rules }, 'virDomainGetXMLDesc');
    expect(
      answers.map(({ calls: [call], needs, who }) => [
        call?.arguments,
        needs.map((need) => need.permission),
        who[0]?.may,
      ]),
    ).toEqual([
      [{}, ['domain.read'], 'always'],
      [{ flags: 1n }, ['domain.read', 'domain.read-secure'], 'never'],
    ]);
    expect(ask({ rules }, 'domain.read-secure').map(({ who }) => who[0]?.lacking)).toEqual([['domain.read-secure']]);
  });

  test('a set, a glob, what defaults allow', () => {
    const answers = ask({ defaults: { '*': 'deny', events: 'allow' } }, 'events');
    expect(calls(answers)).toContain('virConnectDomainEventRegisterAny');
    expect(answers.every(({ who }) => who[0]?.may === 'always' && who[0].allowedByDefault.length > 0)).toBe(true);
    expect(calls(ask({}, 'virDomainDestroy*'))).toEqual(['virDomainDestroy', 'virDomainDestroyFlags']);
  });

  test('with an argument: the functions that take it', () => {
    const rules = [rule('small', 'allow', { actions: ['domain.write'], arguments: { memory: { lessOrEqual: 1024 } } })];
    const about = (memory: number) => ask({ rules }, 'virDomainSetM*', { arguments: { memory } });
    expect(about(1)[0]?.calls).toEqual([
      { function: 'virDomainSetMaxMemory', arguments: {} },
      { function: 'virDomainSetMemory', arguments: {} },
    ]);
    expect(about(1)[0]?.who.map(said)).toEqual(['others: always +small -']);
    expect(about(4096)[0]?.who.map(said)).toEqual(['others: never + -']);
  });

  test.each([
    ['domain.stp', {}, 'unknown action `domain.stp`', 'domain.stop'],
    ['virDomainDestory', {}, 'unknown function `virDomainDestory`', 'virDomainDestroy'],
    ['virDomainSetMemory', { arguments: { memry: 1 } }, 'has no argument `memry`', 'memory'],
  ])('%s %j is answered with what was meant', (action, call, message, suggestion) => {
    expect(() => ask({}, action, call)).toThrow(
      expect.objectContaining({
        code: 'VIRTSHIM_USAGE',
        message: expect.stringContaining(message),
        hint: `did you mean \`${suggestion}\`?`,
      }),
    );
  });
});

test.each([
  ['virConnectRef', {}, 'a helper, which only a deny rule of its name refuses'],
  ['virDomainD*', { arguments: { nosuch: 1 } }, 'no function of it takes these arguments'],
])('nobody can be told about %s %j', (action, call, why) => {
  expect(() => ask({}, action, call)).toThrow(`nobody can be told about \`${action}\`: ${why}`);
});

test('as text: those who are judged like everyone else are not listed apart', () => {
  const rules = [
    rule('mia', 'allow', { subjects: { users: ['mia'] }, resources: { names: ['web'] } }),
    rule('idle', 'deny', { actions: ['domain.start'], subjects: { users: ['bob'] } }),
  ];
  writeFileSync(file, JSON.stringify({ name: 'p', rules }, null, 2));
  expect(whoCanText(whoCan(file, 'domain.stop', { names }))).toBe(
    `virDomainDestroy, virDomainDestroyFlags (domain.stop):
  user mia: depends
    allowed by \`mia\` (${file}:5), where resources.names ["web"]
    no rule allows \`domain.stop\`
  everyone else: never
    no rule allows \`domain.stop\`
`.replace('    no rule allows `domain.stop`\n  everyone', '  everyone'),
  );
});

// Random policies over few words; random calls, of which part is told to who-can and the rest made up afterwards.
const users = { mia: 70001, bob: 70002, eve: 70003, nobody: 4000000000 } as const;
type UserName = keyof typeof users;

const pick = <T>(values: readonly T[]) => fc.constantFrom(...values);

const conditions = fc.record(
  {
    subjects: fc.record(
      {
        users: fc.subarray(['mia', 'bob'], { minLength: 1 }),
        groups: fc.subarray(['operators', 'admins'], { minLength: 1 }),
        executables: fc.constant(['/usr/bin/virsh']),
        not: fc.record({ groups: fc.constant(['admins']), users: fc.constant(['eve']) }, { requiredKeys: [] }),
      },
      { requiredKeys: [] },
    ),
    connections: fc.record({ drivers: fc.constant(['test']), readOnly: fc.boolean() }, { requiredKeys: [] }),
    resources: fc.record(
      { names: fc.constant(['web*']), not: fc.record({ names: fc.constant(['web-2']) }) },
      { requiredKeys: [] },
    ),
    arguments: fc.record({ memory: fc.record({ less: pick([10, 100]) }) }),
    times: fc.constant([{ days: ['mon' as const], zone: 'UTC' }]),
    require: fc.constant(['reason' as const]),
  },
  { requiredKeys: [] },
);

// Only allow rules may require a reason, and a block without conditions is an error.
const rules = fc
  .array(fc.tuple(pick(['allow', 'deny'] as const), pick(['domain.write', 'domain.save', 'resource']), conditions), {
    maxLength: 6,
  })
  .map((parts) =>
    parts.map(([effect, action, { require, ...rest }], index): RuleDocument => {
      const full = Object.entries(rest).filter(([, block]) => Object.keys(block ?? {}).length > 0);
      const kept = { ...Object.fromEntries(full), ...(effect === 'allow' && require ? { require } : {}) };
      return { id: `r${index}`, effect, actions: [action], ...kept };
    }),
  )
  .filter((list) => list.every((one) => !JSON.stringify(one).includes('{}')));

const facts = fc.record({
  executable: pick(['/usr/bin/virsh', '/bin/sh']),
  uri: pick(['test:///default', 'qemu:///system']),
  readOnly: fc.boolean(),
  name: pick(['web-1', 'web-2', 'db']),
  memory: pick([1, 50, 500]),
  time: pick(['2026-11-23T12:00:00Z', '2026-11-24T12:00:00Z']),
  reason: pick(['', 'ticket']),
});
type Facts = typeof facts extends fc.Arbitrary<infer T> ? T : never;

function describeCall(told: Partial<Facts>): NonNullable<WhoCanOptions['call']> {
  const { uri, readOnly, name, memory, ...rest } = told;
  return {
    ...rest,
    connection: { ...(uri !== undefined && { uri }), ...(readOnly !== undefined && { readOnly }) },
    resource: { ...(name !== undefined && { name }) },
    arguments: { ...(memory !== undefined && { memory }) },
  };
}

/** Random completions keep what was told. */
function callOf(user: UserName, all: Facts): NativeRequest {
  const account = names.user(user);
  const who = { uid: users[user], gids: account?.gids ?? [] };
  return requestOf({ ...describeCall(all), ...who, function: 'virDomainSetMemory' }, names);
}

function answerFor(user: UserName, who: readonly SubjectAnswer[]): SubjectAnswer['may'] | undefined {
  const own = who.find(({ subject }) => subject.kind === 'user' && subject.uid === users[user]);
  const gids = names.user(user)?.gids ?? [];
  const group = who.find(({ subject }) => subject.kind === 'group' && subject.gids.some((gid) => gids.includes(gid)));
  return (own ?? group ?? who.find(({ subject }) => subject.kind === 'others'))?.may;
}

test('whatever else is the case, who always may is permitted and who never may is refused', () => {
  const seen = { always: 0, never: 0, depends: 0 };
  const told = facts.chain((all) => fc.subarray(Object.keys(all) as (keyof Facts)[]).map((keys) => ({ all, keys })));
  fc.assert(
    fc.property(
      rules,
      pick(['allow', 'deny'] as const),
      told,
      facts,
      pick(Object.keys(users) as UserName[]),
      (list, fallback, { all, keys }, rest, user) => {
        const part = Object.fromEntries(keys.map((key) => [key, all[key]])) as Partial<Facts>;
        const [answer] = ask({ defaults: { '*': fallback }, rules: list }, 'virDomainSetMemory', describeCall(part));
        const may = answerFor(user, answer?.who ?? []) ?? 'depends';
        seen[may] += 1;
        const { effect } = evaluate(usablePolicy(file, names).image, callOf(user, { ...rest, ...part }));
        if (may !== 'depends') expect([may, effect]).toEqual([may, may === 'always' ? 'allow' : 'deny']);
      },
    ),
    { numRuns: 400 },
  );
  expect(Math.min(seen.always, seen.never, seen.depends)).toBeGreaterThan(25);
});
