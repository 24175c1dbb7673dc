// Policies that load and do something else than they say: rules that come to nothing, and words that match nothing.
import { describe, expect, test } from '@jest/globals';
import type { PolicyDocument, RuleDocument } from '../../src/policy/document.js';
import { globCovers, parseGlob } from '../../src/policy/glob.js';
import { RuleIndex } from '../../src/policy/implication.js';
import { loadPolicy } from '../../src/policy/load.js';
import { diagnose } from './policy_tools.js';

/** What is said about rules `a`, `b`, ..., without file and place. */
function doubts(rules: readonly Partial<RuleDocument>[], rest: Partial<PolicyDocument> = {}): string[] {
  const named = rules.map((rule, index) => ({
    ...{ id: 'abcdef'.charAt(index), effect: 'deny', actions: ['domain.stop'] },
    ...rule,
  }));
  return diagnose({ name: 'p', ...rest, rules: named as RuleDocument[] }).map((line) =>
    line.replace(/^p\.json:\d+:\d+: /, ''),
  );
}

const allow = { effect: 'allow' } as const;

describe('a rule that comes to nothing because of another', () => {
  const denied = (rule: string, by: string, pointer: string) =>
    `warning: rule \`${rule}\` never decides: all that it covers is denied by ${by} at ${pointer}`;

  test.each<[string, Partial<RuleDocument>, Partial<RuleDocument>]>([
    ['a longer prefix', { resources: { names: ['prod-*'] } }, { resources: { names: ['prod-db*', 'prod-1'] } }],
    ['a name', { resources: { names: ['x', '*-db'] } }, { resources: { names: ['x'] } }],
    ['the same suffix', { resources: { names: ['*-db'] } }, { resources: { names: ['*-db'] } }],
    ['one more condition', { subjects: { uids: [5, 6] } }, { subjects: { uids: [6] }, resources: { names: ['x'] } }],
    ['fewer exceptions', { subjects: { not: { uids: [5] } } }, { subjects: { not: { uids: [5, 6] } } }],
    ['exceptions', { resources: { not: { names: ['a'] } } }, { resources: { not: { names: ['a*'] } } }],
    ['read-only', { connections: { readOnly: true } }, { connections: { readOnly: true, hosts: ['h'] } }],
    ['a limit of its own', {}, { rate: { calls: 3, seconds: 60, per: 'host' } }],
    [
      'a narrower range',
      { actions: ['virDomainSetMemoryFlags'], arguments: { memory: { greater: 10 } } },
      { actions: ['virDomainSetMemoryFlags'], arguments: { memory: { greater: 10, less: 20 } } },
    ],
    [
      'one number of a range',
      { actions: ['virDomainSetMemoryFlags'], arguments: { memory: { greaterOrEqual: 10 } } },
      { actions: ['virDomainSetMemoryFlags'], arguments: { memory: { equal: 10 } } },
    ],
  ])('%s', (_, wide, narrow) => {
    expect(doubts([wide, narrow])).toContain(denied('b', '`a`', '/rules/1/id'));
    expect(doubts([wide, { ...narrow, ...allow }])).toContain(denied('b', '`a`', '/rules/1/id'));
    expect(doubts([{ ...narrow, ...allow }, wide])).toContain(denied('a', '`b`', '/rules/0/id'));
  });

  test('the wider one after the narrower one', () => {
    const [wide, narrow] = [{ resources: { names: ['prod-*'] } }, { resources: { names: ['prod-1'] } }];
    expect(doubts([narrow, wide]).join()).not.toContain('never decides');
  });

  test.each<[string, Partial<RuleDocument>, Partial<RuleDocument>]>([
    ['other names', { resources: { names: ['prod-*'] } }, { resources: { names: ['prod*'] } }],
    ['a name that only looks like a glob', { resources: { names: ['a\\*'] } }, { resources: { names: ['ab'] } }],
    ['other actions', { actions: ['domain.start'] }, {}],
    ['more exceptions', { subjects: { not: { uids: [5, 6] } } }, { subjects: { not: { uids: [5] } } }],
    ['a limit', { rate: { calls: 3, seconds: 60, per: 'host' } }, { rate: { calls: 3, seconds: 60, per: 'host' } }],
    ['a condition', { subjects: { uids: [5] } }, {}],
    ['a rule that only records', { mode: 'permissive' }, {}],
    ['a rule that is disabled', { mode: 'disabled' }, {}],
  ])('not because of one with %s', (_, first, second) => {
    expect(doubts([first, second]).join()).not.toContain('never decides');
  });

  test('several together', () => {
    const rules = [{ actions: ['domain.stop'] }, { actions: ['domain.start'] }];
    expect(doubts([...rules, { ...allow, actions: ['domain.start', 'domain.stop'] }])).toContain(
      denied('c', '`a`, `b`', '/rules/2/id'),
    );
  });

  test('a rule that only records what an earlier one records', () => {
    const recorded = { mode: 'permissive' } as const;
    expect(doubts([recorded, { ...recorded, resources: { names: ['x'] } }])).toEqual([
      'warning: rule `b` is never recorded: all that it covers would be denied by `a` at /rules/1/id',
    ]);
  });

  test('an allow rule within an earlier one; one that asks for a reason within any', () => {
    const changes = (rule: string, by: string, pointer: string) =>
      `warning: rule \`${rule}\` changes nothing: all that it covers is allowed by \`${by}\` at ${pointer}`;
    const narrow = { ...allow, resources: { names: ['x'] } };
    expect(doubts([allow, narrow])).toEqual([changes('b', 'a', '/rules/1/id')]);
    expect(doubts([narrow, allow])).toEqual([]);
    expect(doubts([{ ...narrow, require: ['reason'] }, allow])).toEqual([changes('a', 'b', '/rules/0/id')]);
    expect(doubts([{ ...allow, require: ['reason'] }, narrow])).toEqual([]);
  });

  test('an allow rule for what the defaults allow', () => {
    const said = ['warning: rule `a` changes nothing: the defaults allow all that it covers at /rules/0/id'];
    expect(doubts([{ ...allow, require: ['reason'] }], { defaults: { '*': 'allow' } })).toEqual(said);
    expect(doubts([allow], { defaults: { control: 'allow' } })).toEqual(said);
    expect(doubts([{ ...allow, actions: ['domain.stop', 'read'] }], { defaults: { read: 'allow' } })).toEqual([]);
  });

  test('of many rules few are looked at', () => {
    const rules = Array.from({ length: 2000 }, (_, index): RuleDocument => {
      const resources = { kinds: ['domain'], names: [index === 5 ? 'guest-*' : `guest-${index}`] };
      return { id: `r${index}`, effect: 'deny', actions: ['domain.stop'], resources };
    });
    const { policy } = loadPolicy(JSON.stringify({ name: 'p', rules }), 'p.json');
    const index = new RuleIndex(policy?.rules ?? []);
    const lookedAt = (policy?.rules ?? []).map((rule) => [...index.wider(rule)].map(({ id }) => id));
    expect(lookedAt[7]).toEqual(['r5', 'r7']);
    expect(Math.max(...lookedAt.map(({ length }) => length))).toBe(2);
  });
});

describe('a rule that can never match', () => {
  test.each<[string, Partial<RuleDocument>, string]>([
    [
      'names where nothing has one',
      { actions: ['virConnectGetCapabilities'], resources: { names: ['x'] } },
      'what its functions act on has no name at /rules/0/resources/names',
    ],
    [
      'names that are taken away again',
      { resources: { names: ['prod-1', 'prod-2'], not: { names: ['prod-*'] } } },
      '`not` takes away all that is listed at /rules/0/resources/not/names',
    ],
    [
      'users',
      { subjects: { uids: [5], not: { uids: [5, 6] } } },
      '`not` takes away all that is listed at /rules/0/subjects/not/uids',
    ],
    [
      'kinds',
      { resources: { kinds: ['domain'], not: { kinds: ['domain'] } } },
      '`not` takes away all that is listed at /rules/0/resources/not/kinds',
    ],
    [
      'read-only',
      { connections: { readOnly: true, not: { readOnly: true } } },
      '`not` takes away all that is listed at /rules/0/connections/not/readOnly',
    ],
    [
      'everything',
      { ...allow, connections: { not: { hosts: ['*'] } } },
      '`not` takes away everything at /rules/0/connections/not/hosts',
    ],
    [
      'drivers and URIs',
      { connections: { drivers: ['xen'], uris: ['qemu:*', 'qemu+ssh://*'] } },
      'its URIs are of qemu, qemu at /rules/0/connections/drivers',
    ],
    [
      'numbers that an argument cannot be',
      { actions: ['virDomainSetVcpusFlags'], arguments: { nvcpus: { less: 0 } } },
      'it is never less than 0 at /rules/0/arguments/nvcpus',
    ],
    [
      'bits',
      { actions: ['virDomainSetVcpusFlags'], arguments: { flags: { hasAll: [1, 2], hasNone: [2] } } },
      'its comparisons exclude each other at /rules/0/arguments/flags',
    ],
    [
      'any of bits',
      { actions: ['virDomainSetVcpusFlags'], arguments: { flags: { hasAny: [1], hasNone: [3] } } },
      'its comparisons exclude each other at /rules/0/arguments/flags',
    ],
    [
      'one number and its bits',
      { actions: ['virDomainSetVcpusFlags'], arguments: { flags: { equal: 4, hasAny: [3] } } },
      'its comparisons exclude each other at /rules/0/arguments/flags',
    ],
    [
      'one number that it shall not be',
      { actions: ['virDomainSetVcpusFlags'], arguments: { nvcpus: { greater: 3, less: 5, notEqual: 4 } } },
      'its comparisons exclude each other at /rules/0/arguments/nvcpus',
    ],
    [
      'texts',
      { actions: ['virDomainLookupByName'], arguments: { name: { equal: 'a', glob: 'b*' } } },
      'its comparisons exclude each other at /rules/0/arguments/name',
    ],
    [
      'a text that it shall not be',
      { actions: ['virDomainLookupByName'], arguments: { name: { equal: 'a', notEqual: 'a' } } },
      'its comparisons exclude each other at /rules/0/arguments/name',
    ],
    [
      'typed parameters',
      {
        ...allow,
        actions: ['virDomainSetSchedulerParametersFlags', 'virDomainSetSchedulerParameters'],
        arguments: { 'params.cpu_shares': { less: 2, greater: 5 } },
      },
      'its comparisons exclude each other at /rules/0/arguments/params.cpu_shares',
    ],
    [
      'facts of XML',
      { ...allow, actions: ['config'], xml: { memory: { less: 2, greater: 5 } } },
      'its comparisons exclude each other at /rules/0/xml/memory',
    ],
  ])('%s', (_, rule, why) => {
    expect(doubts([rule])).toContain(`warning: rule \`a\` can never match: ${why}`);
  });

  test.each<[string, Partial<RuleDocument>]>([
    ['some of the names are taken away', { resources: { names: ['prod-*'], not: { names: ['prod-1'] } } }],
    ['what has no name', { resources: { not: { names: ['*'] } } }],
    ['URIs without a driver', { connections: { drivers: ['qemu'], uris: ['*://h/system'] } }],
    ['a number and its bits', { actions: ['domain.stop'], arguments: { flags: { equal: 5, hasAll: [4] } } }],
    ['a text and its glob', { actions: ['virDomainLookupByName'], arguments: { name: { equal: 'ab', glob: 'a*' } } }],
    [
      'a field that is given twice',
      { actions: ['domain.write'], arguments: { 'params.cpu_shares': { less: 2, greater: 5 } } },
    ],
  ])('but not: %s', (_, rule) => {
    expect(doubts([rule]).join()).not.toContain('never match');
  });
});

describe('words that match nothing known', () => {
  test.each<[Partial<RuleDocument>, string]>([
    [
      { connections: { uris: ['qeum+ssh://*'] } },
      'warning: unknown driver `qeum` at /rules/0/connections/uris/0 (did you mean `qemu+ssh://*`?)',
    ],
    [
      { connections: { not: { uris: ['QEMU:///system'] } } },
      'warning: rules see schemes in lower case at /rules/0/connections/not/uris/0 (did you mean `qemu:///system`?)',
    ],
    [
      { connections: { uris: ['prod'] } },
      'warning: `prod` is no URI: rules see what an alias stands for at /rules/0/connections/uris/0',
    ],
    [
      { actions: ['virDomainSetSchedulerParameters*'], arguments: { 'params.cpu_sahres*': { less: 2 } } },
      'warning: `cpu_sahres*` matches no field of typed parameters that is known at /rules/0/arguments/params.cpu_sahres*',
    ],
  ])('%j', (rule, expected) => {
    expect(doubts([rule])).toContain(expected);
  });

  test('audit levels', () => {
    expect(doubts([], { audit: { levels: { 'virDomian*': 'none' } } })).toEqual([
      'warning: `virDomian*` matches nothing that is judged at /audit/levels/virDomian*',
    ]);
  });

  test.each(['test:///default', 'qemu+ssh://*', '*', 'q*', 'vmwarews://*', '?emu:*'])('%s is a URI', (uri) => {
    expect(doubts([{ connections: { uris: [uri] } }])).toEqual([]);
  });
});

test.each<[string, string, boolean]>([
  ['*', 'a?b', true],
  ['a*', 'a', true],
  ['a*', 'ab*', true],
  ['ab*', 'a*', false],
  ['a?', 'ab', true],
  ['a?', 'a?', true],
  ['a?', 'a*', false],
  ['?', 'é', false],
  ['??', 'é', true],
  ['\\*', '*', false],
  ['*', '\\*', true],
  ['a\\*', 'a\\*', true],
])('%s covers %s: %s', (wide, glob, expected) => {
  expect(globCovers(parseGlob(wide), parseGlob(glob))).toBe(expected);
});
