// What two policies judge differently: recorded calls, and calls that are found where nobody recorded one.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type DiffOptions, diffPolicies, type PolicyDiff } from '../../src/policy/diff.js';
import { diffText } from '../../src/policy/diff_text.js';
import type { PolicyDocument, RuleDocument } from '../../src/policy/document.js';
import { evaluate } from '../../src/policy/evaluate.js';
import { namesWith } from '../../src/policy/name_service.js';
import { usablePolicy } from '../../src/policy/usable_policy.js';
import { temporaryFolder } from '../support/paths.js';
import { recordedTrail, ridOf } from '../support/recorded_calls.js';

const names = namesWith({
  users: { alice: { uid: 1001, groups: ['operators'] }, bob: { uid: 1002 } },
  groups: { operators: 2001, admins: 2002 },
});

const base: RuleDocument = { id: 'guests', effect: 'allow', actions: ['domain.stop', 'domain.suspend'] };
const policy = (...rules: readonly RuleDocument[]): PolicyDocument => ({ name: 'p', rules });

function write(document: PolicyDocument, name = 'p.json'): string {
  const file = join(temporaryFolder('diff'), name);
  writeFileSync(file, JSON.stringify(document));
  return file;
}

async function diff(before: PolicyDocument, after: PolicyDocument, options: DiffOptions = {}): Promise<PolicyDiff> {
  return diffPolicies(write(before), write(after), { names, ...options });
}

/** The counterexamples are calls that both policies really judge so. */
async function found(before: PolicyDocument, after: PolicyDocument): Promise<string[]> {
  const { analysis, differs } = await diff(before, after);
  const images = [before, after].map((document) => usablePolicy(write(document), names).image);
  const examples = analysis?.counterexamples ?? [];
  for (const { call, before: was, after: is } of examples) {
    const verdicts = images.map((image) => (evaluate(image, call).effect === 'allow' ? 'permitted' : 'denied'));
    expect(verdicts).toEqual([was.verdict, is.verdict]);
  }
  expect(differs).toBe(examples.length > 0);
  return examples.map(
    ({ part, action, before: was, after: is }) => `${part.id} ${action}: ${was.verdict} ${is.verdict}`,
  );
}

describe('what is found by analysis', () => {
  const more = 'guests domain.stop: denied permitted';
  const fewer = 'guests domain.stop: permitted denied';
  const stop: RuleDocument = { ...base, actions: ['domain.stop'] };
  const rows: readonly (readonly [string, Partial<RuleDocument>, Partial<RuleDocument>, readonly string[]])[] = [
    ['a name more', { resources: { names: ['a'] } }, { resources: { names: ['a', 'b'] } }, [more]],
    ['a glob that reaches further', { resources: { names: ['web-*'] } }, { resources: { names: ['we*'] } }, [more]],
    ['another name', { resources: { names: ['a'] } }, { resources: { names: ['b'] } }, [fewer, more]],
    ['a name left out', {}, { resources: { not: { names: ['prod-*'] } } }, [fewer]],
    [
      'a glob within a glob',
      { resources: { names: ['web-*'] } },
      { resources: { names: ['web-*'], not: { names: ['*-test'] } } },
      [fewer],
    ],
    ['a uuid', { resources: { uuids: ['6695eb01-f6a4-8304-79aa-97f2502e193f'] } }, {}, [more]],
    ['a user more', { subjects: { users: ['alice'] } }, { subjects: { users: ['alice', 'bob'] } }, [more]],
    [
      'a user and a group',
      { subjects: { users: ['alice'] } },
      { subjects: { users: ['alice'], groups: ['admins'] } },
      [fewer],
    ],
    ['all but a group', {}, { subjects: { not: { groups: ['admins'] } } }, [fewer]],
    [
      'a program',
      { subjects: { executables: ['/usr/bin/virsh'] } },
      { subjects: { executables: ['/usr/bin/*'] } },
      [more],
    ],
    ['an actor', { subjects: { actors: ['mia'] } }, { subjects: { actors: ['mia', 'tom'] } }, [more]],
    ['a login user', { subjects: { auids: [1000] } }, { subjects: { auids: ['unset'] } }, [fewer, more]],
    ['a driver', { connections: { drivers: ['qemu'] } }, { connections: { drivers: ['qemu', 'lxc'] } }, [more]],
    [
      'a transport',
      { connections: { transports: ['unix', 'tcp'] } },
      { connections: { transports: ['unix'] } },
      [fewer],
    ],
    ['a host', { connections: { hosts: ['a.example'] } }, { connections: { hosts: ['*.example'] } }, [more]],
    ['a URI', { connections: { uris: ['qemu:///system'] } }, { connections: { uris: ['qemu:///*'] } }, [more]],
    ['reading only', { connections: { readOnly: true } }, {}, [more]],
    [
      'hours',
      { times: [{ from: '08:00', to: '18:00', zone: 'Europe/Berlin' }] },
      { times: [{ from: '08:00', to: '18:01', zone: 'Europe/Berlin' }] },
      [more],
    ],
    ['a limit', {}, { rate: { calls: 3, seconds: 60, per: 'host' } }, [fewer]],
    ['a reason', {}, { require: ['reason'] }, [fewer]],
  ];

  test.each(rows)('%s', async (_title, before, after, expected) => {
    expect((await found(policy({ ...stop, ...before }), policy({ ...stop, ...after }))).sort()).toEqual(
      [...expected].sort(),
    );
  });

  const one = (actions: readonly string[], rule: Partial<RuleDocument>, effect: RuleDocument['effect'] = 'allow') =>
    policy({ id: 'r', effect, actions, ...rule });

  test('arguments: a number by one, a flag, a text, a field', async () => {
    const memory = (limit: number) => one(['virDomainSetMemory'], { arguments: { memory: { lessOrEqual: limit } } });
    expect(await found(memory(1024), memory(1025))).toEqual(['r virDomainSetMemory: denied permitted']);
    const flags = (bits: readonly number[]) =>
      one(['virDomainDestroyFlags'], { arguments: { flags: { hasNone: bits } } });
    expect(await found(flags([1]), flags([1, 4]))).toEqual(['r virDomainDestroyFlags: permitted denied']);
    const uri = (glob: string) => one(['virDomainMigrateToURI'], { arguments: { duri: { glob } } });
    expect(await found(uri('qemu+tls://*'), uri('qemu*://*'))).toEqual(['r virDomainMigrateToURI: denied permitted']);
    const shares = (limit: number) =>
      one(['virDomainSetSchedulerParameters'], { arguments: { 'params.cpu_shares': { less: limit } } });
    expect(await found(shares(100), shares(99))).toEqual(['r virDomainSetSchedulerParameters: permitted denied']);
  });

  test('XML and commands to the monitor', async () => {
    const disks = (glob: string) => ({
      ...one(['virDomainDefineXML'], { xml: { not: { 'disk-source': { glob } } } }, 'deny'),
      defaults: { '*': 'allow' } as const,
    });
    expect(await found(disks('/images/*'), disks('/images/a/*'))).toEqual(['r virDomainDefineXML: permitted denied']);
    const xpath = (...expressions: readonly string[]) => one(['virDomainDefineXML'], { xml: { xpath: expressions } });
    expect(await found(xpath('//disk'), xpath('//disk', '//video'))).toEqual([
      'r virDomainDefineXML: permitted denied',
    ]);
    const commands = (...globs: readonly string[]) =>
      one(['virDomainQemuMonitorCommand'], { monitor: { commands: globs } });
    expect(await found(commands('query-*'), commands('query-block'))).toEqual([
      'r virDomainQemuMonitorCommand: permitted denied',
    ]);
  });

  test('a deny rule of few names, a default, a mode', async () => {
    const open = { name: 'p', defaults: { '*': 'allow' } } as const;
    const shut = {
      ...open,
      rules: [{ id: 'no', effect: 'deny', actions: ['virDomainDestroy'], resources: { names: ['x-?-y'] } }],
    } as const;
    expect(await found(open, shut)).toEqual(['no virDomainDestroy: permitted denied']);
    expect(await found(policy(base), { ...policy(base), defaults: { events: 'allow' } })).toEqual([
      'events events: denied permitted',
    ]);
    const { analysis } = await diff(policy(base), { ...policy(base), mode: 'permissive' });
    expect(analysis?.counterexamples).toMatchObject([
      { part: { what: 'mode' }, before: { verdict: 'denied' }, after: { verdict: 'would-deny' } },
    ]);
  });

  test('a permission that only some forms of a call need', async () => {
    const both = ['domain.write', 'domain.save'];
    const rules = both.map((action): RuleDocument => ({ id: action, effect: 'allow', actions: [action] }));
    expect(await found(policy(...rules), policy(...rules.slice(0, 1)))).toEqual([
      'domain.save domain.save: permitted denied',
    ]);
  });

  test('only what makes the difference is blamed for it', async () => {
    const before = policy(base);
    const after = policy({ ...base, id: 'renamed' }, { id: 'extra', effect: 'allow', actions: ['domain.start'] });
    expect(await found(before, after)).toEqual(['extra domain.start: denied permitted']);
    const { analysis } = await diff(before, after);
    expect(analysis?.withoutEffect.map(({ id }) => id)).toEqual(['guests', 'renamed']);
  });

  test('what cannot differ does not', async () => {
    const said = { ...base, description: 'other words', comment: 'more' };
    const turned = { actions: base.actions, effect: base.effect, id: base.id } as const;
    expect(await diff(policy(base), policy(said))).toMatchObject({ same: 'image', differs: false });
    expect(await diff(policy(base), { ...policy(turned), name: 'q' })).toMatchObject({
      same: 'rules',
      differs: false,
      settings: ['name'],
    });
    expect(await found(policy(base), policy(base, { ...base, id: 'again' }))).toEqual([]);
  });

  test('integers that only 64 bits tell apart', async () => {
    const text = (limit: string) =>
      `{"name":"p","rules":[{"id":"r","effect":"allow","actions":["virDomainSetMemory"],"arguments":{"memory":{"equal":${limit}}}}]}`;
    const files = ['18446744073709551614', '18446744073709551615'].map((limit) => {
      const file = write(policy());
      writeFileSync(file, text(limit));
      return file;
    });
    const { analysis } = await diffPolicies(files[0] ?? '', files[1] ?? '', { names });
    expect(analysis?.counterexamples).toHaveLength(2);
  });

  test('the same each time, with a command line that explains it', async () => {
    const before = policy({ ...base, subjects: { groups: ['operators'] } });
    const files = [write(before), write(policy())] as const;
    const [first, again] = [await diffPolicies(...files, { names }), await diffPolicies(...files, { names })];
    expect(again.analysis).toEqual(first.analysis);
    const [example] = first.analysis?.counterexamples ?? [];
    expect(example?.command).toMatch(
      /^virtshim policy explain \S+p\.json virDomainDestroy --uid \d+ --group operators --uri qemu:\/\/\/system --name thing$/,
    );
    expect(diffText(first)).toContain(
      `rule \`guests\` (removed), \`domain.stop\`: permitted by \`guests\` -> denied, nothing allows \`domain.stop\`\n  ${example?.command}\n`,
    );
  });
});

describe('recorded traffic', () => {
  const trail = recordedTrail([
    { call: 'virDomainSuspend', name: 'a' },
    { call: 'virDomainDestroy', name: 'a' },
    { call: 'virDomainDestroy', name: 'a' },
    { call: 'virDomainDestroy', name: 'b', uid: 1002, actor: 'mia' },
    { call: 'virConnectListAllDomains' },
  ]);

  test('by user and actor, with counts and records; what it shows is not made up again', async () => {
    const before = { ...policy(base), defaults: { read: 'allow' } } as const;
    const after = { ...before, rules: [{ ...base, actions: ['domain.suspend'] }] };
    const result = await diff(before, after, { trail });
    expect(result).toMatchObject({ differs: true, traffic: { calls: 5, changed: 3 } });
    const judged = {
      before: { verdict: 'permitted', rule: 'guests', permission: null },
      after: { verdict: 'denied', rule: null, permission: 'domain.stop' },
    };
    expect(result.traffic?.actors).toEqual([
      {
        ...{ uid: 1001, user: 'alice', actor: undefined, count: 2 },
        changes: [{ function: 'virDomainDestroy', resource: 'a', ...judged, count: 2, records: [ridOf(1), ridOf(2)] }],
      },
      {
        ...{ uid: 1002, user: 'bob', actor: 'mia', count: 1 },
        changes: [{ function: 'virDomainDestroy', resource: 'b', ...judged, count: 1, records: [ridOf(3)] }],
      },
    ]);
    expect(result.analysis?.counterexamples).toEqual([]);
    expect(diffText(result)).toContain('recorded traffic: 3 of 5 calls change their verdict\n  alice: 2 calls\n');
  });

  test('images judge recorded calls, too; with the source of one of them calls are looked for', async () => {
    const image = (document: PolicyDocument) => {
      const file = write(policy(), 'p.img');
      writeFileSync(file, usablePolicy(write(document), names).image);
      return file;
    };
    const after = policy({ ...base, actions: ['domain.suspend'] });
    const images = await diffPolicies(image(policy(base)), image(after), { names, trail });
    expect(images).toMatchObject({ differs: true, same: undefined, traffic: { changed: 3 }, analysis: undefined });
    const mixed = await diffPolicies(
      image(policy(base)),
      write(policy(base, { id: 'more', effect: 'allow', actions: ['domain.start'] })),
      { names },
    );
    expect(mixed.analysis?.counterexamples).toMatchObject([
      { part: { id: 'more' }, before: { verdict: 'denied' }, after: { rule: 'more' } },
    ]);
    expect(await diffPolicies(image(after), image(after), { names })).toMatchObject({ same: 'image', differs: false });
  });
});
