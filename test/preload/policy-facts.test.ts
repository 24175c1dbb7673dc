// What a policy may ask about a live call, through the real shim: who calls, where the connection leads, which command
// goes to a monitor. Each fact lets a call through and stops one, is unknown where it cannot be found out, and cannot
// be dodged by another spelling.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import type { RuleDocument } from '../../src/policy/document.js';
import { compileFixture, requireFixtures } from '../support/fixtures.js';
import { type Daemon, guestXml, makeImage, startDaemon, whyNoDaemon } from '../support/libvirtd.js';
import { temporaryFolder } from '../support/paths.js';
import { canMountPrivately, type Mount, withMounts } from '../support/private_mounts.js';
import {
  compileImage,
  imageFile,
  PRELOAD,
  permissiveExcept,
  readRecords,
  runBare,
  runShimmed,
  type ShimmedOutcome,
  type ShimOptions,
  shimEnvironment,
} from '../support/shim.js';
import { requireThat } from '../support/tools.js';

const test = requireFixtures();
const withMountsTest = requireThat(canMountPrivately, 'needs mounts of its own');

const accessDenied = 88;
const opened = 'open:test:///default';

interface Answer {
  step: string;
  value: number;
  code: number;
  message: string;
}

interface FactsRun extends ShimmedOutcome {
  answers: Answer[];
}

function program(): string {
  return compileFixture('facts.c', { flags: ['-lvirt', '-lvirt-qemu', '-lpthread', '-ldl'] });
}

function parse(stdout: string): Answer[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [step = '', value, code, message = ''] = line.split('\t');
      return { step, value: Number(value), code: Number(code), message };
    });
}

/** Takes the steps under a policy of these rules, which permits everything else. */
async function run(
  rules: readonly RuleDocument[],
  steps: readonly string[],
  options: ShimOptions & { mounts?: readonly Mount[]; program?: string } = {},
): Promise<FactsRun> {
  const policy = await imageFile(permissiveExcept(rules));
  const [command, args] = withMounts(options.mounts ?? [], options.program ?? program(), steps);
  const direct = options.mounts === undefined;
  const outcome = runShimmed(direct ? (options.program ?? program()) : command, direct ? steps : args, {
    policy,
    ...options,
  });
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  return { ...outcome, answers: parse(outcome.stdout) };
}

/** For each `ask`: whether it was let through. */
function asked(outcome: { answers: readonly Answer[] }): boolean[] {
  return outcome.answers
    .filter(({ step }) => step.startsWith('ask'))
    .map(({ value, code }) => {
      expect(code).toBe(value < 0 ? accessDenied : 0);
      return value >= 0;
    });
}

const ask = ['virConnectNumOfDomains'];

/** Refuses `ask` where the conditions hold. */
function denyAsking(conditions: Partial<RuleDocument>): RuleDocument[] {
  return [{ id: 'deny-it', effect: 'deny', actions: ask, ...conditions }];
}

/** Permits `ask` where the conditions hold, and only there. */
async function runAllowing(
  conditions: Partial<RuleDocument>,
  steps: readonly string[],
  options: ShimOptions = {},
): Promise<FactsRun> {
  const policy = await imageFile({
    name: 'test',
    audit: { netlink: false },
    rules: [
      { id: 'open', effect: 'allow', actions: ['connect', 'virDomainLookupByName'] },
      { id: 'allow-it', effect: 'allow', actions: ask, ...conditions },
    ],
  });
  const outcome = runShimmed(program(), steps, { policy, ...options });
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  return { ...outcome, answers: parse(outcome.stdout) };
}

describe('who calls', () => {
  test('the program: the whole path of its file, whatever it calls itself', async () => {
    const path = program();
    const subjects = { executables: [path] };
    expect(asked(await run(denyAsking({ subjects }), [opened, 'ask']))).toEqual([false]);
    expect(asked(await run(denyAsking({ subjects }), [opened, 'ask'], { argv0: '/usr/bin/virsh' }))).toEqual([false]);
    expect(asked(await run(denyAsking({ subjects: { executables: ['/usr/bin/virsh'] } }), [opened, 'ask']))).toEqual([
      true,
    ]);
    expect(asked(await runAllowing({ subjects }, [opened, 'ask']))).toEqual([true]);
    expect(asked(await runAllowing({ subjects: { executables: ['/usr/bin/*'] } }, [opened, 'ask']))).toEqual([false]);
  });

  test('the program: a link is not another program, one whose file was removed is not known', async () => {
    const folder = temporaryFolder('programs');
    symlinkSync(program(), join(folder, 'link'));
    const subjects = { executables: [program()] };
    expect(asked(await run(denyAsking({ subjects }), [opened, 'ask'], { program: join(folder, 'link') }))).toEqual([
      false,
    ]);
    const gone = join(folder, 'gone');
    const steps = `cp '${program()}' '${gone}'; exec 3<'${gone}'; rm '${gone}'; exec /proc/self/fd/3 ${opened} ask`;
    const policy = await imageFile(permissiveExcept(denyAsking({ subjects: { executables: ['/nowhere'] } })));
    const outcome = runShimmed('sh', ['-c', steps], { policy });
    expect(asked({ answers: parse(outcome.stdout) })).toEqual([false]);
  });

  test('its name, as it is at the time of the call', async () => {
    const steps = [opened, 'ask', 'comm:renamed', 'ask', 'comm:facts', 'ask'];
    expect(asked(await run(denyAsking({ subjects: { commands: ['renamed'] } }), steps))).toEqual([true, false, true]);
    expect(asked(await runAllowing({ subjects: { commands: ['renamed'] } }, steps))).toEqual([false, true, false]);
    expect(asked(await run(denyAsking({ subjects: { not: { commands: ['facts'] } } }), steps))).toEqual([
      true,
      false,
      true,
    ]);
  });

  test('its name is the process’s, whatever a thread calls itself', async () => {
    const steps = [opened, 'threads:left,right'];
    const { answers } = await run(denyAsking({ subjects: { commands: ['facts'] } }), steps);
    expect(answers.slice(1)).toMatchObject([
      { step: 'left', value: 0, code: 2000 },
      { step: 'right', value: 0, code: 2000 },
    ]);
  });

  test('its terminal, also one that it takes later', async () => {
    const steps = [opened, 'ask', 'terminal', 'ask'];
    expect(asked(await run(denyAsking({ subjects: { terminals: ['pts/*'] } }), steps))).toEqual([true, false]);
    expect(asked(await runAllowing({ subjects: { terminals: ['pts/*'] } }, steps))).toEqual([false, true]);
    expect(asked(await run(denyAsking({ subjects: { not: { terminals: ['pts/*'] } } }), steps))).toEqual([false, true]);
  });

  test('its login user', async () => {
    const now = Number(readFileSync('/proc/self/loginuid', 'utf8'));
    const own = now === 4294967295 ? ('unset' as const) : now;
    expect(asked(await run(denyAsking({ subjects: { auids: [own] } }), [opened, 'ask']))).toEqual([false]);
    expect(asked(await run(denyAsking({ subjects: { auids: [54321] } }), [opened, 'ask']))).toEqual([true]);
    expect(asked(await runAllowing({ subjects: { auids: [own] } }, [opened, 'ask']))).toEqual([true]);
    expect(asked(await runAllowing({ subjects: { auids: [54321] } }, [opened, 'ask']))).toEqual([false]);
  });

  withMountsTest('its login user and its label, as they are at the time of the call', async () => {
    const folder = temporaryFolder('proc');
    for (const name of ['loginuid', 'current']) writeFileSync(join(folder, name), '');
    const script = [
      'folder=$1; shift',
      `mount --bind "$folder/loginuid" /proc/$$/task/$$/loginuid || exit 99`,
      `mount --bind "$folder/current" /proc/$$/task/$$/attr/current || exit 99`,
      'exec "$@"',
    ].join('\n');
    const steps = [
      opened,
      `write:${folder}/loginuid 1000`,
      `write:${folder}/current system_u:system_r:virtd_t:s0`,
      'ask',
      `write:${folder}/loginuid 1001`,
      'ask',
      `write:${folder}/loginuid 4294967295`,
      'ask',
      `write:${folder}/current unconfined`,
      'ask',
    ];
    const rules: RuleDocument[] = [
      ...denyAsking({ subjects: { auids: [1001] } }),
      { id: 'no-label', effect: 'deny', actions: ask, subjects: { not: { labels: ['*:virtd_t:*'] } } },
    ];
    const policy = await imageFile(permissiveExcept(rules));
    const args = ['-m', '--propagation', 'private', 'sh', '-c', script, 'sh', folder, program(), ...steps];
    const outcome = runShimmed('unshare', args, { policy });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(asked({ answers: parse(outcome.stdout) })).toEqual([true, false, true, false]);
  });

  test('what the kernel can no longer be asked holds in deny rules, never in allow rules', async () => {
    const steps = [opened, 'ask', 'ask_without_files', 'ask'];
    for (const subjects of [{ auids: [54321] }, { terminals: ['pts/none'] }, { labels: ['none'] }]) {
      expect(asked(await run(denyAsking({ subjects }), steps))).toEqual([true, false, true]);
      expect(asked(await runAllowing({ subjects: { not: subjects } }, steps))).toEqual([true, false, true]);
    }
  });

  test('for whom it says that it calls', async () => {
    const steps = [opened, 'ask', 'actor:alice', 'ask', 'actor:bob', 'ask'];
    expect(asked(await run(denyAsking({ subjects: { actors: ['alice'] } }), steps))).toEqual([true, false, true]);
    expect(asked(await runAllowing({ subjects: { actors: ['alice'] } }, steps))).toEqual([false, true, false]);
    const env = { VIRTSHIM_ACTOR: 'alice' };
    expect(asked(await runAllowing({ subjects: { actors: ['alice'] } }, steps, { env }))).toEqual([true, true, false]);
  });

  test('threads that speak for different actors at once are told apart', async () => {
    const { answers } = await run(denyAsking({ subjects: { actors: ['mallory'] } }), [opened, 'threads:alice,mallory']);
    expect(answers.slice(1)).toMatchObject([
      { step: 'alice', value: 2000, code: 0 },
      { step: 'mallory', value: 0, code: 2000 },
    ]);
  });
});

describe('a reason', () => {
  const rule: RuleDocument = { id: 'with-reason', effect: 'allow', actions: ['domain.suspend'], require: ['reason'] };
  const steps = [opened, 'domain:test', 'suspend', 'reason:ticket 7', 'suspend'];

  test('that is required: the refusal says how to give one, and it stands in the record', async () => {
    const policy = await imageFile({
      name: 'reasons',
      defaults: { '*': 'allow', control: 'deny' },
      audit: { netlink: false },
      rules: [rule],
    });
    const outcome = runShimmed(program(), steps, { policy });
    const [, , first, second] = parse(outcome.stdout);
    expect(first).toMatchObject({ value: -1, code: accessDenied });
    expect(first?.message).toContain(
      "policy 'reasons' allows it only with a reason: give one by `virtshim run --reason TEXT`, the variable " +
        'VIRTSHIM_REASON or withReason()',
    );
    expect(second).toMatchObject({ value: 0, code: 0 });
    const record = outcome.records.find(({ event, effect }) => event === 'virDomainSuspend' && effect === 'permitted');
    expect(record).toMatchObject({ rule: 'with-reason' });
    expect(record?.line).toContain('<asserted>ticket 7</asserted>');
    const env = { VIRTSHIM_REASON: 'planned' };
    const [, , fromEnvironment] = parse(runShimmed(program(), steps, { policy, env }).stdout);
    expect(fromEnvironment).toMatchObject({ value: 0, code: 0 });
  });
});

describe('a permissive rule', () => {
  const permissive: RuleDocument = { id: 'trial', mode: 'permissive', effect: 'deny', actions: ['domain.suspend'] };
  const steps = [opened, 'domain:test', 'suspend'];

  test('refuses nothing, and the record says what it would have refused', async () => {
    const outcome = await run([permissive], steps);
    expect(outcome.answers[2]).toMatchObject({ step: 'suspend', value: 0, code: 0 });
    const records = outcome.records.filter(({ event }) => event === 'virDomainSuspend');
    expect(records.map(({ effect, rule }) => [effect, rule])).toEqual([
      ['would-deny', 'trial'],
      ['would-deny', 'trial'],
    ]);
  });

  test('is recorded for queries, too', async () => {
    const outcome = await run([{ ...permissive, actions: ask }], [opened, 'ask']);
    expect(asked(outcome)).toEqual([true]);
    expect(outcome.records.filter(({ event }) => event === ask[0])).toMatchObject([
      { effect: 'would-deny', rule: 'trial' },
    ]);
  });

  test('does not keep the others from refusing', async () => {
    const enforcing: RuleDocument = { id: 'real', effect: 'deny', actions: ['domain.suspend'] };
    const outcome = await run([permissive, enforcing], steps);
    expect(outcome.answers[2]).toMatchObject({ value: -1, code: accessDenied });
    expect(outcome.answers[2]?.message).toContain("rule 'real'");
  });

  test('about opening leaves what was opened to be judged by the rules that are enforced', async () => {
    const rules: RuleDocument[] = [
      { id: 'trial', mode: 'permissive', effect: 'deny', actions: ['connect'] },
      { id: 'real', effect: 'deny', actions: ['connect'], connections: { uris: ['test:///default'] } },
    ];
    const { answers } = await run(rules, ['open:test:/default']);
    expect(answers).toMatchObject([{ value: 0, code: accessDenied }]);
  });
});

// What each URI means: driver, transport, host; `?` is not known.
const meanings: readonly (readonly [uri: string, driver: string, transport: string, host: string])[] = [
  ['test:///default', 'test', 'in-process', ''],
  ['test:/default', 'test', 'in-process', ''],
  ['TEST:///default', 'test', 'in-process', ''],
  ['test:///%64efault', 'test', 'in-process', ''],
  ['test://node/default', 'test', 'tls', 'node'],
  ['test+unix:///default', 'test', 'unix', ''],
  ['openvz:///system', 'openvz', 'in-process', ''],
  ['qemu:///system', 'qemu', 'unix', ''],
  ['qemu:/system', 'qemu', 'unix', ''],
  ['qemu:system', 'qemu', 'unix', ''],
  ['qemu+unix:///system', 'qemu', 'unix', ''],
  ['QEMU+UNIX:///system', 'qemu', 'unix', ''],
  ['qemu+unix://node/system', 'qemu', 'unix', '?'],
  ['qemu:///embed?root=/x', 'qemu', 'in-process', ''],
  ['qemu:///%65mbed?root=/x', 'qemu', 'in-process', ''],
  ['qemu://node/system', 'qemu', 'tls', 'node'],
  ['qemu://NODE.example./system', 'qemu', 'tls', 'node.example'],
  ['qemu+tls://node:16514/system', 'qemu', 'tls', 'node'],
  ['qemu+tls:///system', 'qemu', 'tls', 'localhost'],
  ['qemu+tcp://node/system', 'qemu', 'tcp', 'node'],
  ['qemu+TcP://user@node:1/system', 'qemu', 'tcp', 'node'],
  ['qemu+ssh://node/system', 'qemu', 'ssh', 'node'],
  ['qemu+ssh://%6eode/system', 'qemu', 'ssh', 'node'],
  ['qemu+ssh://a%40b:c@node:22/system', 'qemu', 'ssh', 'node'],
  ['qemu+ssh://node/system?mode=direct&proxy=netcat&socket=/x', 'qemu', 'ssh', 'node'],
  ['qemu+ssh://node?socket=/x', 'qemu', 'ssh', 'node'],
  ['qemu+ssh://node#/system', 'qemu', 'ssh', 'node'],
  ['qemu+ssh://node/system?command=/tmp/x', 'qemu', 'ext', '?'],
  ['qemu+ssh://node/system?COMM%61ND=/tmp/x', 'qemu', 'ext', '?'],
  ['qemu+libssh://node/system', 'qemu', 'libssh', 'node'],
  ['qemu+libssh2://node/system', 'qemu', 'libssh2', 'node'],
  ['qemu+ext://node/system?command=/x', 'qemu', 'ext', '?'],
  ['qemu+ssh://[::1]/system', 'qemu', 'ssh', '::1'],
  ['qemu+ssh://[0:0:0:0:0:0:0:1]:22/system', 'qemu', 'ssh', '::1'],
  ['qemu+ssh://u@[FE80::A%25eth0]/system', 'qemu', 'ssh', 'fe80::a%eth0'],
  ['qemu+ssh://[::ffff:127.0.0.1]/system', 'qemu', 'ssh', '127.0.0.1'],
  ['qemu+ssh://127.1/system', 'qemu', 'ssh', '127.0.0.1'],
  ['qemu+ssh://0x7f000001/system', 'qemu', 'ssh', '127.0.0.1'],
  ['qemu+ssh://good%00.evil/system', 'qemu', 'ssh', '?'],
  ['qemu+smoke://node/system', 'qemu', '?', '?'],
  ['xen://', 'xen', 'unix', ''],
  ['esx://node/', 'esx', 'tls', 'node'],
  ['esx://node/?transport=https', 'esx', 'tls', 'node'],
  ['esx://node/?transport=http', 'esx', 'tcp', 'node'],
  ['esx://node/?transport=%68ttp', 'esx', '?', '?'],
  ['remote:///', '?', 'unix', ''],
  ['remote+unix:///?name=qemu:///system', 'qemu', 'unix', ''],
  ['test+unix:///default?name=qemu:///system', 'qemu', 'unix', ''],
  ['test+unix:///default?n%41me=%71emu:///system', 'qemu', 'unix', ''],
  ['qemu+tls://node/system?name=test:///default', 'test', 'tls', 'node'],
  ['qemu+tls://node/system?name=qemu%2Btcp://other/system', 'qemu', '?', '?'],
  ['qemu+tls://node/system?name=', '?', '?', '?'],
  ['qemu+tls://node/system?name=test:///x&name=qemu:///x', '?', '?', '?'],
  ['qemu+tls://node/system?a=1;name=test:///x', '?', '?', '?'],
];

type Lead = 'drivers' | 'transports' | 'hosts';

const leads = (key: Lead, value: string) => ({ [key]: [value] });

/** Rules that refuse every open; which of them does says what the fact is. */
function sorters(key: Lead, values: readonly string[]): { rule: RuleDocument; meaning: string }[] {
  const never = { drivers: 'bhyve', transports: 'ext', hosts: 'no-such-host' }[key];
  const open = { effect: 'deny' as const, actions: ['connect'] };
  const unknown = { ...leads(key, never), not: leads(key, never) };
  const known = [...new Set(values)].filter((value) => value !== '?');
  return [
    { rule: { ...open, id: 'unknown', connections: unknown }, meaning: '?' },
    ...known.map((meaning, index) => ({
      rule: {
        ...open,
        id: `is-${index}`,
        connections: meaning === '' ? { not: leads(key, '?*') } : leads(key, meaning),
      },
      meaning,
    })),
  ];
}

describe('where a connection leads', () => {
  test.each([
    ['drivers', 1],
    ['transports', 2],
    ['hosts', 3],
  ] as const)('its %s follow from every spelling of a URI as libvirt reads it', async (key, column) => {
    const sorted = sorters(
      key,
      meanings.map((row) => row[column]),
    );
    const { answers } = await run(
      sorted.map(({ rule }) => rule),
      meanings.map(([uri]) => `open:${uri}`),
    );
    const found = answers.map(({ code, message }, index) => {
      const id = /rule '([^']*)'/.exec(message)?.[1];
      const meaning = sorted.find(({ rule }) => rule.id === id)?.meaning;
      return [meanings[index]?.[0], code === accessDenied ? meaning : `failed with ${code}`];
    });
    expect(found).toEqual(meanings.map((row) => [row[0], row[column]]));
  });

  test('a glob over URIs sees scheme and host in lower case', async () => {
    const rules: RuleDocument[] = [
      { id: 'uri', effect: 'deny', actions: ['connect'], connections: { uris: ['qemu+ssh://node.example/*'] } },
    ];
    const { answers } = await run(rules, ['open:qemu+SSH://NODE.Example/system']);
    expect(answers[0]?.message).toContain("rule 'uri'");
  });

  test('nothing named: what LIBVIRT_DEFAULT_URI names', async () => {
    const rules: RuleDocument[] = [
      { id: 'no-test', effect: 'deny', actions: ['connect'], connections: { drivers: ['test'] } },
    ];
    const env = { LIBVIRT_DEFAULT_URI: 'test:///default' };
    const { answers } = await run(rules, ['open:', 'open:NULL'], { env });
    expect(answers).toMatchObject([
      { value: 0, code: accessDenied },
      { value: 0, code: accessDenied },
    ]);
  });

  withMountsTest('aliases and the default of libvirt.conf', async () => {
    const etc = temporaryFolder('libvirt-conf');
    writeFileSync(
      join(etc, 'libvirt.conf'),
      'uri_aliases = ["harmless=test:///default", "second=test:/default"]\nuri_default = "test:///default"\n',
    );
    const mounts = [{ path: '/etc/libvirt', source: etc }];
    const steps = ['open:harmless', 'open:second', 'open:NULL', 'open:'];
    const free = await run([], steps, { mounts });
    expect(free.answers.map(({ value }) => value)).toEqual([1, 1, 1, 1]);
    for (const connections of [
      { drivers: ['test'] },
      { transports: ['in-process' as const] },
      { not: { hosts: ['?*'] } },
    ]) {
      const { answers } = await run([{ id: 'no', effect: 'deny', actions: ['connect'], connections }], steps, {
        mounts,
      });
      expect(answers.map(({ value, code }) => [value, code])).toEqual(steps.map(() => [0, accessDenied]));
    }
  });
});

const monitorRule = (commands: readonly string[]): RuleDocument[] => [
  { id: 'command', effect: 'deny', actions: ['virDomainQemu*'], monitor: { commands } },
];
const onDomain = [opened, 'domain:test'];

/** For each command whether a rule refused it; the test driver itself has no monitor. */
function refused(outcome: FactsRun): boolean[] {
  return outcome.answers.slice(onDomain.length).map(({ code }) => code === accessDenied);
}

describe('a command to a monitor or agent', () => {
  const spellings: readonly (readonly [step: string, names: readonly string[] | undefined])[] = [
    ['monitor:{"execute":"quit"}', ['quit']],
    ['monitor: { "execute" : "quit" , "id":"x" } ', ['quit']],
    ['monitor:{"id":{"execute":"stop"},"execute":"quit"}', ['quit']],
    ['monitor:{"arguments":{"execute":"stop","a":[1,{"b":"}"}]},"execute":"quit"}', ['quit']],
    ['monitor:{"exec-oob":"quit"}', ['quit']],
    ['monitor:{"execute":"human-monitor-command","arguments":{"command-line":"quit now"}}', ['quit', 'hmc']],
    ['monitor:{"arguments":{"command-line":" q"},"execute":"human-monitor-command"}', ['quit', 'hmc']],
    ['hmp:quit', ['quit', 'hmc']],
    ['hmp:  quit 1', ['quit', 'hmc']],
    ['hmp:q', ['quit', 'hmc']],
    ['hmp:\tq/x', ['quit', 'hmc']],
    ['hmp:info status', ['info', 'hmc']],
    ['agent:{"execute":"guest-exec","arguments":{"path":"/bin/sh"}}', ['guest-exec']],
    ['monitor:{"execute":"stop"}', ['stop']],
    // Whatever could be read in two ways is not known.
    ['monitor:{"execute":"stop","execute":"quit"}', undefined],
    ['monitor:{"execute":"stop","exec-oob":"quit"}', undefined],
    ['monitor:{"execute":"\\u0071uit"}', undefined],
    ['monitor:{"\\u0065xecute":"quit"}', undefined],
    ['monitor:{"execute":"stop"}{"execute":"quit"}', undefined],
    ['monitor:{"execute":"stop"} quit', undefined],
    ['monitor:[{"execute":"quit"}]', undefined],
    ["monitor:{'execute':'quit'}", undefined],
    ['monitor:{"execute":["quit"]}', undefined],
    ['monitor:{"execute":"stop",/*"*/"id":1}', undefined],
    ['monitor:{"execute":"stop"', undefined],
    ['monitor:{}', undefined],
    ['monitor:', undefined],
    ['monitor:quit', undefined],
    ['hmp:', undefined],
    ['monitor:{"execute":"human-monitor-command"}', undefined],
    ['monitor:{"execute":"human-monitor-command","arguments":{"command-line":"\\u0071uit"}}', undefined],
    [
      'monitor:{"execute":"human-monitor-command","arguments":{"command-line":"info","command-line":"quit"}}',
      undefined,
    ],
    [
      'monitor:{"execute":"human-monitor-command","arguments":{"command-line":"info","command\\u002dline":"quit"}}',
      undefined,
    ],
    ['agent:{"execute":"guest-ping","execute":"guest-exec"}', undefined],
  ];
  const full = (name: string) => (name === 'hmc' ? 'human-monitor-command' : name);

  test.each([['quit'], ['stop'], ['hmc'], ['info'], ['guest-exec'], ['no-such-command']])(
    'a rule that refuses %s refuses it in every spelling, and what cannot be told',
    async (name) => {
      const outcome = await run(monitorRule([full(name)]), [...onDomain, ...spellings.map(([step]) => step)]);
      expect(refused(outcome)).toEqual(spellings.map(([, names]) => names === undefined || names.includes(name)));
    },
  );

  test.each([[['quit']], [['quit', 'hmc']], [['hmc', 'info']], [['stop', 'guest-*']]])(
    'a rule that allows %j allows what has no other name',
    async (allowed) => {
      const policy = await imageFile({
        name: 'monitors',
        defaults: { '*': 'allow', 'guest-access': 'deny' },
        audit: { netlink: false },
        rules: [{ id: 'some', effect: 'allow', actions: ['virDomainQemu*'], monitor: { commands: allowed.map(full) } }],
      });
      const outcome = runShimmed(program(), [...onDomain, ...spellings.map(([step]) => step)], { policy });
      const permitted = (name: string) =>
        allowed.some((glob) => (glob.endsWith('*') ? name.startsWith(glob.slice(0, -1)) : glob === name));
      expect(refused({ ...outcome, answers: parse(outcome.stdout) })).toEqual(
        spellings.map(([, names]) => !(names?.every(permitted) ?? false)),
      );
    },
  );
});

describe('typed parameters', () => {
  const rule = (limits: object): RuleDocument[] => [
    { id: 'limit', effect: 'deny', actions: ['virDomainSetMemoryParameters'], arguments: limits } as RuleDocument,
  ];
  const set = (value: string) => [...onDomain, `limit:${value}`];
  const outcomes = (outcome: FactsRun) => outcome.answers.slice(onDomain.length).map(({ value }) => value);

  test('are judged by the name of their field, each that has it', async () => {
    const rules = rule({ 'params.hard_limit': { greater: 5000 } });
    expect(outcomes(await run(rules, set('5000')))).toEqual([0]);
    expect(outcomes(await run(rules, set('5001')))).toEqual([-1]);
    expect((await run(rules, set('4000,6000'))).answers.at(-1)).toMatchObject({ code: accessDenied });
    expect(outcomes(await run(rule({ 'params.soft_limit': { greater: 5000 } }), set('6000')))).toEqual([0]);
  });

  test('are forwarded as they were judged, whatever another thread makes of them meanwhile', async () => {
    const { answers } = await run(rule({ 'params.hard_limit': { greater: 5000 } }), [...onDomain, 'race']);
    const race = answers.at(-1);
    expect(race).toMatchObject({ step: 'race', value: 0 });
    expect(race?.code).toBeGreaterThan(0);
  });
});

/** A program that takes its steps one by one, under the host policy that lies in the folder `etc`. */
class LiveProgram {
  static readonly all: LiveProgram[] = [];

  readonly #child;
  readonly #log = temporaryFolder('log');
  readonly #lines: string[] = [];

  constructor(etc: string, options: ShimOptions = {}) {
    const mounts = [
      { path: '/etc', source: etc },
      { path: '/var/log', source: this.#log },
    ];
    const [command, args] = withMounts(mounts, program(), []);
    const env = { ...shimEnvironment(options, ''), VIRTSHIM_TRAIL: '' };
    this.#child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#lines.push(...text.split('\n').filter((line) => line !== ''));
    });
    LiveProgram.all.push(this);
  }

  async step(step: string): Promise<Answer> {
    const before = this.#lines.length;
    this.#child.stdin.write(`${step}\n`);
    for (let waited = 0; this.#lines.length === before; waited += 5) {
      if (waited > 10_000) throw new Error(`no answer to ${step}`);
      await sleep(5);
    }
    const [answer] = parse(this.#lines.at(-1) ?? '');
    if (answer === undefined) throw new Error(`no answer to ${step}`);
    return answer;
  }

  /** Asks until the answer is this one; gives up after a second. */
  async asksUntil(permitted: boolean): Promise<void> {
    const start = Date.now();
    let asked = start;
    while ((await this.step('ask')).value >= 0 !== permitted) {
      if (asked - start > 1_000) throw new Error(`not ${permitted ? 'permitted' : 'refused'} after a second`);
      await sleep(20);
      asked = Date.now();
    }
  }

  /** What others can read in the process's list of mappings. */
  shown(): string[] {
    const maps = readFileSync(`/proc/${this.#child.pid}/maps`, 'utf8');
    return [...maps.matchAll(/virtshim:(\S+) /g)].map((match) => match[1] ?? '');
  }

  records() {
    return readRecords(join(this.#log, 'virtshim'));
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin.end();
    await ended;
  }
}

describe('a migration', () => {
  test('goes only where a rule about its destination lets it', async () => {
    const rule: RuleDocument = {
      id: 'destination',
      effect: 'allow',
      actions: ['virDomainMigrateToURI*'],
      arguments: { dconnuri: { glob: 'qemu+tls://*' } },
    };
    const policy = await imageFile({
      name: 'destinations',
      defaults: { '*': 'allow', control: 'deny' },
      audit: { netlink: false },
      rules: [rule],
    });
    const steps = [...onDomain, 'migrate:qemu+tls://node/system', 'migrate:qemu+tcp://node/system'];
    const [secure, insecure] = parse(runShimmed(program(), steps, { policy }).stdout).slice(onDomain.length);
    expect(secure?.code).not.toBe(accessDenied);
    expect(insecure?.code).toBe(accessDenied);
  });
});

describe('a host policy that is replaced', () => {
  afterAll(async () => {
    for (const live of LiveProgram.all) await live.end();
  });

  const image = (name: string, rules: readonly RuleDocument[] = []) =>
    compileImage(permissiveExcept(rules, { name, audit: { netlink: false, levels: { '*': 'none' } } }));

  /** The first 16 digits of an image's digest, as records name it. */
  const digestOf = (bytes: Uint8Array) => Buffer.from(bytes.subarray(32, 40)).toString('hex');

  function folder(): string {
    const etc = temporaryFolder('etc');
    chmodSync(etc, 0o755);
    mkdirSync(join(etc, 'virtshim'), { mode: 0o755 });
    return etc;
  }

  function install(etc: string, bytes: Uint8Array): void {
    writeFileSync(join(etc, 'virtshim/next'), bytes, { mode: 0o600 });
    renameSync(join(etc, 'virtshim/next'), join(etc, 'virtshim/policy.img'));
  }

  withMountsTest('is taken up within a second, by functions too that nothing concerned before', async () => {
    const etc = folder();
    const [open, closed] = [await image('open'), await image('closed', denyAsking({}))];
    install(etc, open);
    const live = new LiveProgram(etc);
    await live.step(opened);
    expect(await live.step('ask')).toMatchObject({ code: 0 });
    expect(live.shown()).toEqual([`host=${digestOf(open)}`]);
    for (let turn = 0; turn < 3; turn++) {
      install(etc, closed);
      await live.asksUntil(false);
      expect(live.shown()).toEqual([`host=${digestOf(closed)}`]);
      install(etc, open);
      await live.asksUntil(true);
    }
    await live.end();
    const records = live.records();
    const loaded = records.filter(({ kind }) => kind === 'policy-loaded');
    expect(loaded.map(({ policy }) => policy)).toEqual(
      [closed, open, closed, open, closed, open].map((each) => digestOf(each)),
    );
    expect(loaded[0]?.text).toBe(
      `policy \`closed\` (${digestOf(closed)}) of the host is in force in place of policy \`open\` (${digestOf(open)})`,
    );
    const denied = records.filter(({ effect }) => effect === 'denied');
    expect(new Set(denied.map(({ policy }) => policy))).toEqual(new Set([digestOf(closed)]));
  });

  withMountsTest('stays in force where the new one is broken or gone, and a good one is taken up again', async () => {
    const etc = folder();
    const [closed, open] = [await image('closed', denyAsking({})), await image('open')];
    install(etc, closed);
    const live = new LiveProgram(etc);
    await live.step(opened);
    const flipped = Uint8Array.from(open);
    flipped.set([(flipped[200] ?? 0) ^ 0x80], 200);
    const broken = [open.subarray(0, open.length - 8), flipped, Buffer.concat([open, Buffer.alloc(64 << 20)])];
    for (const bytes of broken) {
      install(etc, bytes);
      await sleep(600);
      expect(await live.step('ask')).toMatchObject({ code: accessDenied });
      expect(live.shown()).toEqual([`host=${digestOf(closed)}`]);
    }
    rmSync(join(etc, 'virtshim/policy.img'));
    await sleep(600);
    expect(await live.step('ask')).toMatchObject({ code: accessDenied });
    install(etc, open);
    await live.asksUntil(true);
    await live.end();
    const notices = live.records().filter(({ root }) => root === 'notice');
    expect(notices.map(({ kind }) => kind)).toEqual([...new Array(4).fill('policy-kept'), 'policy-loaded']);
    for (const [index, why] of [
      'the policy image is truncated',
      'the checksum .*',
      'the file is too large.*',
    ].entries()) {
      expect(notices[index]?.text).toMatch(
        new RegExp(`^the policy cannot be used: .*${why}.*; policy \`closed\` \\([0-9a-f]{16}\\) stays in force$`),
      );
    }
    expect(notices[3]?.text).toMatch(/^the host's policy is gone; policy `closed` /);
  });

  withMountsTest('is taken up in place of one that could not be used, and beside a policy of the program', async () => {
    const etc = folder();
    install(etc, Buffer.from('no policy at all'.padEnd(512)));
    const own = await imageFile(permissiveExcept([], { name: 'own' }));
    const live = new LiveProgram(etc, { policy: own });
    expect(await live.step(opened)).toMatchObject({ value: 0 });
    expect(live.shown().sort()).toEqual(['host=unusable', expect.stringMatching(/^own=[0-9a-f]{16}$/)]);
    install(etc, await image('closed', denyAsking({})));
    await sleep(600);
    expect(await live.step(opened)).toMatchObject({ value: 1 });
    expect(await live.step('ask')).toMatchObject({ code: accessDenied });
    await live.end();
  });
});

const whyNot = whyNoDaemon();
const withDaemon = requireThat(whyNot === undefined, whyNot ?? '');

describe('a libvirtd of its own', () => {
  const workplace = temporaryFolder('facts-daemon');
  let daemon: Daemon;
  let socket: string;

  beforeAll(async () => {
    if (whyNot !== undefined) return;
    daemon = await startDaemon({ cache: join(workplace, 'cache') });
    socket = join(daemon.folder, 'sock/libvirt-sock');
    symlinkSync(socket, join(workplace, 'other-name'));
  }, 60_000);

  afterAll(() => daemon?.stop());

  // All of these reach qemu through the daemon's socket, in libvirt's own eyes.
  const spellings = [
    'qemu:///system?socket=SOCKET',
    'qemu:/system?socket=SOCKET',
    'qemu:///%73ystem?socket=SOCKET',
    'qemu://:1/system?socket=SOCKET',
    'qemu+unix:///system?socket=SOCKET',
    'qemu+UNIX:///system?socket=SOCKET',
    'qemu+unix://user@/system?socket=SOCKET',
    'qemu+unix:///system?SOCKET=SOCKET&mode=legacy',
    'qemu+unix:///system?mode=direct&socket=SOCKET&proxy=auto',
    'qemu+unix:///system?s%6fcket=SOCKET',
    'qemu+unix:///system?socket=OTHER#fragment',
    'qemu+unix:///system?socket=SOCKET;x=y',
    'qemu+unix:///system?x=y;socket=SOCKET',
    'test+unix:///default?socket=SOCKET&name=qemu:///system',
    'test+unix:///default?socket=SOCKET&NAME=%71emu:///system',
    'esx+unix:///?socket=SOCKET&name=qemu:///system',
    'remote+unix:///system?socket=SOCKET',
    'remote:///system?socket=SOCKET&name=qemu:///system',
    'alias',
  ];

  function steps(): string[] {
    return spellings.map(
      (uri) => `open:${uri.replace('=SOCKET', `=${socket}`).replace('=OTHER', `=${join(workplace, 'other-name')}`)}`,
    );
  }

  function mounts(): Mount[] {
    const etc = temporaryFolder('libvirt-conf');
    writeFileSync(join(etc, 'libvirt.conf'), `uri_aliases = ["alias=qemu+unix:///system?socket=${socket}"]\n`);
    return [{ path: '/etc/libvirt', source: etc }];
  }

  withDaemon(
    'is reached by every one of these spellings, and none passes a rule about it',
    async () => {
      const free = await run([], steps(), { mounts: mounts() });
      expect(free.answers.map(({ value }, index) => [spellings[index], value])).toEqual(
        spellings.map((uri) => [uri, 1]),
      );
      for (const connections of [
        { drivers: ['qemu'] },
        { transports: ['unix' as const] },
        { not: { hosts: ['?*'] } },
      ]) {
        const { answers } = await run([{ id: 'no', effect: 'deny', actions: ['connect'], connections }], steps(), {
          mounts: mounts(),
        });
        expect(answers.map(({ code }, index) => [spellings[index], code])).toEqual(
          spellings.map((uri) => [uri, accessDenied]),
        );
      }
    },
    60_000,
  );

  withDaemon(
    'serves its drivers itself: there they are in-process',
    async () => {
      const rule: RuleDocument = {
        id: 'only-in-process',
        effect: 'deny',
        actions: ['connect'],
        connections: { drivers: ['qemu'], not: { transports: ['in-process'] } },
      };
      const env = {
        LD_PRELOAD: PRELOAD,
        VIRTSHIM_POLICY: await imageFile(
          permissiveExcept([rule], { audit: { netlink: false, levels: { connect: 'response' } } }),
        ),
        VIRTSHIM_TRAIL: join(workplace, 'daemon-trail'),
      };
      const judged = await startDaemon({ cache: join(workplace, 'cache'), env });
      const list = runBare('virsh', ['-c', judged.uri, 'list']);
      await judged.stop();
      expect(list).toMatchObject({ status: 0, stderr: '' });
      const opens = readRecords(join(workplace, 'daemon-trail')).filter(({ event }) =>
        event?.startsWith('virConnectOpen'),
      );
      expect(opens.map(({ connection, effect }) => [connection?.uri, effect])).toContainEqual([
        'qemu:///system',
        'permitted',
      ]);
    },
    60_000,
  );

  withDaemon(
    'runs a guest to whose monitor go only the commands that a rule allows',
    async () => {
      const disk = makeImage(join(workplace, 'disk.qcow2'), '1M');
      const definition = join(workplace, 'guest.xml');
      writeFileSync(definition, guestXml('monitored', '5f1c1c1e-0000-4000-8000-00000000aaaa', disk));
      const virsh = (...args: string[]) => runShimmed('virsh', ['-c', daemon.uri, ...args]);
      expect(virsh('define', definition)).toMatchObject({ status: 0 });
      const policy = await imageFile({
        name: 'monitors',
        defaults: { '*': 'allow', 'guest-access': 'deny' },
        audit: { netlink: false },
        rules: [
          {
            id: 'some',
            effect: 'allow',
            actions: ['virDomainQemuMonitorCommand'],
            monitor: { commands: ['query-*', 'human-monitor-command', 'info'] },
          },
        ],
      });
      const commands = [
        ['monitor:{"execute":"query-status"}', true],
        ['monitor:{"execute":"stop"}', false],
        ['hmp:info status', true],
        ['hmp:stop', false],
        ['hmp:s', false],
        ['monitor:{"execute":"human-monitor-command","arguments":{"command-line":"info status"}}', true],
        ['monitor:{"execute":"human-monitor-command","arguments":{"command-line":"stop"}}', false],
        ['monitor:{"execute":"query-status","execute":"stop"}', false],
        ['monitor:{"execute":"\\u0073top"}', false],
      ] as const;
      const outcome = runShimmed(
        program(),
        [`open:${daemon.uri}`, 'domain:monitored', 'create', ...commands.map(([step]) => step)],
        { policy },
      );
      const [, , created, ...answers] = parse(outcome.stdout);
      expect(created).toMatchObject({ value: 0 });
      expect(answers.map(({ code }, index) => [commands[index]?.[0], code])).toEqual(
        commands.map(([step, allowed]) => [step, allowed ? 0 : accessDenied]),
      );
      expect(virsh('domstate', 'monitored').stdout.trim()).toBe('running');
      expect(virsh('destroy', 'monitored')).toMatchObject({ status: 0 });
    },
    60_000,
  );
});
