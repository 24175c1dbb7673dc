// Why a call is decided as it is: the rule, the conditions that fail with what there is, and what is not known.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { VirtshimError } from '../../src/errors.js';
import type { CallDocument } from '../../src/policy/call.js';
import type { PolicyDocument, RuleDocument } from '../../src/policy/document.js';
import { type Explanation, explain } from '../../src/policy/explain.js';
import { explanationText } from '../../src/policy/explain_text.js';
import { namesWith } from '../../src/policy/name_service.js';
import { temporaryFolder } from '../support/paths.js';

const names = namesWith({
  users: { mia: { uid: 70001, groups: ['operators'] }, bob: { uid: 70002 } },
  groups: { operators: 70100 },
});

function policyFile(document: Partial<PolicyDocument>): string {
  const file = join(temporaryFolder('explain'), 'p.json');
  writeFileSync(file, JSON.stringify({ name: 'p', ...document }, null, 2));
  return file;
}

function about(document: Partial<PolicyDocument>, call: CallDocument): Explanation {
  return explain(policyFile(document), call, { names });
}

const rule = (id: string, effect: 'allow' | 'deny', more: Partial<RuleDocument>): RuleDocument => ({
  ...{ id, effect, actions: ['domain.write'] },
  ...more,
});

const setMemory: CallDocument = {
  ...{ function: 'virDomainSetMemory', uid: 0, arguments: { memory: 4096 } },
  connection: { uri: 'qemu+ssh://node/system', readOnly: false },
  resource: { name: 'web', uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f' },
};

describe('the rule that decides', () => {
  test('with the place where it stands', () => {
    const rules = [rule('other', 'allow', { actions: ['domain.start'] }), rule('it', 'deny', { description: 'No.' })];
    const { verdict, decision, decidedBy } = about({ rules }, setMemory);
    expect({ verdict, decision }).toMatchObject({ verdict: 'denied', decision: { basis: 'rule', rule: 'it' } });
    expect(decidedBy).toMatchObject({ rule: 'it', line: 12, pointer: '/rules/1', description: 'No.', holds: true });
  });

  test('in a file that the policy includes', () => {
    const folder = temporaryFolder('include');
    mkdirSync(join(folder, 'parts'));
    writeFileSync(join(folder, 'parts/guard.json'), `{ "rules": [\n\n${JSON.stringify(rule('it', 'deny', {}))}] }`);
    writeFileSync(join(folder, 'p.json'), JSON.stringify({ name: 'p', include: ['parts/guard.json'] }));
    const { decidedBy } = explain(join(folder, 'p.json'), setMemory);
    expect(decidedBy).toMatchObject({ file: join(folder, 'parts/guard.json'), line: 3, pointer: '/rules/0' });
  });

  test('none: the default of the set, and what the call needs', () => {
    const call = {
      ...setMemory,
      function: 'virDomainSetMemoryFlags',
      arguments: { flags: 'VIR_DOMAIN_AFFECT_CONFIG' },
    };
    const rules = [rule('writes', 'allow', {})];
    const { verdict, decidedBy, decision, needs } = about({ rules, defaults: { '*': 'deny' } }, call);
    expect({ verdict, decidedBy, permission: decision.permission }).toEqual({
      ...{ verdict: 'denied', decidedBy: null, permission: 'domain.save' },
    });
    expect(needs).toEqual([
      { permission: 'domain.write', set: 'resource', byDefault: 'deny', allowedBy: ['writes'] },
      { permission: 'domain.save', set: 'resource', byDefault: 'deny', allowedBy: [] },
    ]);
  });

  test.each([
    ['enforcing', 'denied'],
    ['permissive', 'would-deny'],
    ['disabled', 'permitted'],
  ] as const)('in a policy that is %s: %s', (mode, verdict) => {
    expect(about({ mode, rules: [rule('it', 'deny', {})] }, setMemory).verdict).toBe(verdict);
  });

  test('is permissive', () => {
    const rules = [rule('it', 'deny', { mode: 'permissive' })];
    const { verdict, decision, rules: seen } = about({ defaults: { '*': 'allow' }, rules }, setMemory);
    expect([verdict, decision.wouldDeny]).toEqual(['would-deny', 'it']);
    expect(seen).toMatchObject([{ rule: 'it', holds: true, permissive: true }]);
  });
});

const hostile =
  "<domain type='test'><name>web</name><memory>1</memory><devices><disk><source file='/etc/shadow'/></disk></devices></domain>";

describe('the first condition that fails, with what there is', () => {
  const cases: readonly (readonly [Partial<RuleDocument>, Partial<CallDocument>, string, unknown, unknown])[] = [
    [{ resources: { names: ['db', 'prod-*'] } }, {}, 'resources.names', ['db', 'prod-*'], 'web'],
    [{ resources: { kinds: ['network'] } }, {}, 'resources.kinds', ['network'], 'domain'],
    [{ arguments: { memory: { greater: 8192 } } }, {}, 'arguments.memory', ['greater 8192'], 4096],
    [{ subjects: { users: ['bob'] } }, { uid: 70001 }, 'subjects.users', ['bob'], 70001],
    [{ subjects: { uids: [12] } }, { uid: 70001 }, 'subjects.uids', [12], 70001],
    [{ subjects: { groups: ['operators'] } }, { gids: [5] }, 'subjects.groups', ['operators'], [5]],
    [{ subjects: { not: { users: ['mia'] } } }, { uid: 70001 }, 'subjects.not.users', ['mia'], 70001],
    [
      { subjects: { executables: ['/usr/bin/virsh'] } },
      { executable: '/bin/sh' },
      'subjects.executables',
      ['/usr/bin/virsh'],
      '/bin/sh',
    ],
    [{ subjects: { actors: ['eve'] } }, { actor: '' }, 'subjects.actors', ['eve'], ''],
    [{ connections: { drivers: ['test'] } }, {}, 'connections.drivers', ['test'], 'qemu'],
    [{ connections: { transports: ['tls'] } }, {}, 'connections.transports', ['tls'], 'ssh'],
    [{ connections: { hosts: ['other'] } }, {}, 'connections.hosts', ['other'], 'node'],
    [{ connections: { readOnly: true } }, {}, 'connections.readOnly', [true], false],
    [
      { times: [{ days: ['sun'], zone: 'UTC' }] },
      { time: '2026-11-23T12:00:00Z' },
      'times',
      ['sun 00:00-24:00'],
      1795435200,
    ],
    [
      { rate: { calls: 2, seconds: 60, per: 'host' } },
      { rateReached: false },
      'rate',
      ['2 calls in 60 s per host'],
      false,
    ],
    [
      { xml: { 'disk-source': { glob: '/images/*' } } },
      { function: 'virDomainDefineXML', arguments: { xml: hostile } },
      ...(['xml.disk-source', ['glob /images/*'], ['/etc/shadow']] as const),
    ],
    [
      { monitor: { commands: ['query-*'] } },
      { function: 'virDomainQemuMonitorCommand', arguments: { cmd: '{"execute":"quit"}' } },
      ...(['monitor.commands', ['query-*'], 'quit'] as const),
    ],
    [
      { arguments: { 'params.cpu_shares': { less: 10 } } },
      { function: 'virDomainSetSchedulerParameters', arguments: { params: { cpu_shares: 2048 } } },
      ...(['arguments.params.cpu_shares', ['less 10'], [2048]] as const),
    ],
  ];

  test.each(cases)('%j', (conditions, facts, condition, wanted, actual) => {
    const { rules } = about(
      { rules: [rule('it', 'deny', conditions)] },
      { ...setMemory, arguments: {}, ...memory(facts), ...facts },
    );
    expect(rules).toMatchObject([{ rule: 'it', holds: false, failed: { condition, wanted, actual, unknown: false } }]);
  });

  const memory = ({ function: other }: Partial<CallDocument>) =>
    other === undefined ? { arguments: { memory: 4096 } } : {};

  test('a missing reason', () => {
    const rules = [rule('it', 'allow', { require: ['reason'] })];
    const { obligations, rules: seen } = about({ rules }, { ...setMemory, reason: '' });
    expect(obligations).toEqual(['reason']);
    expect(seen).toMatchObject([{ holds: false, failed: { condition: 'require', actual: '' } }]);
    expect(about({ rules }, { ...setMemory, reason: 'ticket 12' })).toMatchObject({
      verdict: 'permitted',
      obligations: [],
    });
  });

  test('numbers that JavaScript cannot hold', () => {
    const memory = '18446744073709551615';
    const { rules } = about(
      { rules: [rule('it', 'deny', { arguments: { memory: { less: 5 } } })] },
      { ...setMemory, arguments: { memory } },
    );
    expect(rules[0]?.failed?.actual).toBe(18446744073709551615n);
  });
});

describe('what is not known', () => {
  const bare: CallDocument = { function: 'virDomainSetMemory', uid: 0 };

  test('is assumed by deny rules', () => {
    const explanation = about({ rules: [rule('it', 'deny', { resources: { names: ['prod-*'] } })] }, bare);
    expect(explanation.decidedBy?.assumed).toMatchObject({ condition: 'resources.names', unknown: true });
    expect(explanation.undecided).toEqual([{ fact: 'resources.names', rules: ['it'] }]);
    expect(explanationText(explanation)).toContain('tell it by --name');
  });

  test('fails allow rules', () => {
    const rules = [rule('it', 'allow', { connections: { uris: ['test:*'], readOnly: false } })];
    const { verdict, undecided } = about({ rules }, bare);
    expect([verdict, undecided]).toEqual(['denied', [{ fact: 'connections.readOnly', rules: ['it'] }]]);
  });

  test('does not matter where a rule refuses in any case, or all is allowed', () => {
    const unsure = rule('unsure', 'deny', { resources: { names: ['x'] } });
    expect(about({ rules: [unsure, rule('sure', 'deny', {})] }, bare).undecided).toEqual([]);
    expect(
      about({ rules: [rule('a', 'allow', {}), rule('b', 'allow', { times: [{ zone: 'UTC' }] })] }, bare).undecided,
    ).toEqual([]);
  });

  test('who calls: those who would be judged otherwise', () => {
    const rules = [
      rule('mia', 'allow', { subjects: { users: ['mia'] } }),
      rule('ops', 'allow', { subjects: { groups: ['operators'] } }),
      rule('all-but-bob', 'deny', { actions: ['domain.start'], subjects: { not: { users: ['bob'] } } }),
    ];
    const { verdict, otherwise } = about({ rules }, { function: 'virDomainSetMemory' });
    expect(verdict).toBe('denied');
    expect(otherwise).toEqual([
      { kind: 'user', account: 'mia', effect: 'allow' },
      { kind: 'group', account: 'operators', effect: 'allow' },
    ]);
    expect(about({ rules }, { function: 'virDomainSetMemory', user: 'mia' })).toMatchObject({
      verdict: 'permitted',
      otherwise: [],
    });
  });

  test('groups that were not told are none, which is said where rules name some', () => {
    const rules = [rule('ops', 'allow', { subjects: { groups: ['operators'] } })];
    expect(about({ rules }, setMemory).notes).toEqual(['no groups were told: the caller is taken to be in none']);
    expect(about({ rules }, { ...setMemory, user: 'mia' }).notes).toEqual([]);
    expect(about({ rules: [] }, setMemory).notes).toEqual([]);
  });

  test('arguments that were not given are 0 or NULL, which is said', () => {
    expect(about({}, bare).notes).toEqual(['arguments that were not given are 0 or NULL: memory']);
  });
});

describe('what the shim sees of a resource', () => {
  const document = {
    defaults: { '*': 'allow' },
    rules: [rule('it', 'deny', { actions: ['read', 'config'], resources: { names: ['prod-*'] } })],
  } as const;

  test.each([
    ['virConnectListAllDomains', {}, 'permitted'],
    ['virDomainLookupByName', { name: 'prod-1' }, 'denied'],
    ['virDomainLookupByName', { name: 'web' }, 'permitted'],
    ['virDomainDefineXML', { xml: '<domain><name>prod-1</name></domain>' }, 'denied'],
    ['virDomainDefineXML', { xml: '<domain><name>web</name></domain>' }, 'permitted'],
    ['virDomainDefineXML', { xml: '<domain><devices><name>web</name></devices></domain>' }, 'denied'],
    ['virDomainDefineXML', { xml: '<domain><name>w&#101;b</name></domain' }, 'denied'],
    ['virDomainLookupByUUIDString', { uuidstr: '6695eb01-f6a4-8304-79aa-97f2502e193f' }, 'denied'],
  ] as const)('%s %j: %s', (name, args, verdict) => {
    expect(about(document, { function: name, arguments: args }).verdict).toBe(verdict);
  });
});

describe('descriptions that make no sense', () => {
  const nonsense: readonly (readonly [object, string, string?])[] = [
    [{ function: 'virDomainDestory' }, 'unknown function `virDomainDestory` at /function', 'virDomainDestroy'],
    [{ function: 'virDomainDestroyFlags', arguments: { flag: 1 } }, 'has no argument `flag`', 'flags'],
    [
      { function: 'virDomainDestroyFlags', arguments: { flags: 'VIR_DOMAIN_DESTROY_GRACEFULL' } },
      'unknown constant',
      'VIR_DOMAIN_DESTROY_GRACEFUL',
    ],
    [{ function: 'virDomainDestroy', ressource: {} }, 'unknown property `ressource`', 'resource'],
    [{ function: 'virDomainDestroy', resource: { kind: 'domian' } }, '`domian` is not one of', 'domain'],
    [{ function: 'virDomainDestroy', resource: { uuid: 'zzz' } }, 'does not fit: a UUID'],
    [{ function: 'virDomainDestroy', connection: { transport: 'shh' } }, '`shh` is not one of', 'ssh'],
    [{ function: 'virDomainDestroy', user: 'nobody-of-that-name' }, 'knows no user `nobody-of-that-name`'],
    [{ function: 'virDomainDestroy', groups: ['none-such'] }, 'knows no group `none-such`'],
    [{ function: 'virDomainDestroy', time: 'tomorrow' }, '`tomorrow` is not a time with a zone'],
    [{ function: 'virDomainDestroy', xml: { facts: { 'disk-sauce': [] } } }, 'unknown fact of XML `disk-sauce`'],
    [{ function: 'virDomainLookupByUUID', arguments: { uuid: 'zzz' } }, '`zzz` is not a uuid'],
  ];

  test.each(nonsense.map(([call, ...rest]) => [call, rest] as const))('%j', (call, [message, suggestion]) => {
    const complaint = complaintAbout(() => about({}, call as CallDocument));
    expect(complaint.code).toBe('VIRTSHIM_USAGE');
    expect(complaint.message).toContain(message);
    expect(complaint.hint).toBe(suggestion === undefined ? undefined : `did you mean \`${suggestion}\`?`);
  });

  test('a compiled policy', () => {
    expect(() => explain('/etc/virtshim/policy.img', setMemory)).toThrow('`/etc/virtshim/policy.img` is compiled');
  });

  test('a policy that cannot be used', () => {
    const complaint = complaintAbout(() =>
      about({ rules: [rule('it', 'deny', { subjects: { users: ['noone-here'] } })] }, setMemory),
    );
    expect(complaint.code).toBe('VIRTSHIM_POLICY_MEANING');
    expect(complaint.message).toMatch(/p\.json:\d+:\d+: error: this machine knows no user `noone-here`/);
  });
});

function complaintAbout(act: () => unknown): VirtshimError {
  try {
    act();
  } catch (error) {
    if (error instanceof VirtshimError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('as text', () => {
  test('says verdict, rule, needs, and how close the others came', () => {
    const rules = [
      rule('small', 'allow', { arguments: { memory: { lessOrEqual: 1024 } } }),
      rule('mine', 'allow', { subjects: { users: ['mia'] }, description: 'Her guests' }),
    ];
    const file = policyFile({ rules });
    expect(explanationText(explain(file, setMemory, { names }))).toBe(
      `virDomainSetMemory on \`web\` by uid 0: denied
by default: no rule allows \`domain.write\`, and the default of \`resource\` is deny
needs:
  domain.write: no rule allows it; default of \`resource\`: deny
rules that came close:
  allow rule \`small\` (${file}:5)
      fails: \`arguments.memory\` wants \`lessOrEqual 1024\`, is \`4096\`
  allow rule \`mine\` (${file}:17): Her guests
      fails: \`subjects.users\` wants \`mia\`, is \`0\`
`,
    );
  });

  test('of a call on nothing, and of a helper', () => {
    expect(explanationText(about({}, { function: 'virConnectClose' }))).toMatch(/^virConnectClose: denied\n/);
    expect(explanationText(about({}, { function: 'virConnectRef' }))).toContain(
      'by default: a helper, which only a deny rule',
    );
  });

  test('shows ten rules, or all', () => {
    const rules = [...Array(14).keys()].map((n) => rule(`r${n}`, 'allow', { resources: { names: [`n${n}`] } }));
    const explanation = about({ rules }, setMemory);
    expect(explanationText(explanation)).toContain('and 4 more');
    expect(explanationText(explanation, true).match(/fails:/g)).toHaveLength(14);
  });

  test('cannot be steered by what the policy and the call say', () => {
    const hostileRule = rule('it', 'deny', { description: 'clear\u001b[2J', resources: { names: ['other'] } });
    const text = explanationText(
      about({ rules: [hostileRule] }, { ...setMemory, resource: { name: 'a\u001b[31m\nb' } }),
    );
    expect(text).toContain('clear\\x1b[2J');
    expect(text).toContain('is `a\\x1b[31m\\x0ab`');
  });
});
