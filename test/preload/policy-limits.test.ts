// Limits of calls and windows of time, through the real shim: exactly so many calls pass, of all processes together,
// and nobody can lift, fill or break a limit who may not. Each test has its own view of /etc, /var/lib and /var/log.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from '@jest/globals';
import type { PolicyDocument, RateDocument, RuleDocument } from '../../src/policy/document.js';
import { callsProgram } from '../support/calls.js';
import { compileFixture, requireFixtures } from '../support/fixtures.js';
import { temporaryFolder } from '../support/paths.js';
import { canMountPrivately, withMounts } from '../support/private_mounts.js';
import type { TrailRecord } from '../support/records.js';
import {
  compileImage,
  imageFile,
  PRELOAD,
  permissiveExcept,
  readRecords,
  runShimmed,
  shimEnvironment,
  TESTED_SHIM,
} from '../support/shim.js';
import { requireThat } from '../support/tools.js';

const test = requireThat(canMountPrivately, 'needs mounts of its own');
const anyTest = requireFixtures();

const accessDenied = 88;
const opened = 'open:test:///default';
const ask = 'num_domains';
const asks = (count: number): string[] => Array<string>(count).fill(ask);

function limited(rate: RateDocument, more: Partial<RuleDocument> = {}): RuleDocument {
  return { id: 'few', effect: 'deny', actions: ['virConnectNumOfDomains'], rate, ...more };
}

const perHost = (calls: number, seconds = 3600): RateDocument => ({ calls, seconds, per: 'host' });
const perSubject = (calls: number, seconds = 3600): RateDocument => ({ calls, seconds, per: 'subject' });

interface User {
  readonly uid: number;
  readonly groups?: readonly number[];
}

interface Run {
  /** For each step but the first: whether the policy let it through. */
  readonly passed: boolean[];
  readonly notices: string[];
  readonly records: TrailRecord[];
}

function passed(stdout: string): boolean[] {
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.slice(1).map((line) => {
    const [step, value, errno, , code] = line.split('\t');
    if (step !== 'open') expect(errno).toBe('4242'); // untouched, but for libvirt's own
    expect(code).toBe(['-1', 'null'].includes(value ?? '') ? String(accessDenied) : '0');
    return code === '0';
  });
}

/** A machine with a policy of its own, or none, its own /var/lib, and its own /var/log, where root's records go. */
class Machine {
  readonly lib = Machine.#folder();
  readonly #etc = Machine.#folder();
  readonly #log = Machine.#folder();
  readonly #public = Machine.#folder();
  readonly #shim = join(this.#public, 'libvirtshim.so');
  readonly #program = join(this.#public, 'calls');

  constructor() {
    copyFileSync(TESTED_SHIM, this.#shim);
    copyFileSync(callsProgram(), this.#program);
    mkdirSync(join(this.#etc, 'virtshim'), { mode: 0o755 });
  }

  static #folder(): string {
    const folder = temporaryFolder('machine');
    chmodSync(folder, 0o755);
    return folder;
  }

  async install(document: PolicyDocument): Promise<this> {
    const file = join(this.#etc, 'virtshim/policy.img');
    writeFileSync(`${file}.new`, await compileImage(document), { mode: 0o644 });
    renameSync(`${file}.new`, file);
    return this;
  }

  /** Where the limits of this kind are counted by root. */
  rates(kind: 'host' | 'subject' | 'own'): string {
    return join(this.lib, 'virtshim/rates', kind);
  }

  /** The only file of that kind. */
  file(kind: 'host' | 'subject' | 'own'): string {
    const [name, ...more] = readdirSync(this.rates(kind));
    if (name === undefined || more.length > 0) throw new Error(`not one file but ${name} ${more.join(' ')}`);
    return join(this.rates(kind), name);
  }

  home(user: User | undefined): string {
    const home = join(this.#public, `home-${user?.uid ?? 0}`);
    try {
      mkdirSync(home, { mode: 0o755 });
    } catch {
      return home;
    }
    if (user !== undefined) chownSync(home, user.uid, user.uid);
    return home;
  }

  command(steps: readonly string[], user?: User): readonly [string, string[]] {
    const as = user === undefined ? [] : Machine.#switchTo(user);
    const mounts = [
      { path: '/etc', source: this.#etc },
      { path: '/var/lib', source: this.lib },
      { path: '/var/log', source: this.#log },
    ];
    const [program = '', ...args] = [...as, this.#program, ...steps];
    return withMounts(mounts, program, args);
  }

  static #switchTo({ uid, groups = [] }: User): string[] {
    const more = groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`;
    return ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, more];
  }

  environment(user?: User): NodeJS.ProcessEnv {
    const home = this.home(user);
    return { HOME: home, XDG_STATE_HOME: '', LD_PRELOAD: PRELOAD.replace(TESTED_SHIM, this.#shim) };
  }

  run(steps: readonly string[], { user, policy }: { user?: User; policy?: string } = {}): Run {
    const trail = join(this.home(user), 'trail');
    const recorded = () => [trail, join(this.#log, 'virtshim')].flatMap(readRecords);
    const before = new Set(recorded().map(({ line }) => line));
    const outcome = runShimmed(...this.command(steps, user), { trail, policy, env: this.environment(user) });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    const records = recorded().filter(({ line }) => !before.has(line));
    const notices = records.filter(({ kind }) => kind === 'rate-unknown');
    return { passed: passed(outcome.stdout), notices: notices.map(({ text }) => text), records };
  }

  /** For each of so many asks of one process: whether the policy let it through. */
  ask(count: number, options: { user?: User; policy?: string } = {}): boolean[] {
    return this.run([opened, ...asks(count)], options).passed;
  }
}

const only = (count: number, of: number): boolean[] => Array.from({ length: of }, (_, i) => i < count);
const document = (rules: readonly RuleDocument[], name = 'test') => permissiveExcept(rules, { name });

describe('a limit', () => {
  test('lets so many calls through, of all processes together, and again when they are old enough', async () => {
    const machine = new Machine();
    const policy = await imageFile(document([limited(perHost(3, 2))]));
    expect(machine.ask(2, { policy })).toEqual([true, true]);
    const last = Date.now();
    expect(machine.ask(3, { policy })).toEqual(only(1, 3));
    expect(machine.ask(2, { policy })).toEqual([false, false]);
    await sleep(last + 2300 - Date.now());
    expect(machine.ask(4, { policy })).toEqual(only(3, 4));
  });

  test('in an allow rule holds as long as fewer calls were counted', async () => {
    const machine = new Machine();
    const policy = await imageFile({
      name: 'allowing',
      defaults: { '*': 'allow', read: 'deny' },
      audit: { netlink: false },
      rules: [{ ...limited(perHost(2)), effect: 'allow' }],
    });
    expect(machine.ask(4, { policy })).toEqual(only(2, 4));
  });

  test('counts only calls for which the rest of the rule holds', async () => {
    const machine = new Machine();
    const rule = limited(perHost(1), { actions: ['virDomainSetMemory'], arguments: { memory: { greater: 1000 } } });
    const policy = await imageFile(document([rule]));
    const steps = [opened, 'lookup:test', 'set_memory:900', 'set_memory:900', 'set_memory:1001', 'set_memory:1001'];
    expect(machine.run([...steps, 'set_memory:900'], { policy }).passed).toEqual([true, true, true, true, false, true]);
  });

  test('counts a call once that is judged again by what it returns', async () => {
    const machine = new Machine();
    const openings: RuleDocument = { id: 'openings', effect: 'deny', actions: ['virConnectOpen'], rate: perHost(3) };
    const lookups = limited(perHost(2), { actions: ['virDomainLookupByID'], resources: { names: ['test'] } });
    const others = limited(perHost(1), { id: 'o', actions: ['virDomainLookupByID'], resources: { names: ['x*'] } });
    const policy = await imageFile(document([openings, others, lookups]));
    const steps = [opened, opened, opened, ...Array<string>(3).fill('lookup_id:1')];
    expect(machine.run(steps, { policy }).passed).toEqual([true, true, true, true, false]);
    expect(readdirSync(machine.rates('own')).sort()).toHaveLength(2);
  });

  test('counts what a later rule refuses, and not what an earlier one does', async () => {
    const machine = new Machine();
    const big = (id: string): RuleDocument => ({
      ...{ id, effect: 'deny', actions: ['virDomainSetMemory'] },
      arguments: { memory: { greater: 1000 } },
    });
    const limit = limited(perHost(2), { actions: ['virDomainSetMemory'] });
    const steps = [opened, 'lookup:test', 'set_memory:1001', 'set_memory:1001', 'set_memory:900'];
    const before = await imageFile(document([limit, big('big')], 'before'));
    expect(machine.run(steps, { policy: before }).passed).toEqual([true, false, false, false]);
    const behind = await imageFile(document([big('big'), limit], 'behind'));
    expect(machine.run(steps, { policy: behind }).passed).toEqual([true, false, false, true]);
  });

  test('is unknown where a call has more than sixteen of them', async () => {
    const machine = new Machine();
    const rules = Array.from({ length: 17 }, (_, i) => limited(perHost(5), { id: `few-${i}` }));
    expect(machine.ask(1, { policy: await imageFile(document(rules.slice(1))) })).toEqual([true]);
    const run = machine.run([opened, ask], { policy: await imageFile(document(rules)) });
    expect(run.passed).toEqual([false]);
    expect(run.records.at(-1)).toMatchObject({ effect: 'denied', rule: 'few-16' });
  });

  test('in a permissive rule refuses nothing and is recorded when it is reached', async () => {
    const machine = new Machine();
    const policy = await imageFile(document([limited(perHost(2), { mode: 'permissive' })]));
    const run = machine.run([opened, ...asks(4)], { policy });
    expect(run.passed).toEqual(only(4, 4));
    expect(run.records.filter(({ effect }) => effect === 'would-deny').map(({ rule }) => rule)).toEqual(['few', 'few']);
  });

  test('stays where the policy changes and its rule does not', async () => {
    const machine = new Machine();
    expect(machine.ask(2, { policy: await imageFile(document([limited(perHost(2))])) })).toEqual([true, true]);
    const more: RuleDocument = { id: 'more', effect: 'deny', actions: ['virDomainReboot'] };
    expect(machine.ask(1, { policy: await imageFile(document([more, limited(perHost(2, 7200))])) })).toEqual([false]);
    expect(machine.ask(1, { policy: await imageFile(document([limited(perHost(2))], 'other')) })).toEqual([true]);
    const renamed = limited(perHost(2), { id: 'renamed' });
    expect(machine.ask(1, { policy: await imageFile(document([renamed])) })).toEqual([true]);
  });

  test("of a program's policy is apart from the same one of the host's", async () => {
    const machine = await new Machine().install(document([limited(perHost(3))]));
    const policy = await imageFile(document([limited(perHost(3))]));
    expect(machine.ask(1)).toEqual([true]);
    expect(machine.ask(4, { policy })).toEqual(only(2, 4));
    expect(machine.ask(1, { policy: await imageFile(document([])) })).toEqual([false]);
    expect(readdirSync(machine.rates('own'))).toEqual(readdirSync(machine.rates('host')));
  });

  anyTest('does not concern what libvirt does itself', async () => {
    const machine = new Machine();
    const nested = compileFixture('nested.c', { flags: ['-O2', '-lvirt'] });
    const rule = limited(perHost(1), { actions: ['virDomainDestroy'], resources: { names: ['test'] } });
    const policy = await imageFile(document([rule], `nested-${process.pid}`));
    const [program, args] = withMounts([{ path: '/var/lib', source: machine.lib }], nested, ['tail']);
    for (let i = 0; i < 2; i++) expect(runShimmed(program, args, { policy }).stdout).toBe('active 0\n');
    expect(readdirSync(machine.lib)).toEqual([]);
  });
});

describe('many processes', () => {
  const start = (machine: Machine, steps: readonly string[], policy: string) => {
    const [program, args] = machine.command(steps);
    const env = shimEnvironment({ policy, env: machine.environment() }, join(machine.home(undefined), 'trail'));
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = new Promise<string>((resolve) =>
      child.once('close', () => resolve(Buffer.concat(chunks).toString())),
    );
    return { child, ended };
  };

  test('that race for a limit get exactly so many calls through', async () => {
    const machine = new Machine();
    const policy = await imageFile(document([limited(perHost(67))]));
    const runs = Array.from({ length: 50 }, () => start(machine, [opened, ...asks(3)], policy).ended);
    const answers = (await Promise.all(runs)).flatMap(passed);
    expect(answers).toHaveLength(150);
    expect(answers.filter(Boolean)).toHaveLength(67);
  });

  test('that are killed amid their calls leave nothing locked or broken behind', async () => {
    const machine = new Machine();
    const policy = await imageFile(document([limited(perHost(100_000))]));
    // All of their calls together stay below the limit, and none of them comes to its end.
    for (let round = 0; round < 5; round++) {
      const { child, ended } = start(machine, [opened, ...asks(19_900)], policy);
      await sleep(60 + 20 * round);
      process.kill(-(child.pid ?? 0), 'SIGKILL');
      await ended;
    }
    const began = Date.now();
    expect(machine.run([opened, ...asks(3)], { policy })).toMatchObject({ passed: only(3, 3), notices: [] });
    expect(Date.now() - began).toBeLessThan(2000);
  });
});

/** Runs test/fixtures/preload/facts.c under this rule. */
async function runFacts(steps: readonly string[], rule: RuleDocument) {
  const program = compileFixture('facts.c', { flags: ['-lvirt', '-lvirt-qemu', '-lpthread', '-ldl'] });
  const lib = { path: '/var/lib', source: new Machine().lib };
  const [command, args] = withMounts([lib], program, [opened, ...steps]);
  return runShimmed(command, args, { policy: await imageFile(document([rule])) });
}

test('threads of one process that race for a limit get exactly so many calls through', async () => {
  const run = await runFacts(['threads:one,two'], limited(perHost(1234)));
  const counts = [...run.stdout.matchAll(/^(?:one|two)\t(\d+)\t(\d+)\t$/gm)].map(([, ...numbers]) =>
    numbers.map(Number),
  );
  const sum = (at: number) => counts.reduce((all, numbers) => all + (numbers[at] ?? 0), 0);
  expect([sum(0), sum(1)]).toEqual([1234, 4000 - 1234]);
});

describe('users', () => {
  const alice: User = { uid: 54321 };
  const bob: User = { uid: 54322 };
  const group = 54300;

  test('have a count each, in files that are nobody else’s', async () => {
    const machine = await new Machine().install(document([limited(perSubject(2))]));
    expect(machine.ask(3)).toEqual(only(2, 3));
    expect(machine.ask(2, { user: alice })).toEqual([true, true]);
    expect(machine.ask(1, { user: alice })).toEqual([false]);
    expect(machine.ask(3, { user: bob })).toEqual(only(2, 3));
    const folder = join(machine.home(alice), '.local/state/virtshim/rates/subject');
    const [file = ''] = readdirSync(folder);
    expect(file).toMatch(/^[0-9a-f]{16}-2-54321$/);
    for (const [path, uid] of [
      [folder, alice.uid],
      [machine.rates('subject'), 0],
    ] as const) {
      expect(statSync(path)).toMatchObject({ mode: 0o40700, uid });
      for (const name of readdirSync(path)) expect(statSync(join(path, name))).toMatchObject({ mode: 0o100600, uid });
    }
  });

  test('cannot be counted for the host where they may not write: deny rules hold, and a notice says why', async () => {
    const machine = await new Machine().install(document([limited(perHost(2))]));
    const run = machine.run([opened, ...asks(2)], { user: alice });
    expect(run.passed).toEqual([false, false]);
    expect(run.notices).toEqual([
      expect.stringMatching(
        /^the limit of rule `few` cannot be counted: `\/var\/lib\/virtshim\/rates\/host\/[0-9a-f]{16}-2`: Permission denied$/,
      ),
    ]);
    expect(machine.ask(3)).toEqual(only(2, 3));
  });

  test('and where they may not, allow rules do not hold', async () => {
    const rules: RuleDocument[] = [{ ...limited(perHost(2)), effect: 'allow' }];
    const defaults = { '*': 'allow', read: 'deny' } as const;
    const machine = await new Machine().install({ ...document(rules), defaults });
    expect(machine.ask(2, { user: alice })).toEqual([false, false]);
  });

  test('share a count where root made the folder for their group', async () => {
    const machine = await new Machine().install(document([limited(perHost(5))]));
    mkdirSync(machine.rates('host'), { recursive: true, mode: 0o755 });
    chownSync(machine.rates('host'), 0, group);
    chmodSync(machine.rates('host'), 0o2770);
    const members = [alice, bob].map((user) => ({ ...user, groups: [group] }));
    expect(members.flatMap((user) => machine.ask(2, { user }))).toEqual([true, true, true, true]);
    expect(machine.ask(2)).toEqual([true, false]);
    expect(machine.ask(1, { user: { ...alice, groups: [group] } })).toEqual([false]);
    expect(statSync(machine.file('host'))).toMatchObject({ mode: 0o100660, gid: group });
    expect(machine.run([opened, ask], { user: { uid: 54323 } }).notices).toHaveLength(1);
  });

  test('are told apart by their logins, whoever they became since', async () => {
    const machine = new Machine();
    const policy = await imageFile(document([limited(perSubject(2))]));
    const login = join(temporaryFolder('proc'), 'loginuid');
    const askAs = (auid: number): boolean[] => {
      writeFileSync(login, String(auid));
      const script = 'mount --bind "$1" /proc/$$/task/$$/loginuid || exit 99; shift; exec "$@"';
      const [unshare, args] = machine.command([opened, ...asks(3)]);
      const at = args.indexOf('--', 4) + 1;
      const all = [...args.slice(0, at), 'sh', '-c', script, 'sh', login, ...args.slice(at)];
      return passed(runShimmed(unshare, all, { policy, env: machine.environment() }).stdout);
    };
    expect(askAs(1000)).toEqual(only(2, 3));
    expect(askAs(1001)).toEqual(only(2, 3));
    expect(askAs(1000)).toEqual(only(0, 3));
    expect(askAs(4294967295)).toEqual(only(2, 3));
    expect(readdirSync(machine.rates('own')).map((name) => name.split('-')[2])).toEqual(
      expect.arrayContaining(['1000', '1001', '0']),
    );
  });
});

describe('a file that is not as it was left', () => {
  const rule = document([limited(perHost(3))]);

  const damages: readonly (readonly [string, RegExp, (file: string) => void])[] = [
    ['cut short', /it is damaged, remove it$/, (file) => truncateSync(file, 70)],
    ['another file', /it is damaged, remove it$/, (file) => writeFileSync(file, 'x'.repeat(88))],
    ['grown', /it is damaged, remove it$/, (file) => truncateSync(file, 1 << 30)],
    ['writable by others', /the file is writable by others$/, (file) => chmodSync(file, 0o666)],
    ["another user's", /the file belongs to another user$/, (file) => chownSync(file, 54321, 54321)],
    ['a folder', /Is a directory$/, (file) => replace(file, () => mkdirSync(file))],
    ['a link', /Too many levels of symbolic links$/, (file) => replace(file, () => symlinkSync('/dev/null', file))],
    ['a second name of a file', /the file has several names$/, (file) => linkSync(file, `${file}.more`)],
  ];

  function replace(file: string, by: () => void): void {
    rmSync(file);
    by();
  }

  test.each(damages)('%s: the limit is unknown, and a notice says why', async (_what, why, damage) => {
    const machine = await new Machine().install(rule);
    expect(machine.ask(1)).toEqual([true]);
    const file = machine.file('host');
    damage(file);
    const run = machine.run([opened, ...asks(2)]);
    expect(run.passed).toEqual([false, false]);
    expect(run.notices).toEqual([expect.stringMatching(why)]);
    rmSync(file, { recursive: true });
    rmSync(`${file}.more`, { force: true });
    expect(machine.ask(4)).toEqual(only(3, 4));
  });

  test('a folder that others may write to, or that is theirs, is not used', async () => {
    const machine = await new Machine().install(rule);
    expect(machine.ask(1)).toEqual([true]);
    chmodSync(machine.rates('host'), 0o777);
    expect(machine.run([opened, ask])).toMatchObject({
      passed: [false],
      notices: [expect.stringMatching(/the folder is writable by others$/)],
    });
    chmodSync(machine.rates('host'), 0o700);
    chownSync(join(machine.lib, 'virtshim'), 54321, 54321);
    expect(machine.run([opened, ask]).notices).toEqual([expect.stringMatching(/belongs to another user$/)]);
  });

  test('a program without descriptors left is refused', async () => {
    const run = await runFacts(['ask', 'ask_without_files', 'ask'], limited(perHost(10)));
    expect(run.stdout).toMatch(/^ask\t\d+\t0\t$.*^ask_without_files\t-1\t88\t.*^ask\t\d+\t0\t$/ms);
  });
});

describe('windows of time', () => {
  const clock = (zone: string, hours: number): string =>
    new Date(Date.now() + hours * 3_600_000).toLocaleTimeString('en-GB', {
      ...{ timeZone: zone, hour: '2-digit', minute: '2-digit' },
    });
  const around = (zone: string, by = zone) => ({ zone: by, from: clock(zone, -2), to: clock(zone, 2) });
  const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
  const refuses = async (times: RuleDocument['times'] & object): Promise<boolean> => {
    const rule: RuleDocument = { id: 'it', effect: 'deny', actions: ['virConnectNumOfDomains'], times };
    const run = runShimmed(callsProgram(), [opened, ask], { policy: await imageFile(document([rule])) });
    return passed(run.stdout)[0] === false;
  };

  anyTest.each(['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland'])(
    '%s: the hours around now, and the rest of the day',
    async (zone) => {
      expect(await refuses([around(zone)])).toBe(true);
      const { from, to } = around(zone);
      expect(await refuses([{ zone, from: to, to: from }])).toBe(false);
    },
  );

  anyTest('the same hours of another zone are others', async () => {
    expect(await refuses([around('Pacific/Auckland', 'America/New_York')])).toBe(false);
    expect(await refuses([around('America/New_York', 'Pacific/Auckland')])).toBe(false);
  });

  anyTest('days', async () => {
    const today = new Date().getUTCDay();
    const others = weekdays.filter((_, day) => (day - today + 7) % 7 > 1);
    const near = [today, today + 1].map((day) => weekdays[day % 7] ?? 'sun');
    expect(await refuses([{ zone: 'UTC', days: near }])).toBe(true);
    expect(await refuses([{ zone: 'UTC', days: others }])).toBe(false);
    expect(await refuses([{ zone: 'UTC', days: others }, around('UTC')])).toBe(true);
  });
});
