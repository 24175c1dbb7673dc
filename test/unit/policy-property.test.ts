// The compiler and the native evaluator against the reference, over random policies and calls.
// VIRTSHIM_PROPERTY_RUNS raises the number of rounds, in each of which some policies are asked about some calls.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ApiFunction } from '../../src/generated/api.js';
import { type NativeRequest, native } from '../../src/native.js';
import { writeImage } from '../../src/policy/compile.js';
import type { PolicyDocument, RuleDocument } from '../../src/policy/document.js';
import { loadPolicy } from '../../src/policy/load.js';
import { transitionsOf } from '../../src/policy/time_zones.js';
import { globMatches, judge, sampleFunctions } from './policy_reference.js';

const runs = Number(process.env.VIRTSHIM_PROPERTY_RUNS ?? 240);
const policiesOfEach = 10;
const callsOfEach = 42;

// Few letters, so that globs and names meet.
const name = fc.string({ unit: fc.constantFrom('a', 'b', '*', '\\'), minLength: 1, maxLength: 5 });
const glob = fc
  .array(fc.constantFrom('a', 'b', 'ab', '*', '?', '\\*', '\\\\', 'aa'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(''));
const longName = fc.integer({ min: 62, max: 67 }).map((length) => 'n'.repeat(length));
const wildcard = fc.constantFrom('', '*', '?');
const longGlob = fc.tuple(wildcard, longName, wildcard).map((parts) => parts.join(''));
const suffixGlob = fc
  .tuple(fc.constantFrom('*', '?', 'a*', '*?', '*\\?*'), fc.constantFrom('a', 'b', 'ab', 'bb', 'aab', '\\*', '\\\\'))
  .map((parts) => parts.join(''));
const uuid = fc.constantFrom('6695eb01-f6a4-8304-79aa-97f2502e193f', '00000000-0000-0000-0000-00000000000a');
const longUri = `qemu+ssh://${'h'.repeat(60)}/system`;
const uri = fc.constantFrom('test:///default', 'qemu:///system', 'qemu:///session', 'qemu+ssh://h/system', longUri);
const uriGlob = fc.oneof(
  uri,
  fc.constantFrom('*', 'qemu*', 'qemu:*', 'qemu+ssh://*', 'test:///d*', '*/system', '*system', '*n', '*:///s?ss*n'),
  fc.constantFrom('q*m', '?est:///default', `*h${'h'.repeat(64)}/system`, `*${longUri}`, `${longUri}*`, `${longUri}/`),
);
const driver = fc.constantFrom('test', 'qemu', 'lxc');
const gid = fc.integer({ min: 1, max: 4 });
const uid = fc.integer({ min: 0, max: 4 });
const kind = fc.constantFrom('connect', 'domain', 'network', 'secret', 'stream', 'storage-vol', 'network-port');

const action = fc.oneof(
  fc.constantFrom(
    '*',
    'read',
    'connect',
    'events',
    'control',
    'config',
    'resource',
    'guest-access',
    'secret',
    'stream',
  ),
  fc.constantFrom('domain.stop', 'domain.write', 'domain.save', 'domain.read-secure', 'domain.*', '*.getattr', '*.*'),
  fc.constantFrom('virDomain*', 'virDomainDestroy?lags', 'virDomain*X*', 'vir*'),
  fc.constantFrom(...sampleFunctions.map((fn) => fn.name)),
);

const number = fc.oneof(fc.integer({ min: -2, max: 9 }), fc.constantFrom(2 ** 31, -(2 ** 31), 2 ** 40));
const bits = fc.uniqueArray(fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constant('VIR_DOMAIN_AFFECT_CONFIG')), {
  minLength: 1,
  maxLength: 2,
});
const numeric = fc.oneof(
  fc.record({ less: number, greater: number, lessOrEqual: number, greaterOrEqual: number }, { requiredKeys: [] }),
  fc.record({ equal: fc.oneof(number, fc.constant('VIR_DOMAIN_AFFECT_LIVE')) }),
  fc.record({ notEqual: number, hasAll: bits }, { requiredKeys: ['notEqual'] }),
  fc.record({ hasAny: bits, hasNone: bits }, { requiredKeys: ['hasNone'] }),
);
const textual = fc.record({ glob, equal: name, notEqual: name }, { requiredKeys: [] });
const nonEmpty = <T extends object>(arbitrary: fc.Arbitrary<T>) => arbitrary.filter((o) => Object.keys(o).length > 0);
const plainArgs = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: nonEmpty(numeric).map((flags) => ({ flags })) },
  { weight: 1, arbitrary: nonEmpty(numeric).map((memory) => ({ memory })) },
  { weight: 1, arbitrary: nonEmpty(textual).map((text) => ({ name: text })) },
  { weight: 1, arbitrary: fc.tuple(nonEmpty(numeric), nonEmpty(numeric)).map(([flags, type]) => ({ flags, type })) },
);
const equality = fc.oneof(
  number.map((equal) => ({ flags: { equal } })),
  number.map((equal) => ({ memory: { equal } })),
  fc.tuple(number, number).map(([flags, vcpu]) => ({ flags: { equal: flags }, vcpu: { equal: vcpu } })),
  fc.oneof(name, glob).map((equal) => ({ name: { equal } })),
  fc.oneof(glob, suffixGlob).map((one) => ({ name: { glob: one } })),
  fc
    .oneof(
      uuid,
      uuid.map((one) => `${one.slice(0, 9)}*`),
      uuid.map((one) => `*${one.slice(30)}`),
    )
    .map((one) => ({
      uuid: { glob: one },
    })),
);

const parameterTest = fc.oneof(
  nonEmpty(numeric).map((one) => ({ 'params.cpu_shares': one })),
  nonEmpty(numeric).map((one) => ({ 'params.*_sec': one })),
  nonEmpty(textual).map((one) => ({ 'params.group_name': one })),
  fc.tuple(nonEmpty(numeric), nonEmpty(numeric)).map(([a, b]) => ({ 'params.cpu_*': a, flags: b })),
);
const oneOf = (comparison: object) => Object.fromEntries(Object.entries(comparison).slice(0, 1));
const negatedArgs = fc
  .oneof(
    nonEmpty(numeric).map((one) => ({ flags: oneOf(one) })),
    nonEmpty(textual).map((one) => ({ name: oneOf(one) })),
    nonEmpty(numeric).map((one) => ({ 'params.*_sec': oneOf(one) })),
    nonEmpty(textual).map((one) => ({ 'params.group_name': oneOf(one) })),
  )
  .map((not) => ({ not }));
const args = fc.oneof(
  { weight: 6, arbitrary: plainArgs },
  { weight: 2, arbitrary: parameterTest },
  { weight: 1, arbitrary: negatedArgs },
  { weight: 1, arbitrary: fc.tuple(parameterTest, negatedArgs).map(([one, not]) => ({ ...one, ...not })) },
);

const list = <T>(item: fc.Arbitrary<T>, maxLength = 3) => fc.uniqueArray(item, { minLength: 1, maxLength });
const part = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  nonEmpty(fc.record(fields, { requiredKeys: [] }));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

const nameGlob = fc.oneof(glob, longGlob, suffixGlob);
const path = fc.oneof(glob, suffixGlob).map((one) => (/^[*?]/.test(one) ? one : `/${one}`));
const auid = fc.constantFrom<number | 'unset'>(0, 1, 2, 'unset');
const transport = fc.constantFrom('in-process', 'unix', 'tls', 'ssh');
const host = fc.constantFrom('', 'h', 'h.example', 'other');
const hostGlob = fc.constantFrom('h', '*.example', 'h*', '?*', '*', 'OTHER');
const subjectLists = {
  uids: list(uid),
  groups: list(gid.map((id) => `group${id}`)),
  auids: list(auid),
  executables: list(path),
  commands: list(glob),
  terminals: list(fc.oneof(glob, suffixGlob)),
  labels: list(glob),
  actors: list(nameGlob),
};
const connectionLists = {
  uris: list(uriGlob),
  drivers: list(driver),
  transports: list(transport),
  hosts: list(hostGlob),
  readOnly: fc.boolean(),
};
const resourceLists = { kinds: list(kind), names: list(nameGlob), uuids: list(uuid) };
const monitorLists = { commands: list(glob) };
const withNot = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  nonEmpty(
    fc
      .tuple(fc.record(fields, { requiredKeys: [] }), fc.option(part(fields), { nil: undefined, freq: 2 }))
      .map(([plain, not]) => (not === undefined ? plain : { ...plain, not })),
  );

const xpath = fc.constantFrom('//a', 'count(//b) = 1', "//c[@d = 'e']");
const factTests = {
  'disk-source': nonEmpty(textual),
  'disk-encrypted': fc.boolean().map((equal) => ({ equal })),
  hostdev: nonEmpty(numeric),
  memory: nonEmpty(numeric),
};
const negatedTests = {
  'disk-source': factTests['disk-source'].map(oneOf),
  'disk-encrypted': factTests['disk-encrypted'],
  hostdev: factTests.hostdev.map(oneOf),
};
const xmlTests = nonEmpty(
  fc
    .tuple(
      fc.record({ ...factTests, xpath: list(xpath) }, { requiredKeys: [] }),
      fc.option(part({ ...negatedTests, xpath: list(xpath) }), { nil: undefined, freq: 2 }),
    )
    .map(([tests, not]) => (not === undefined ? tests : { ...tests, not })),
);

const zone = fc.constantFrom(...['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata'].filter(transitionsOf));
const clock = fc.constantFrom('00:00', '05:59', '06:00', '12:30', '22:00', '23:59');
const dayNames = fc.constantFrom('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun');
const times = list(
  fc
    .record({ zone, days: list(dayNames), from: clock, to: clock }, { requiredKeys: ['zone'] })
    .filter(({ from = '00:00', to = '24:00' }) => from !== to),
  2,
);
const rate = fc.record({ calls: fc.constant(3), seconds: fc.constant(60), per: fc.constantFrom('subject', 'host') });
// Rules that ask for everything at once hold for no call.
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const anyRule = fc
  .record({
    effect: fc.constantFrom<'allow' | 'deny'>('allow', 'deny'),
    mode: rarely(fc.constantFrom('permissive', 'disabled')),
    actions: list(action),
    subjects: maybe(withNot(subjectLists)),
    connections: maybe(withNot(connectionLists)),
    resources: maybe(withNot(resourceLists)),
    monitor: rarely(withNot(monitorLists)),
    xml: rarely(xmlTests),
    times: rarely(times),
    rate: rarely(rate),
    require: rarely(fc.constant(['reason'])),
    arguments: args,
  })
  // What the loader refuses.
  .map(({ require, mode, ...rest }) => ({
    ...rest,
    ...(rest.effect === 'allow' ? { require } : {}),
    ...(rest.effect === 'deny' || mode === 'disabled' ? { mode } : {}),
  }));

// On one thing only: many such rules share a key of the index, and their literals meet in it.
const condition = fc.oneof(
  list(uid).map((uids) => ({ subjects: { uids } })),
  list(nameGlob).map((names) => ({ resources: { names } })),
  list(uuid).map((uuids) => ({ resources: { uuids } })),
  list(uriGlob).map((uris) => ({ connections: { uris } })),
  list(driver).map((drivers) => ({ connections: { drivers } })),
  ...Object.entries(subjectLists).map(([key, values]) =>
    (values as fc.Arbitrary<unknown>).map((one) => ({ subjects: { [key]: one } })),
  ),
  list(hostGlob).map((hosts) => ({ connections: { hosts } })),
  list(transport).map((transports) => ({ connections: { transports } })),
  list(glob).map((commands) => ({ monitor: { commands } })),
  withNot(resourceLists).map((resources) => ({ resources })),
  withNot(subjectLists).map((subjects) => ({ subjects })),
  xmlTests.map((xml) => ({ xml })),
  parameterTest.map((one) => ({ arguments: one })),
  negatedArgs.map((one) => ({ arguments: one })),
  times.map((windows) => ({ times: windows })),
  rate.map((one) => ({ rate: one })),
  fc.tuple(list(uriGlob), list(nameGlob)).map(([uris, names]) => ({ connections: { uris }, resources: { names } })),
  equality.map((one) => ({ arguments: one })),
);
const narrowEffect = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<object>({ effect: 'allow' }, { effect: 'deny' }) },
  { weight: 1, arbitrary: fc.constant<object>({ effect: 'deny', mode: 'permissive' }) },
);
const narrowRule = fc
  .tuple(narrowEffect, list(action), condition)
  .map(([head, actions, rest]) => ({ ...head, actions, ...rest }));
const reasonRule = fc
  .tuple(list(action), maybe(condition))
  .map(([actions, rest]) => ({ effect: 'allow', actions, require: ['reason'], ...rest }));
const rule = fc.oneof(
  { weight: 3, arbitrary: anyRule },
  { weight: 3, arbitrary: narrowRule },
  { weight: 1, arbitrary: reasonRule },
);

const effect = fc.constantFrom<'allow' | 'deny'>('allow', 'deny');
const policyDocument = fc.record({
  defaults: fc.record({ '*': effect, read: effect, secret: effect, control: effect }, { requiredKeys: [] }),
  rules: fc.array(rule, { maxLength: 14 }),
});

const parameters = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom('cpu_shares', 'total_bytes_sec', 'read_iops_sec'), fc.oneof(number, fc.constant(2.5))),
    fc.tuple(fc.constantFrom('cpu_shares'), fc.constantFrom(2n ** 64n - 1n, true, 'a')),
    fc.tuple(fc.constant('group_name'), name),
  ),
  { maxLength: 3 },
);
const xml = fc.option(
  fc.record(
    {
      facts: fc.record(
        {
          'disk-source': fc.array(name, { maxLength: 3 }),
          'disk-encrypted': fc.array(fc.boolean(), { maxLength: 2 }),
          hostdev: fc.array(number, { maxLength: 2 }),
          memory: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 1 }),
        },
        { requiredKeys: [] },
      ),
      xpath: fc.dictionary(xpath, fc.boolean(), { maxKeys: 3 }),
    },
    { requiredKeys: ['facts', 'xpath'] },
  ),
  { freq: 4 },
);
const connection = fc
  .record({ uri, driver, transport, host, readOnly: fc.boolean() }, { requiredKeys: [] })
  // What is left out is read from the URI where there is one.
  .map(({ uri: of, ...rest }) => (Object.keys(rest).length < 4 ? rest : { uri: of, ...rest }));
const caller = {
  uid,
  gids: fc.array(gid, { maxLength: 2 }),
  auid: fc.constantFrom(0, 1, 2, 0xffffffff),
  executable: fc.oneof(name, suffixGlob).map((one) => `/${one}`),
  command: name,
  terminal: fc.oneof(name, fc.constant('')),
  label: name,
  actor: name,
  reason: fc.constantFrom('', 'why'),
  monitorCommand: name,
  time: fc.oneof(fc.integer({ min: 0, max: 2 ** 31 }), fc.constantFrom(0, 86399, 1_711_846_800, 1_711_850_400)),
  rateReached: fc.boolean(),
};

function requestOf(fn: ApiFunction): fc.Arbitrary<NativeRequest> {
  const values: Record<string, fc.Arbitrary<unknown>> = {};
  for (const arg of fn.args) {
    if (arg.type === 'Int' && arg.name !== 'nparams') values[arg.name] = fc.integer({ min: -3, max: 9 });
    if (arg.type === 'UInt') values[arg.name] = fc.oneof(fc.integer({ min: 0, max: 15 }), fc.constant(0xffffffff));
    if (arg.type === 'ULong' || arg.type === 'ULongLong')
      values[arg.name] = fc.constantFrom(0n, 5n, 2n ** 40n, 2n ** 64n - 1n);
    if (arg.type === 'String' && arg.name !== 'cmd') values[arg.name] = fc.option(name);
    if (arg.type === 'Uuid') values[arg.name] = uuid;
    if (arg.type === 'TypedParams') values[arg.name] = parameters;
  }
  const resource = fc.record(
    {
      kind,
      name: fc.oneof(
        name,
        longName,
        longName.map((text) => `a${text}`),
      ),
      uuid,
    },
    { requiredKeys: [] },
  );
  return fc
    .record(
      {
        function: fc.constant(fn.name),
        arguments: fc.record(values, { requiredKeys: [] }),
        ...caller,
        connection,
        resource,
        xml,
        nested: fc.boolean(),
      },
      { requiredKeys: ['function', 'arguments', 'uid', 'gids', 'connection', 'resource', 'xml'] },
    )
    .map((asked) => asked as NativeRequest);
}

const request = fc.constantFrom(...sampleFunctions).chain(requestOf);

/** The document as text gives it: ids added, what is undefined left out. */
function finish(draft: { defaults: object; rules: readonly object[] }): PolicyDocument {
  const rules = draft.rules.map((one, index) => ({ id: `r${index}`, ...one }) as RuleDocument);
  return JSON.parse(JSON.stringify({ name: 'random', defaults: draft.defaults, rules })) as PolicyDocument;
}

/** The policy without the rules that the loader refuses: those whose functions lack the arguments. */
function acceptable(document: PolicyDocument): { document: PolicyDocument; image: Uint8Array } {
  const groups = new Map([1, 2, 3, 4].map((id) => [`group${id}`, id]));
  const { policy, diagnostics } = loadPolicy(JSON.stringify(document), 'random.json');
  if (policy !== undefined) return { document, image: writeImage(policy, { users: new Map(), groups }) };
  const refused = new Set(diagnostics.map(({ pointer }) => Number(pointer.split('/')[2])));
  for (const { code } of diagnostics) expect(['unknown-argument', 'never-matches']).toContain(code);
  return acceptable({ ...document, rules: (document.rules ?? []).filter((_, index) => !refused.has(index)) });
}

interface Seen {
  allow: number;
  deny: number;
  byRule: number;
  byPermission: number;
  wouldDeny: number;
  reasonMissing: number;
}

function compare(draft: PolicyDocument, requests: readonly NativeRequest[], seen: Seen): void {
  const { document, image } = acceptable(draft);
  const decisions = native().decideAll(image, requests);
  for (const [index, asked] of requests.entries()) {
    const expected = judge(document, asked);
    const basis = expected.rule === null ? 'default' : 'rule';
    expect({ asked, ...decisions[index] }).toEqual({ asked, ...expected, basis });
    seen[expected.effect]++;
    seen.byRule += expected.rule === null ? 0 : 1;
    seen.byPermission += expected.permission === null ? 0 : 1;
    seen.wouldDeny += expected.wouldDeny === null ? 0 : 1;
    seen.reasonMissing += expected.reasonMissing ? 1 : 0;
  }
}

describe('native decisions', () => {
  test(
    `equal the reference's for ${runs * policiesOfEach * callsOfEach} random policies and calls`,
    () => {
      const seen: Seen = { allow: 0, deny: 0, byRule: 0, byPermission: 0, wouldDeny: 0, reasonMissing: 0 };
      const policies = fc.array(policyDocument.map(finish), { minLength: policiesOfEach, maxLength: policiesOfEach });
      const requests = fc.array(request, { minLength: callsOfEach, maxLength: callsOfEach });
      fc.assert(
        fc.property(policies, requests, (drafts, asked) => {
          for (const draft of drafts) compare(draft, asked, seen);
        }),
        { numRuns: runs },
      );
      // The generator must not drift into policies that decide nothing.
      for (const [what, count] of Object.entries(seen)) expect([what, count > runs]).toEqual([what, true]);
    },
    120_000 + 500 * runs,
  );

  test('never refuse what mayRefuse excludes', () => {
    fc.assert(
      fc.property(policyDocument.map(finish), request, (draft, asked) => {
        const { image } = acceptable(draft);
        const about = native().functionPolicy(image, asked.function);
        const refusable = asked.nested === true ? about.mayRefuseNested : about.mayRefuse;
        const { effect } = native().decide(image, asked);
        expect(refusable || effect === 'allow').toBe(true);
      }),
      { numRuns: runs },
    );
  });
});

// Each call takes the lists of all keys together; what is beyond the last key is looked at one by one.
test('more kinds of conditions than a group has keys', () => {
  const conditions: Omit<RuleDocument, 'id' | 'effect' | 'actions'>[] = [
    { subjects: { uids: [7] } },
    { resources: { names: ['*-web'] } },
    { resources: { uuids: ['6695eb01-f6a4-8304-79aa-97f2502e193f'] } },
    { connections: { drivers: ['qemu'] } },
    { connections: { uris: ['qemu+ssh://*'] } },
    { arguments: { flags: { equal: 3 } } },
    { arguments: { bandwidth: { equal: 100 } } },
    { arguments: { dname: { equal: 'other' } } },
    { arguments: { uri: { glob: 'tcp:*' } } },
  ];
  const none = { uid: 1, arguments: {}, connection: { uri: 'test:///default', driver: 'test', readOnly: false } };
  const resource = { name: 'db', uuid: '00000000-0000-0000-0000-00000000000a' };
  const calls: Omit<NativeRequest, 'function'>[] = [
    { uid: 7 },
    { resource: { ...resource, name: 'a-web' } },
    { resource: { ...resource, uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f' } },
    { connection: { ...none.connection, driver: 'qemu' } },
    { connection: { ...none.connection, uri: 'qemu+ssh://h/system' } },
    { arguments: { flags: 3 } },
    { arguments: { bandwidth: 100 } },
    { arguments: { dname: 'other' } },
    { arguments: { uri: 'tcp:h' } },
  ];
  const rules = conditions.map((one, index): RuleDocument => {
    return { id: `r${index}`, effect: 'deny', actions: ['virDomainMigrate'], ...one };
  });
  const document: PolicyDocument = { name: 'many', defaults: { '*': 'allow' }, rules };
  const requests = calls.map((call) => ({ function: 'virDomainMigrate', ...none, resource, ...call }));
  const { image } = acceptable(document);
  const found = native().decideAll(image, requests);
  expect(found.map(({ rule: id }) => id)).toEqual(rules.map(({ id }) => id));
  const nothing = { function: 'virDomainMigrate', ...none, resource };
  expect(native().decide(image, nothing).effect).toBe('allow');
});

test('native globs equal the definition', () => {
  const letters = fc.constantFrom('a', 'b', '*', '?', '\\', 'é');
  const text = fc.string({ unit: letters, maxLength: 9 });
  fc.assert(
    fc.property(
      fc.string({ unit: letters, minLength: 1, maxLength: 9 }),
      fc.array(text, { minLength: 20, maxLength: 20 }),
      (pattern, texts) => {
        const { policy } = loadPolicy(JSON.stringify(policyNaming(pattern)), 'glob.json');
        // The only glob that is refused.
        if (policy === undefined) return expect(pattern).toMatch(/\\$/);
        const image = writeImage(policy, { users: new Map(), groups: new Map() });
        const decisions = native().decideAll(
          image,
          texts.map((value) => ({ function: 'virDomainSuspend', resource: { name: value } })),
        );
        for (const [index, { effect }] of decisions.entries()) {
          const value = texts[index] ?? '';
          const asBytes = (string: string) => Buffer.from(string).toString('latin1');
          expect([pattern, value, effect === 'deny']).toEqual([
            pattern,
            value,
            globMatches(asBytes(pattern), asBytes(value)),
          ]);
        }
      },
    ),
    { numRuns: runs },
  );
});

function policyNaming(pattern: string): PolicyDocument {
  const resources = { names: [pattern] };
  return {
    name: 'glob',
    defaults: { '*': 'allow' },
    rules: [{ id: 'r', effect: 'deny', actions: ['domain.*'], resources }],
  };
}
