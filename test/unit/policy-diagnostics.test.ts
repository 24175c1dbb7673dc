// What is said about policies that are wrong or doubtful, word for word and place for place.
import { describe, expect, test } from '@jest/globals';
import { checkPolicyFile } from '../../src/policy/check.js';
import { compilePolicy } from '../../src/policy/compile.js';
import { formatDiagnostic } from '../../src/policy/diagnostic.js';
import type { PolicyDocument, RuleDocument } from '../../src/policy/document.js';
import { loadPolicy, loadPolicyFile } from '../../src/policy/load.js';
import { editDistance, suggest } from '../../src/policy/suggest.js';
import { diagnose, lookUp } from './policy_tools.js';

function withRule(rule: object): string[] {
  return diagnose(
    JSON.stringify({ name: 'p', rules: [{ id: 'it', effect: 'deny', actions: ['domain.stop'], ...rule }] }),
  );
}

/** Without file, line and column, for rows that are about words. */
function said(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/^p\.json:\d+:\d+: /, ''));
}

describe('places', () => {
  test('line and column of the word that is wrong', () => {
    const text = `{
  "name": "p",
  "rules": [
    {
      "id": "it",
      "effect": "deny",
      "actions": ["domain.stop", "domain.suspnd"],
      "resorces": {}
    }
  ]
}`;
    expect(diagnose(text)).toEqual([
      'p.json:8:7: error: unknown property `resorces` at /rules/0/resorces (did you mean `resources`?)',
    ]);
    expect(diagnose(text.replace(/,\n *"resorces": \{\}/, ''))).toEqual([
      'p.json:7:34: error: unknown action `domain.suspnd` at /rules/0/actions/1 (did you mean `domain.suspend`?)',
    ]);
  });

  test('all errors of one stage at once, in the order of the file', () => {
    const text = '{\n"mode": "enforcin",\n"nam": "p",\n"rules": {}\n}';
    expect(diagnose(text)).toEqual([
      'p.json:1:1: error: property `name` is missing',
      'p.json:2:9: error: `enforcin` is not one of enforcing, permissive, disabled at /mode (did you mean `enforcing`?)',
      'p.json:3:1: error: unknown property `nam` at /nam (did you mean `name`?)',
      'p.json:4:10: error: expected an array, found an object at /rules',
    ]);
  });

  test('pointers escape what JSON pointers use', () => {
    expect(diagnose('{"name":"p","a/b~":1}')).toEqual([
      'p.json:1:13: error: unknown property `a/b~` (known: $schema, name, description, comment, mode, defaults, unknownApi, onAuditFailure, trail, audit, include, rules) at /a~1b~0',
    ]);
  });
});

describe('JSON', () => {
  test.each([
    ['', 'p.json:1:1: error: expected a value'],
    ['{"name":"p",}', 'p.json:1:13: error: expected the name of a property in double quotes'],
    ['{"name":"p"', 'p.json:1:12: error: expected a closing brace'],
    ['{"name" "p"}', 'p.json:1:9: error: expected a colon'],
    ["{'name':'p'}", 'p.json:1:2: error: invalid symbol'],
    ['{"name":"p\n"}', 'p.json:1:9: error: unexpected end of a string'],
    ['{"name":"\\x"}', 'p.json:1:9: error: invalid escape in a string'],
    [
      '{\n// why\n"name":"p"}',
      'p.json:2:1: error: comments are not JSON: use the properties `comment` and `description`',
    ],
    ['{"name":"p"} 1', 'p.json:1:14: error: expected the end of the file'],
    ['['.repeat(100_000), 'p.json:1:65: error: nested too deeply'],
  ])('%#', (text, expected) => {
    expect(diagnose(text)).toEqual([expected]);
  });

  test('keys that are given twice', () => {
    expect(diagnose('{"name":"p",\n"name":"q",\n"rules":[{"id":"a","id":"b"}]}')).toEqual([
      'p.json:2:1: error: property `name` is given twice at /name',
      'p.json:3:20: error: property `id` is given twice at /rules/0/id',
    ]);
  });

  test('`__proto__` is a property like others', () => {
    expect(diagnose('{"name":"p","__proto__":{"mode":"disabled"}}')).toEqual([
      'p.json:1:13: error: unknown property `__proto__` (known: $schema, name, description, comment, mode, defaults, unknownApi, onAuditFailure, trail, audit, include, rules) at /__proto__',
    ]);
  });

  test.each(['null', '[]', '"policy"', '1'])('%s is no policy', (text) => {
    expect(said(diagnose(text))).toEqual([expect.stringMatching(/^error: expected an object, found /)]);
  });
});

describe('shape', () => {
  test.each<[object, string]>([
    [
      { name: 'a b' },
      'does not fit: 1 to 64 letters, digits and the characters `. _ : -`, a letter or digit first at /name',
    ],
    [{ trail: 'var/log' }, 'error: "var/log" does not fit: folder of the trail, an absolute path at /trail'],
    [
      { defaults: { reading: 'allow' } },
      'error: unknown property `reading` (known: *, read, connect, events, control, config, resource, guest-access, data-access, secret, stream, admin) at /defaults/reading',
    ],
    [{ defaults: { red: 'allow' } }, 'error: unknown property `red` at /defaults/red (did you mean `read`?)'],
    [
      { defaults: { read: 'alow' } },
      'error: `alow` is not one of allow, deny at /defaults/read (did you mean `allow`?)',
    ],
    [{ unknownApi: true }, 'error: `true` is not one of allow, deny at /unknownApi'],
    [{ onAuditFailure: 'block' }, 'error: `block` is not one of allow, deny at /onAuditFailure'],
    [{ audit: { netlink: 'yes' } }, 'error: expected a boolean, found a string at /audit/netlink'],
    [
      { audit: { levels: { read: 'all' } } },
      'error: `all` is not one of none, response, request-response at /audit/levels/read',
    ],
    [
      { audit: { levels: { raed: 'none' } } },
      'error: unknown action `raed` at /audit/levels/raed (did you mean `read`?)',
    ],
  ])('%j', (part, expected) => {
    expect(said(diagnose(JSON.stringify({ name: 'p', ...part })))).toEqual([expect.stringContaining(expected)]);
  });

  test.each<[object, string]>([
    [{ effect: 'refuse' }, 'error: `refuse` is not one of allow, deny at /rules/0/effect'],
    [{ actions: [] }, 'error: must not be empty at /rules/0/actions'],
    [{ actions: ['read', 'read'] }, 'error: items 0 and 1 are the same at /rules/0/actions'],
    [{ actions: 'read' }, 'error: expected an array, found a string at /rules/0/actions'],
    [{ subjects: {} }, 'error: must not be empty at /rules/0/subjects'],
    [{ subjects: { uids: ['0'] } }, 'error: expected an integer, found a string at /rules/0/subjects/uids/0'],
    [{ subjects: { uids: [-1] } }, 'error: must be >= 0 at /rules/0/subjects/uids/0'],
    [{ subjects: { uids: [4294967295] } }, 'error: must be <= 4294967294 at /rules/0/subjects/uids/0'],
    [
      { subjects: { users: ['1000'] } },
      'error: "1000" does not fit: the name of an account that getent knows, not a number at /rules/0/subjects/users/0',
    ],
    [{ subjects: { users: ['-x'] } }, 'does not fit'],
    [{ resources: { kinds: ['guest'] } }, 'error: `guest` is not one of connect, domain, '],
    [{ resources: { kinds: ['netwrok'] } }, '(did you mean `network`?)'],
    [{ resources: { uuids: ['6695eb01'] } }, 'error: "6695eb01" does not fit: 8-4-4-4-12 hex digits'],
    [
      { arguments: { flags: { has: 1 } } },
      'error: unknown property `has` (known: equal, notEqual, less, lessOrEqual, greater, greaterOrEqual, glob, hasAny, hasAll, hasNone) at /rules/0/arguments/flags/has',
    ],
    [
      { arguments: { flags: { hasany: [1] } } },
      'error: unknown property `hasany` at /rules/0/arguments/flags/hasany (did you mean `hasAny`?)',
    ],
    [{ arguments: { flags: { equal: 1.5 } } }, 'error: expected an integer, a string or a boolean, found a number'],
  ])('%j', (part, expected) => {
    expect(said(withRule(part))).toEqual([expect.stringContaining(expected)]);
  });
});

describe('words', () => {
  test.each<[object, string]>([
    [
      { actions: ['virDomainDestory'] },
      'error: unknown function `virDomainDestory` at /rules/0/actions/0 (did you mean `virDomainDestroy`?)',
    ],
    [
      { actions: ['suspend'] },
      'error: unknown action `suspend` at /rules/0/actions/0 (did you mean `domain.suspend`?)',
    ],
    [{ actions: ['controll'] }, 'error: unknown action `controll` at /rules/0/actions/0 (did you mean `control`?)'],
    [{ actions: ['qqqqqqqq'] }, 'error: unknown action `qqqqqqqq` at /rules/0/actions/0'],
    [
      { actions: ['virGetLastError'] },
      'error: `virGetLastError` reports errors and is never judged or recorded at /rules/0/actions/0',
    ],
    [{ actions: ['domain.\\'] }, 'error: glob `domain.\\` ends in a lone backslash at /rules/0/actions/0'],
    [
      { connections: { drivers: ['qemmu'] } },
      'error: unknown driver `qemmu` at /rules/0/connections/drivers/0 (did you mean `qemu`?)',
    ],
    [{ connections: { uris: ['a\\'] } }, 'error: glob `a\\` ends in a lone backslash at /rules/0/connections/uris/0'],
    [{ resources: { names: ['a\u0000'] } }, 'error: a string holds a NUL character at /rules/0/resources/names/0'],
    [{ resources: { names: ['\ud800'] } }, 'error: a string holds half a surrogate pair at /rules/0/resources/names/0'],
    [
      { arguments: { flag: { equal: 1 } } },
      "error: none of the rule's functions has an argument `flag` at /rules/0/arguments/flag (did you mean `flags`?)",
    ],
    [
      { arguments: { not: { flags: { equal: 1, notEqual: 2 } } } },
      'error: under `not`, `flags` takes one comparison: it would not be clear what several mean together at /rules/0/arguments/not/flags',
    ],
    [
      { arguments: { not: { flag: { equal: 1 } } } },
      "error: none of the rule's functions has an argument `flag` at /rules/0/arguments/not/flag (did you mean `flags`?)",
    ],
    [
      { arguments: { domain: { equal: 1 } } },
      'error: argument `domain` holds nothing that can be compared at /rules/0/arguments/domain',
    ],
    [
      { arguments: { flags: { glob: 'x' } } },
      "error: argument `flags` is not a string in any of the rule's functions at /rules/0/arguments/flags/glob",
    ],
    [
      { arguments: { flags: { hasAny: ['VIR_DOMAIN_DESTROY_GRACEFULL'] } } },
      'error: unknown constant `VIR_DOMAIN_DESTROY_GRACEFULL` at /rules/0/arguments/flags/hasAny/0 (did you mean `VIR_DOMAIN_DESTROY_GRACEFUL`?)',
    ],
    [
      { arguments: { flags: { hasAny: ['VIR_DOMAIN_DESTROY_DEFAULT'] } } },
      'error: "VIR_DOMAIN_DESTROY_DEFAULT" has no bit that could be looked for at /rules/0/arguments/flags/hasAny/0',
    ],
    [{ arguments: { flags: { equal: 'ONE' } } }, 'error: unknown constant `ONE` at /rules/0/arguments/flags/equal'],
    [
      { actions: ['virDomainLookupByName'], arguments: { name: { less: 1 } } },
      "error: argument `name` is not a number in any of the rule's functions at /rules/0/arguments/name/less",
    ],
    [
      {
        actions: ['virDomainSetMemory', 'virDomainDestroyFlags', 'virDomainDestroy'],
        arguments: { memory: { less: 9 }, flags: { equal: 1 } },
      },
      "error: none of the rule's functions takes all these arguments at /rules/0/arguments",
    ],
  ])('%j', (part, expected) => {
    expect(said(withRule(part))).toEqual([expected]);
  });

  test('integers of more than 64 bits', () => {
    const text =
      '{"name":"p","rules":[{"id":"it","effect":"deny","actions":["*"],"arguments":{"memory":{"less":18446744073709551616}}}]}';
    expect(said(diagnose(text))).toEqual([
      'error: `18446744073709551616` is not an integer of 64 bits at /rules/0/arguments/memory/less',
    ]);
  });

  test('rule ids that are used twice', () => {
    const rule: RuleDocument = { id: 'it', effect: 'deny', actions: ['domain.stop'] };
    expect(said(diagnose({ name: 'p', rules: [rule, rule] }))).toContain(
      'error: rule id `it` is used twice, first in p.json:5 at /rules/1/id',
    );
  });

  test('users and groups that the machine does not know', async () => {
    const subjects = { users: ['alice', 'carol'], groups: ['wheel'] };
    const document: PolicyDocument = { name: 'p', rules: [{ id: 'it', effect: 'deny', actions: ['*'], subjects }] };
    const { policy } = loadPolicy(JSON.stringify(document), 'p.json');
    if (policy === undefined) throw new Error('does not load');
    const { image, diagnostics } = await compilePolicy(policy, lookUp);
    expect(image).toBeUndefined();
    expect(said(diagnostics.map(formatDiagnostic))).toEqual([
      'error: this machine knows no user `carol` at /rules/0/subjects/users/1',
      'error: this machine knows no group `wheel` at /rules/0/subjects/groups/0',
    ]);
  });
});

describe('doubts', () => {
  const twins = { id: 'it', effect: 'deny', actions: ['virDomainDestroy'] } as const;

  test.each<[object, string]>([
    [
      twins,
      'warning: `virDomainDestroy` leaves out `virDomainDestroyFlags`, which can do the same at /rules/0/actions/0',
    ],
    [
      { actions: ['virDomainCreate', 'virDomainCreateWithFiles'] },
      'warning: `virDomainCreate` leaves out `virDomainCreateWithFlags`, which can do the same at /rules/0/actions/0',
    ],
    [
      { actions: ['virDomainSetMemory'] },
      'warning: `virDomainSetMemory` leaves out `virDomainSetMemoryFlags`, which can do the same at /rules/0/actions/0',
    ],
    [{ actions: ['virDomain*Flag'] }, 'warning: `virDomain*Flag` matches nothing that is judged at /rules/0/actions/0'],
    [{ actions: ['dom?.*'] }, 'warning: `dom?.*` matches nothing that is judged at /rules/0/actions/0'],
    [
      { resources: { kinds: ['network'] } },
      'warning: rule `it` can never match: none of its functions acts on network at /rules/0/resources/kinds',
    ],
    [
      { actions: ['connect.*'], resources: { kinds: ['connect'], names: ['x'] } },
      'warning: rule `it` can never match: resources of kind connect have no name at /rules/0/resources/names',
    ],
    [
      {
        actions: ['storage-vol.*'],
        resources: { kinds: ['storage-vol'], uuids: ['6695eb01-f6a4-8304-79aa-97f2502e193f'] },
      },
      'warning: rule `it` can never match: resources of kind storage-vol have no uuid at /rules/0/resources/uuids',
    ],
    [
      { actions: ['virDomainSetMemoryFlags', 'virDomainSetMemory'], arguments: { memory: { greater: 5, less: 6 } } },
      'warning: rule `it` can never match: its comparisons exclude each other at /rules/0/arguments/memory',
    ],
    [
      { arguments: { not: { flags: { hasAny: ['VIR_DOMAIN_DESTROY_GRACEFUL'] } } } },
      'warning: rule `it` denies `virDomainDestroyFlags`, but not `virDomainDestroy`, which lacks the arguments at /rules/0/arguments',
    ],
    [
      { arguments: { flags: { hasNone: ['VIR_DOMAIN_DESTROY_GRACEFUL'] } } },
      'warning: rule `it` denies `virDomainDestroyFlags`, but not `virDomainDestroy`, which lacks the arguments at /rules/0/arguments',
    ],
  ])('%j', (part, expected) => {
    expect(said(withRule(part)).map((line) => line.split('\n')[0])).toContain(expected);
  });

  test.each<[object]>([
    [{ actions: ['virDomainDestroy', 'virDomainDestroyFlags'] }],
    [{ actions: ['virDomainDestroy*'] }],
    [{ actions: ['domain.stop'] }],
    [{ arguments: { flags: { hasAny: ['VIR_DOMAIN_DESTROY_GRACEFUL'] } } }],
    [{ resources: { kinds: ['domain'], names: ['prod-*'] } }],
    [{ actions: ['domain.snapshot'], resources: { kinds: ['domain'] } }],
  ])('%j is as it should be', (part) => {
    expect(withRule(part)).toEqual([]);
  });

  test('a twin that another rule of the same effect names is not forgotten', () => {
    const other = { ...twins, id: 'other', actions: ['virDomainDestroyFlags'] };
    expect(diagnose({ name: 'p', rules: [twins, other] })).toEqual([]);
    expect(diagnose({ name: 'p', rules: [twins, { ...other, effect: 'allow' }] }).length).toBe(2);
  });

  test('deny rules on names refuse what nobody knows the name of, which lists are not', () => {
    const names = ['prod-*'];
    const rule: RuleDocument = { id: 'it', effect: 'deny', actions: ['virDomainSuspend'], resources: { names } };
    expect(diagnose({ name: 'p', rules: [rule] })).toEqual([]);
    expect(diagnose({ name: 'p', rules: [{ ...rule, actions: ['connect.search-domains'] }] })).toEqual([]);
    expect(said(diagnose({ name: 'p', rules: [{ ...rule, actions: ['virDomainRestore*'] }] }))).toEqual([
      'warning: rule `it` refuses `virDomainRestore`, `virDomainRestoreFlags`, `virDomainRestoreParams` whatever the resource, which is not known there at /rules/0/resources',
    ]);
    const allow: RuleDocument = { ...rule, effect: 'allow', actions: ['virDomainRestore*'] };
    expect(diagnose({ name: 'p', rules: [allow] })).toEqual([]);
  });

  test('rules that never decide', () => {
    const deny: RuleDocument = { id: 'deny', effect: 'deny', actions: ['domain.*'] };
    const allow: RuleDocument = { id: 'allow', effect: 'allow', actions: ['domain.stop'] };
    const narrow: RuleDocument = { ...allow, id: 'narrow', effect: 'deny', resources: { names: ['x'] } };
    expect(said(diagnose({ name: 'p', rules: [allow, deny, narrow] }))).toEqual([
      'warning: rule `allow` never decides: all that it covers is denied by `deny` at /rules/0/id',
      'warning: rule `narrow` never decides: all that it covers is denied by `deny` at /rules/2/id',
    ]);
    expect(diagnose({ name: 'p', rules: [narrow, allow] })).toEqual([]);
    expect(diagnose({ name: 'p', rules: [narrow, deny] })).toEqual([]);
  });
});

describe('files', () => {
  test('a file that is not there', async () => {
    expect(() => loadPolicyFile('/no/such/policy.json')).toThrow(expect.objectContaining({ code: 'VIRTSHIM_FILE' }));
    await expect(checkPolicyFile('/no/such/policy.json')).rejects.toThrow('cannot read `/no/such/policy.json`');
  });
});

describe('suggestions', () => {
  test.each([
    ['domain.suspnd', 'domain.suspend', 1],
    ['ab', 'ba', 1],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['same', 'same', 0],
  ])('%s and %s are %d apart', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });

  test('nothing is suggested for what is like nothing', () => {
    expect(suggest('xyz', ['read', 'control'])).toBeUndefined();
    expect(suggest('READ', ['read'])).toBe('read');
  });
});
