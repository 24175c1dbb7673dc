// polkit rules against the policies that they become: the rules themselves run in a JavaScript of their own, and both are
// asked about every permission, on several guests, by several users, through several drivers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { functions, permissions } from '../../src/generated/api.js';
import { checkPolicy } from '../../src/policy/check.js';
import { compilePolicy } from '../../src/policy/compile.js';
import { evaluateAll, type Request } from '../../src/policy/evaluate.js';
import { type ImportedPolicy, importPolkitRules } from '../../src/policy/import_polkit.js';
import { loadPolicy } from '../../src/policy/load.js';
import { ROOT } from '../support/paths.js';

interface Subject {
  readonly user: string;
  readonly uid: number;
  readonly groups: readonly string[];
}

const gids: Readonly<Record<string, number>> = { operators: 2001, admins: 2002 };
const subjects: readonly Subject[] = [
  { user: 'alice', uid: 1001, groups: [] },
  { user: 'alice', uid: 1001, groups: ['operators'] },
  { user: 'bob', uid: 1002, groups: ['operators', 'admins'] },
  { user: 'carol', uid: 1003, groups: ['admins'] },
  { user: 'carol', uid: 1003, groups: [] },
];
const uuid = '6695eb01-f6a4-8304-79aa-97f2502e193f';
const things = [
  { name: 'demo', uuid },
  { name: 'web-1', uuid: 'a665eb01-f6a4-8304-79aa-97f2502e193f' },
  { name: 'prod-web-1', uuid: 'b665eb01-f6a4-8304-79aa-97f2502e193f' },
  { name: 'web', uuid: 'c665eb01-f6a4-8304-79aa-97f2502e193f' },
];
const drivers = { QEMU: 'qemu', LXC: 'lxc' };

/** What libvirt tells polkit about a thing of that kind. */
function detailsOf(kind: string, thing: (typeof things)[number], driver: string): Record<string, string> {
  const { name, uuid: id } = thing;
  const prefix =
    {
      'storage-pool': 'pool',
      'storage-vol': 'vol',
      'node-device': 'node_device',
      'nwfilter-binding': 'nwfilter_binding',
    }[kind] ?? kind;
  if (kind === 'connect') return { connect_driver: driver };
  if (kind === 'nwfilter-binding') return { connect_driver: driver, nwfilter_binding_portdev: name };
  if (kind === 'network-port') return { connect_driver: driver, network_name: 'default', port_uuid: id };
  if (kind === 'secret') return { connect_driver: driver, secret_uuid: id };
  const hasUuid = ['domain', 'network', 'storage-pool', 'nwfilter'].includes(kind);
  return { connect_driver: driver, [`${prefix}_name`]: name, ...(hasUuid && { [`${prefix}_uuid`]: id }) };
}

const byDefault = (id: string) =>
  id === 'org.libvirt.unix.monitor' ||
  (id !== 'org.libvirt.api.node-device.read' && /^org\.libvirt\.api\.(connect\.search-|.*\.(getattr|read)$)/.test(id));

/** polkit: the first rule that answers decides, and a rule that throws refuses. */
function polkit(text: string) {
  const rules: ((action: unknown, subject: unknown) => unknown)[] = [];
  const Result = {
    YES: 'yes',
    NO: 'no',
    AUTH_SELF: 'auth_self',
    AUTH_ADMIN: 'auth_admin',
    AUTH_ADMIN_KEEP: 'auth_admin_keep',
    NOT_HANDLED: null,
  };
  const host = {
    addRule: (rule: (typeof rules)[number]) => rules.push(rule),
    addAdminRule: () => undefined,
    log: () => undefined,
    Result,
  };
  runInContext(text, createContext({ polkit: host }));
  return (id: string, details: Record<string, string>, { user, groups }: Subject): boolean => {
    const action = { id, lookup: (name: string) => details[name] };
    const subject = { user, groups, isInGroup: (group: string) => groups.includes(group), local: true, active: true };
    for (const rule of rules) {
      try {
        const answer = rule(action, subject);
        if (answer) return answer === 'yes';
      } catch {
        return false;
      }
    }
    return byDefault(id);
  };
}

// A function that needs this permission and no other, on a thing of its kind.
function functionFor(permission: string): string | undefined {
  const kind = permission.split('.')[0];
  return functions.find(
    ({ checks, object }) =>
      checks.length === 1 &&
      checks[0]?.permission === permission &&
      checks[0].condition === 'Always' &&
      (object === kind || kind === 'connect'),
  )?.name;
}

const tried = permissions.flatMap((permission) => {
  const name = functionFor(permission);
  return name === undefined ? [] : [{ permission, name }];
});

interface Asked {
  readonly request: Request;
  readonly permitted: boolean;
}

function askAll(text: string): Asked[] {
  const ask = polkit(text);
  return tried.flatMap(({ permission, name }) => {
    const kind = permission.split('.')[0] ?? '';
    return subjects.flatMap((subject) =>
      Object.entries(drivers).flatMap(([driver, scheme]) =>
        things.map((thing) => {
          const resource = kind === 'connect' ? { name: '', uuid: '' } : thing;
          return {
            request: {
              ...{ function: name, uid: subject.uid, gids: subject.groups.map((group) => gids[group] ?? 0), resource },
              connection: { uri: `${scheme}:///system`, readOnly: false },
            },
            permitted: ask(`org.libvirt.api.${permission}`, detailsOf(kind, thing, driver), subject),
          };
        }),
      ),
    );
  });
}

const importText = (text: string): ImportedPolicy => importPolkitRules([{ file: '50-test.rules', text }]);

const accounts: Readonly<Record<string, number>> = { alice: 1001, bob: 1002, carol: 1003, ...gids };

async function compiled(text: string): Promise<Uint8Array> {
  const { policy } = loadPolicy(text, 'p.json');
  const { image } = policy === undefined ? {} : await compilePolicy(policy, async (_database, name) => accounts[name]);
  if (image === undefined) throw new Error(`cannot be compiled: ${text}`);
  return image;
}

/** Where both disagree; `more` only where the policy permits what polkit does not. */
async function differences(text: string, imported = importText(text)) {
  const asked = askAll(text);
  const image = await compiled(imported.text);
  const decisions = evaluateAll(
    image,
    asked.map(({ request }) => request),
  );
  const wrong = asked.filter(({ permitted }, index) => (decisions[index]?.effect === 'allow') !== permitted);
  return { asked, wrong, more: wrong.filter(({ permitted }) => !permitted) };
}

const rule = (body: string, before = ''): string =>
  `${before}\npolkit.addRule(function(action, subject) {\n${body}\n});\n`;

test('nearly every permission is asked about', () => {
  expect(tried.length).toBeGreaterThan(80);
});

describe('the same answers', () => {
  const forms: Readonly<Record<string, string>> = {
    'one permission for one user, on one driver only': rule(`
      if (action.id == "org.libvirt.api.domain.getattr" && subject.user == "alice") {
        if (action.lookup("connect_driver") == 'QEMU') { return polkit.Result.YES; } else { return polkit.Result.NO; }
      }`),
    'one guest in one driver': rule(`
      if (action.id == "org.libvirt.api.domain.start" && subject.user == "bob") {
        if (action.lookup("connect_driver") == "LXC" && action.lookup("domain_name") == "demo") return polkit.Result.YES;
        return polkit.Result.NO;
      }`),
    'actions by their start, guests by a regular expression': rule(`
      if (action.id.indexOf("org.libvirt.api.domain.") === 0 && /^(web|prod)-/.test(action.lookup("domain_name"))
          && subject.isInGroup("operators")) return polkit.Result.YES;`),
    'nothing said': rule('if (action.id == "org.libvirt.api.domain.start") return polkit.Result.NOT_HANDLED;'),
    'a list of users, a switch of actions': rule(
      `
      if (admins.indexOf(subject.user) < 0) return undefined;
      switch (action.id) {
        case "org.libvirt.api.domain.start":
        case "org.libvirt.api.domain.stop":
          return polkit.Result.YES;
        case "org.libvirt.api.domain.read":
          return polkit.Result.NO;
        default:
          break;
      }`,
      'var admins = ["alice", "carol"];',
    ),
    'a helper function, early returns, negations': rule(
      `
      if (!isGuest(action)) return;
      if (!(subject.isInGroup("admins") || subject.user === "alice")) return polkit.Result.NO;
      var name = action.lookup("domain_name");
      if (name.indexOf("prod-") === 0) return polkit.Result.NO;
      return polkit.Result.YES;`,
      'function isGuest(action) { return action.id.substr(0, 23) === "org.libvirt.api.domain."; }',
    ),
    'the first rule decides': `${rule('if (subject.user == "alice" && action.id == "org.libvirt.api.network.stop") return polkit.Result.NO;')}
      ${rule('if (subject.isInGroup("operators") && action.id.match(/^org\\.libvirt\\.api\\.network\\./)) return polkit.Result.YES;')}`,
    'by table and by end': rule(
      'if (table[action.id]) return action.lookup("domain_name").endsWith("-1") ? polkit.Result.YES : polkit.Result.NO;',
      'const table = { "org.libvirt.api.domain.start": true, "org.libvirt.api.domain.reset": 1 };',
    ),
    'any of several prefixes': rule(`
      var allowed = false;
      ["web-", "prod-"].some(function (prefix) { return allowed; });
      for (var i = 0; i < 2; i++) {
        if (action.id == "org.libvirt.api.domain.suspend" && action.lookup("domain_name").startsWith(["web-", "dem"][i])) allowed = true;
      }
      if (allowed) return polkit.Result.YES;`),
    'by uuid, and all but one': rule(`
      if (action.id == "org.libvirt.api.domain.stop") return action.lookup("domain_uuid") == "${uuid}" ? "yes" : "no";
      if (action.id == "org.libvirt.api.domain.reset" && action.lookup("domain_name") != "demo") return polkit.Result.YES;`),
    'pools, volumes, secrets, devices': rule(`
      if (action.id.indexOf("storage-vol") < 0 && action.lookup("pool_name") == "demo") return polkit.Result.YES;
      if (action.id == "org.libvirt.api.storage-vol.delete" && action.lookup("vol_name") == "web") return polkit.Result.YES;
      if (action.id == "org.libvirt.api.secret.read-secure" && action.lookup("secret_uuid") == "${uuid}") return polkit.Result.YES;
      if (action.lookup("node_device_name") == "web") return polkit.Result.YES;`),
    'what throws is refused': rule(
      'if (action.id != "org.libvirt.api.secret.read") return action.lookup("domain_name").length > 0 ? "no" : "no";',
    ),
    'a word that polkit does not know': rule('if (action.id == "org.libvirt.api.domain.read") return "maybe";'),
    'a misspelt result is none': rule('if (action.id == "org.libvirt.api.domain.start") return polkit.Result.Yes;'),
    'groups by name': rule(
      'if (action.id == "org.libvirt.api.domain.start" && subject.groups.indexOf("admins") !== -1) return polkit.Result.YES;',
    ),
    'both ways the same': rule(`
      if (subject.active) { if (action.id == "org.libvirt.api.domain.start") return polkit.Result.YES; }
      else if (action.id == "org.libvirt.api.domain.start") return polkit.Result.YES;`),
  };

  test.each(Object.entries(forms))('%s', async (_title, text) => {
    const imported = importText(text);
    const { asked, wrong } = await differences(text, imported);
    expect(wrong).toEqual([]);
    expect(asked.length).toBeGreaterThan(3000);
    expect(imported.notes).toEqual([]);
    const { policy, diagnostics } = loadPolicy(imported.text, 'p.json');
    expect(diagnostics).toEqual([]);
    expect(policy && checkPolicy(policy).filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  test('random rules', async () => {
    const literal = fc.constantFrom(
      ...[
        'subject.user == "alice"',
        'subject.user != "bob"',
        'subject.isInGroup("operators")',
        '!subject.isInGroup("admins")',
      ],
      ...[
        'action.lookup("connect_driver") == "QEMU"',
        'action.lookup("domain_name") == "demo"',
        'action.lookup("domain_name") !== "web-1"',
      ],
      ...['(action.lookup("domain_name") || "").indexOf("web") == 0', '["alice", "bob"].indexOf(subject.user) >= 0'],
      ...[
        'action.id == "org.libvirt.api.domain.start"',
        'action.id.indexOf("org.libvirt.api.domain.") == 0',
        '/\\.read$/.test(action.id)',
      ],
    );
    const condition = fc.letrec<{ any: string }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        literal,
        fc
          .tuple(tie('any'), fc.constantFrom('&&', '||'), tie('any'))
          .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
        tie('any').map((inner) => `!(${inner})`),
      ),
    })).any;
    const result = fc.constantFrom('YES', 'NO', 'NOT_HANDLED');
    const statement = fc.letrec<{ one: string }>((tie) => ({
      one: fc.oneof(
        { maxDepth: 2 },
        result.map((word) => `return polkit.Result.${word};`),
        fc.tuple(condition, tie('one')).map(([test, then]) => `if (${test}) { ${then} }`),
        fc
          .tuple(condition, tie('one'), tie('one'))
          .map(([test, then, rest]) => `if (${test}) { ${then} } else { ${rest} }`),
      ),
    })).one;
    const rules = fc.array(fc.array(statement, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(rules, async (bodies) => {
        const text = `// org.libvirt\nvar of = "org.libvirt.api";${bodies.map((body) => rule(body.join('\n'))).join('')}`;
        const imported = importText(text);
        const { wrong, more } = await differences(text, imported);
        expect(more).toEqual([]);
        if (imported.notes.length === 0) expect(wrong).toEqual([]);
      }),
      { numRuns: 60, seed: 20261123 },
    );
  });
});

describe('what cannot be said is refused and told', () => {
  test.each([
    [
      'subject.local',
      'if (subject.local && action.id == "org.libvirt.api.domain.start") return polkit.Result.YES;',
      2,
      '`subject.local`',
    ],
    [
      'a netgroup',
      'if (action.id == "org.libvirt.api.domain.start" && subject.isInNetGroup("x")) return polkit.Result.YES;',
      2,
      'isInNetGroup',
    ],
    [
      'users by a pattern',
      'if (action.id == "org.libvirt.api.domain.start" && /^a/.test(subject.user)) return polkit.Result.YES;',
      2,
      'whole texts',
    ],
    [
      'a regular expression that is none of globs',
      'if (action.id == "org.libvirt.api.domain.start" && /^web-[0-9]+$/.test(action.lookup("domain_name"))) return polkit.Result.YES;',
      2,
      'regular expression',
    ],
    [
      'two groups at once',
      'if (subject.isInGroup("admins") && subject.isInGroup("operators") && action.id == "org.libvirt.api.domain.stop") return polkit.Result.YES;',
      2,
      'two groups',
    ],
    [
      'another program',
      'if (action.id == "org.libvirt.api.domain.start") { polkit.spawn(["x"]); throw 1; } if (polkit.spawn(["y"])) return polkit.Result.YES;',
      2,
      'polkit.spawn',
    ],
    [
      'try',
      'try { if (action.id == "org.libvirt.api.domain.start") return polkit.Result.YES; } catch (e) { }',
      2,
      'try statement',
    ],
    [
      'a counter',
      'calls++; if (calls < 3 && action.id == "org.libvirt.api.domain.start") return polkit.Result.YES;',
      2,
      'changes `calls`',
    ],
  ])('%s', async (_title, body, line, message) => {
    const text = rule(body, 'var calls = 0;').replace(/^var calls = 0;\n/, 'var calls = 0;');
    const imported = importText(text);
    expect(imported.notes).toContainEqual(
      expect.objectContaining({
        file: '50-test.rules',
        line,
        leftOut: true,
        message: expect.stringContaining(message),
      }),
    );
    expect((await differences(text.replace('isInNetGroup', 'isInGroup'), imported)).more).toEqual([]);
  });

  test('passwords that nobody can be asked for', async () => {
    const text = rule('if (action.id == "org.libvirt.api.domain.start") return polkit.Result.AUTH_ADMIN;');
    const imported = importText(text);
    expect(imported.notes).toEqual([
      expect.objectContaining({ leftOut: true, message: expect.stringContaining('password') }),
    ]);
    expect((await differences(text, imported)).wrong).toEqual([]);
  });

  test('what is not libvirt, not JavaScript, or done outside of all rules', () => {
    const attempt = (text: string) => () => importText(text);
    expect(attempt(rule('if (action.id == "org.freedesktop.login1.reboot") return "yes";'))).toThrow(
      /speaks of libvirt/,
    );
    expect(attempt('polkit.addRule(function(action, subject) { if (action.id == "org.libvirt.api" {} });')).toThrow(
      /50-test\.rules:1:\d+: unexpected token/,
    );
    expect(attempt(`if (Math.random() > 0.5) ${rule('return "yes"; // x')} var x = "org.libvirt.api";`)).toThrow(
      /cannot be followed outside of a rule/,
    );
  });
});

test('the example of the documents', async () => {
  const text = readFileSync(join(ROOT, 'docs/policy-tools.md'), 'utf8').split('## import-polkit')[1] ?? '';
  const [rules = '', json = ''] = [/```js\n(.*?)```/s, /```json\n(.*?)```/s].map((block) => block.exec(text)?.[1]);
  const imported = importPolkitRules([{ file: '50-libvirt.rules', text: rules }]);
  expect(imported.notes).toEqual([]);
  expect((JSON.parse(imported.text) as { rules: unknown[] }).rules).toContainEqual(JSON.parse(json));
  expect((await differences(rules, imported)).wrong).toEqual([]);
});

describe('who may connect', () => {
  const open = (
    name: string,
    uid: number,
    groups: readonly number[],
    readOnly: boolean,
    uri = 'qemu:///system',
  ): Request => ({
    ...{ function: name, uid, gids: groups, connection: { uri, readOnly } },
  });

  test('rules about connections alone: all for those who may manage, reading for all', async () => {
    const imported = importText(
      rule('if (action.id == "org.libvirt.unix.manage" && subject.isInGroup("operators")) return polkit.Result.YES;'),
    );
    expect(imported.notes).toEqual([]);
    const image = await compiled(imported.text);
    const effects = (...requests: Request[]) => evaluateAll(image, requests).map(({ effect }) => effect);
    const destroy = (groups: readonly number[], readOnly: boolean) => open('virDomainDestroy', 1001, groups, readOnly);
    expect(effects(open('virConnectOpen', 1001, [2001], false), destroy([2001], false))).toEqual(['allow', 'allow']);
    expect(effects(open('virConnectOpen', 1001, [], false), destroy([], false))).toEqual(['deny', 'deny']);
    expect(effects(open('virConnectOpenReadOnly', 1001, [], true), open('virDomainGetInfo', 1001, [], true))).toEqual([
      'allow',
      'allow',
    ]);
    expect(effects(open('virConnectOpen', 1001, [2001], false, 'qemu+tls://h/system'))).toEqual(['deny']);
  });

  test('rules about connections and calls: no connection for whom the socket would not let in', async () => {
    const text = rule(`
      if (action.id == "org.libvirt.unix.manage") return subject.isInGroup("operators") ? polkit.Result.YES : polkit.Result.NO;
      if (action.id == "org.libvirt.api.domain.start") return polkit.Result.YES;`);
    const image = await compiled(importText(text).text);
    const effects = (...requests: Request[]) => evaluateAll(image, requests).map(({ effect }) => effect);
    expect(effects(open('virConnectOpen', 1001, [2001], false), open('virConnectOpenAuth', 1001, [], false))).toEqual([
      'allow',
      'deny',
    ]);
    expect(effects(open('virConnectOpenReadOnly', 1001, [], true), open('virDomainCreate', 1001, [], false))).toEqual([
      'allow',
      'allow',
    ]);
  });
});
