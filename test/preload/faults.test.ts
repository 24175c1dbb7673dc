// What happens to calls when their records cannot be written, and to the trail when somebody meddles with its files.
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect } from '@jest/globals';
import type { PolicyDocument } from '../../src/policy/document.js';
import { verifyTrail } from '../../src/trail/verify.js';
import {
  type ActorOptions,
  type Answer,
  act,
  actorProgram,
  type Command,
  compileInjection,
  OPEN,
} from '../support/actor.js';
import { hostileValues } from '../support/hostile.js';
import { temporaryFolder } from '../support/paths.js';
import { deny, imageFile, PRELOAD, permissiveExcept, shimEnvironment } from '../support/shim.js';
import { requireThat, requireTool } from '../support/tools.js';
import { type ReadRecord, readTrail, trailLines } from '../support/trail_checks.js';

const test = requireTool('cc');
const asRoot = requireThat(process.getuid?.() === 0, 'only root can mount');

type OnAuditFailure = 'deny' | 'allow';
const both: OnAuditFailure[] = ['deny', 'allow'];

const policyOf = (onAuditFailure: OnAuditFailure, more: Partial<PolicyDocument> = {}) =>
  imageFile(permissiveExcept([deny('no-reset', ['virDomainReset'])], { onAuditFailure, ...more }));

const DENIED = 88;
const changes: Command[] = [['suspend'], ['resume'], ['setmem', '2048'], ['destroyflags'], ['createflags']];
const queries: Command[] = [['lookup', 'test'], ['active']];

const trailOf = () => join(temporaryFolder('faults'), 'trail');
const shell = (script: string): Command => ['shell', `unset LD_PRELOAD; ${script}`];

async function play(
  commands: readonly Command[],
  onAuditFailure: OnAuditFailure,
  trail: string,
  more: ActorOptions = {},
) {
  const run = act([OPEN, ['lookup', 'test'], ...commands], { policy: await policyOf(onAuditFailure), trail, ...more });
  expect(`${run.status} ${run.signal} ${run.stderr}`).toBe('0 null ');
  expect(run.answers).toHaveLength(commands.length + 2);
  return run.answers.slice(2);
}

const ends = (answers: readonly Answer[]) =>
  answers.map((answer) => `${answer.command} ${answer.result} ${answer.code}`);
const allOk = (commands: readonly Command[]) => commands.map(([name]) => `${name} 0 0`);
const allRefused = (commands: readonly Command[]) => commands.map(([name]) => `${name} -1 ${DENIED}`);

const count = (records: readonly ReadRecord[], event: string, type: string) =>
  records.filter((record) => record.event === event && record.type === type).length;

async function problemsOf(trail: string): Promise<string[]> {
  return (await verifyTrail(trail)).problems.map((problem) => problem.kind);
}

// What cannot be written, and what the refusal then says.
interface Broken {
  begin: readonly Command[];
  end: readonly Command[];
  says: RegExp;
  preload?: () => string;
}

const faultLibrary = () => compileInjection('faults.c', ['-shared', '-fPIC', '-ldl'], 'faults.so');
const eachSecond: Command = ['sleep', '1100'];
const failing = (error: number, bytes: number, says: RegExp): Broken => ({
  begin: [['fail', 'trail.xml', String(error), String(bytes)]],
  end: [['fail', '', '0', '0']],
  says,
  preload: faultLibrary,
});
const replaced =
  (script: (trail: string) => string, says: RegExp) =>
  (trail: string): Broken => ({
    begin: [shell(`cd ${trail} && cp trail.xml ../kept && rm trail.xml && ${script(trail)}`)],
    end: [shell(`cd ${trail} && rm -rf trail.xml && cp ../kept trail.xml`)],
    says,
  });

const broken: Record<string, (trail: string) => Broken> = {
  'every write fails': () => failing(5, 0, /Input\/output error/),
  'a write fails half way': () => failing(5, 300, /Input\/output error/),
  'the quota is used up': () => failing(122, 17, /Disk quota exceeded/),
  'trail.xml is a symbolic link': replaced(() => 'touch ../target; ln -s ../target trail.xml', /symbolic links/),
  'trail.xml is a dangling link': replaced(() => 'ln -s ../nothing trail.xml', /symbolic links|not a regular file/),
  'trail.xml is a FIFO': replaced(() => 'mkfifo trail.xml', /not a regular file/),
  'trail.xml is a folder': replaced(() => 'mkdir trail.xml', /[Ii]s a directory|not a regular file/),
  'trail.xml is a device': replaced(() => 'mknod trail.xml c 1 3', /not a regular file/),
  'trail.xml has a second name': replaced(() => 'touch trail.xml; ln trail.xml ../second', /several names/),
  'others may write to trail.xml': replaced(() => 'touch trail.xml; chmod 666 trail.xml', /writable by others/),
  'trail.xml is somebody else’s': replaced(() => 'touch trail.xml; chown 65534 trail.xml', /another user/),
  'others may write to the folder': (trail) => ({
    begin: [shell(`cd ${trail} && cp trail.xml ../kept && rm trail.xml && chmod 777 .`)],
    end: [shell(`cd ${trail} && cp ../kept trail.xml && chmod 700 .`)],
    says: /writable by others/,
  }),
  'the folder is a file': (trail) => ({
    begin: [shell(`mv ${trail} ${trail}.kept && touch ${trail}`), eachSecond],
    end: [shell(`rm ${trail} && mv ${trail}.kept ${trail}`), eachSecond],
    says: /not a folder|[Nn]ot a directory/,
  }),
};

describe.each(both)('with onAuditFailure %s, while records cannot be written because', (onAuditFailure) => {
  asRoot.each(Object.entries(broken))('%s', async (_what, make) => {
    const trail = trailOf();
    const { begin, end, says, preload } = make(trail);
    const env = preload === undefined ? {} : { LD_PRELOAD: `${PRELOAD}:${preload()}` };
    const commands = [...changes, ...begin, ...changes, ['reset'] as const, ...queries, ...end, ...changes];
    const answers = await play(commands, onAuditFailure, trail, { env });
    const part = (at: number, size: number) => answers.slice(at, at + size);
    let at = changes.length + begin.length;
    expect(ends(part(0, at))).toEqual(allOk(commands.slice(0, at)));
    const during = part(at, changes.length);
    expect(ends(during)).toEqual(onAuditFailure === 'deny' ? allRefused(changes) : allOk(changes));
    if (onAuditFailure === 'deny') {
      for (const answer of during) {
        expect(answer.message?.toString()).toMatch(
          /^access denied: vir\w+ on domain 'test': it cannot be recorded: trail `[^`]+`: .* \(record [0-9a-f]{16}\)$/,
        );
        expect(answer.message?.toString()).toMatch(says);
      }
    }
    at += changes.length;
    // What a rule denies stays denied by that rule, and who only looks is let through.
    expect(answers[at]?.message?.toString()).toContain("rule 'no-reset'");
    expect(ends(part(at + 1, queries.length))).toEqual(allOk(queries));
    // When it is over, it is over.
    expect(ends(answers.slice(-changes.length))).toEqual(allOk(changes));
    const records = readTrail(trail);
    expect(count(records, 'virDomainSuspend', 'methodcall')).toBe(2);
    expect(count(records, 'virDomainSuspend', 'methodresponse')).toBe(2);
    expect(await problemsOf(trail)).toEqual([]);
    for (const name of ['target', 'nothing', 'second']) {
      const path = join(trail, '..', name);
      if (existsSync(path)) expect([name, statSync(path).size]).toEqual([name, 0]);
    }
  });

  asRoot('the disk is full', async () => {
    const folder = temporaryFolder('full');
    mount(folder, 'size=300k,mode=700');
    const trail = join(folder, 'trail');
    const many = Array.from({ length: 30 }, () => [['suspend'], ['resume']] as Command[]).flat();
    const fill = shell(`cat /dev/zero 2>/dev/null > ${folder}/filler; true`);
    const commands = [...changes, fill, ...many, shell(`rm ${folder}/filler`), ...changes];
    const answers = await play(commands, onAuditFailure, trail);
    const during = answers.slice(changes.length + 1, changes.length + 1 + many.length);
    const refused = during.filter((answer) => answer.code === DENIED);
    if (onAuditFailure === 'deny') {
      expect(refused.length).toBeGreaterThan(many.length / 2);
      for (const answer of refused)
        expect(answer.message?.toString()).toMatch(/cannot be recorded: .*No space left on device/);
    } else {
      expect(ends(during)).toEqual(allOk(many));
    }
    expect(ends(answers.slice(-changes.length))).toEqual(allOk(changes));
    const forwarded = answers.filter((answer) => answer.command === 'suspend' && answer.code !== DENIED).length;
    const records = readTrail(trail);
    const calls = count(records, 'virDomainSuspend', 'methodcall');
    if (onAuditFailure === 'deny') expect(calls).toBe(forwarded);
    else expect(calls).toBeLessThan(forwarded);
    expect(await problemsOf(trail)).toEqual([]);
  });

  asRoot('the disk is read-only', async () => {
    const folder = temporaryFolder('readonly');
    mount(folder, 'ro,size=300k');
    const answers = await play(changes, onAuditFailure, join(folder, 'trail'));
    expect(ends(answers)).toEqual(onAuditFailure === 'deny' ? allRefused(changes) : allOk(changes));
    if (onAuditFailure === 'deny')
      expect(answers[0]?.message?.toString()).toMatch(/cannot be recorded: .*Read-only file system/);
  });
});

const mounted: string[] = [];
function mount(folder: string, options: string): void {
  const run = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', folder], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(run.stderr);
  mounted.push(folder);
}
afterAll(() => {
  for (const folder of mounted) spawnSync('umount', ['-l', folder]);
});

describe('the trail goes on', () => {
  const meddle = async (script: string, trail: string, wait = true) => {
    const commands = [
      ...changes,
      shell(`cd ${trail} && ${script}`),
      ...(wait ? [eachSecond] : []),
      ...changes,
      ...changes,
    ];
    const answers = await play(commands, 'deny', trail);
    expect(ends(answers)).toEqual(allOk(commands));
    return readTrail(trail);
  };

  test.each([true, false])('where trail.xml was removed, which shows (noticed at leisure: %s)', async (wait) => {
    const trail = trailOf();
    const records = await meddle('rm trail.xml', trail, wait);
    expect(count(records, 'virDomainSuspend', 'methodresponse')).toBe(2);
    expect(await problemsOf(trail)).toEqual(['removed']);
  });

  test('where trail.xml was rotated, and the chain with it', async () => {
    const trail = trailOf();
    const records = await meddle('mv trail.xml trail.xml.1', trail);
    expect(count(records, 'virDomainSuspend', 'methodresponse')).toBe(2);
    const verification = await verifyTrail(trail);
    expect([verification.problems, verification.files.length]).toEqual([[], 2]);
  });

  test('where trail.xml was rotated twice in the same second', async () => {
    const trail = trailOf();
    const commands = [
      ...changes,
      shell(`cd ${trail} && mv trail.xml trail.xml.2`),
      eachSecond,
      ...changes,
      shell(`cd ${trail} && mv trail.xml trail.xml.1`),
      ...changes,
      eachSecond,
      ...changes,
    ];
    const answers = await play(commands, 'deny', trail);
    expect(ends(answers)).toEqual(allOk(commands));
    const verification = await verifyTrail(trail);
    expect([verification.problems, verification.files.length]).toEqual([[], 3]);
  });

  test.each<[string, string]>([
    ['emptied', ': > trail.xml'],
    ['cut behind a record', 'head -n 3 trail.xml > x; cat x > trail.xml; rm x'],
    ['cut inside a record', 'truncate -s 1500 trail.xml'],
    ['given a line of somebody else’s', 'echo "<evil/>" >> trail.xml'],
    ['given bytes that are no text', 'head -c 3000 /dev/urandom >> trail.xml'],
    ['given a record a second time', 'tail -n 1 trail.xml >> trail.xml'],
  ])('where trail.xml was %s, which shows', async (_what, script) => {
    const trail = trailOf();
    const commands = [...changes, shell(`cd ${trail} && ${script}`), ...changes, ...changes];
    expect(ends(await play(commands, 'deny', trail))).toEqual(allOk(commands));
    expect((await problemsOf(trail)).length).toBeGreaterThan(0);
    // The last calls stand there whole, each on a line of its own.
    const text = readFileSync(join(trail, 'trail.xml'), 'latin1');
    const suspended = text
      .split('\n')
      .filter((line) => /^<methodresponse [^>]*><event>virDomainSuspend<.*<\/methodresponse>$/.test(line));
    expect(suspended.length).toBeGreaterThanOrEqual(2);
    expect(text.endsWith('\n')).toBe(true);
  });

  test('where a killed writer left half a line', async () => {
    const trail = trailOf();
    const records = await meddle('printf "<methodcall" >> trail.xml', trail, false);
    expect(count(records, 'virDomainSuspend', 'methodresponse')).toBe(3);
    expect(await problemsOf(trail)).toEqual([]);
  });

  test.each<[string, string]>([
    [
      'random bytes',
      'dd if=/dev/urandom of=.trail.state bs=1024 count=$(($(stat -c %s .trail.state) / 1024)) conv=notrunc 2>/dev/null',
    ],
    [
      'zeros',
      'dd if=/dev/zero of=.trail.state bs=1024 count=$(($(stat -c %s .trail.state) / 1024)) conv=notrunc 2>/dev/null',
    ],
    [
      'ones',
      "tr '\\0' '\\377' < /dev/zero | dd of=.trail.state bs=1024 count=32 conv=notrunc iflag=fullblock 2>/dev/null",
    ],
    [
      'the state of another trail',
      'cp .trail.state x; dd if=/dev/urandom of=x bs=1 count=64 seek=200 conv=notrunc 2>/dev/null; cat x > .trail.state; rm x',
    ],
  ])('where .trail.state was overwritten with %s', async (_what, script) => {
    const trail = trailOf();
    const records = await meddle(script, trail);
    expect(count(records, 'virDomainSuspend', 'methodresponse')).toBe(3);
    const verification = await verifyTrail(trail);
    expect(verification.problems).toEqual([]);
    expect(verification.last).toBe(trailLines(trail).length);
  });

  test.each([true, false])('where .trail.state was removed (noticed at leisure: %s)', async (wait) => {
    const trail = trailOf();
    await meddle('rm .trail.state', trail, wait);
    expect(await problemsOf(trail)).toEqual([]);
  });

  test('where .trail.state was cut, without a signal to the program', async () => {
    const trail = trailOf();
    const commands = [...changes, shell(`truncate -s 0 ${trail}/.trail.state`), ...changes, eachSecond, ...changes];
    const answers = await play(commands, 'deny', trail);
    expect(ends(answers.slice(-changes.length))).toEqual(allOk(changes));
    expect(await problemsOf(trail)).toEqual([]);
  });

  // As logrotate's copytruncate does, or a shell's `: > *`: what they find may be emptied at any time.
  test('where every file that a pattern finds is emptied again and again, under load', async () => {
    const trail = trailOf();
    const emptying = 'for i in $(seq 200); do for f in *; do : > "$f"; done; sleep 0.002; done';
    const load = Array.from({ length: 300 }, () => changes).flat();
    const commands = [...changes, shell(`cd ${trail} && (${emptying}) >/dev/null 2>&1 &`), ...load];
    expect(ends(await play(commands, 'deny', trail))).toEqual(allOk(commands));
  });

  test.each([true, false])('where the whole folder was removed (noticed at leisure: %s)', async (wait) => {
    const trail = trailOf();
    const commands = [
      ...changes,
      shell(`rm -rf ${trail}`),
      ...(wait ? [eachSecond] : []),
      ...changes,
      eachSecond,
      ...changes,
    ];
    expect(ends(await play(commands, 'deny', trail))).toEqual(allOk(commands));
    expect(count(readTrail(trail), 'virDomainSuspend', 'methodresponse')).toBe(2);
    expect((await problemsOf(trail)).filter((kind) => kind !== 'removed')).toEqual([]);
  });

  test('where the program closes all descriptors and opens others, into which nothing is written', async () => {
    const trail = trailOf();
    const other = join(temporaryFolder('other'), 'file');
    const commands: Command[] = [...changes, ['reusefds', other], ...changes, ['reusefds', other], ...changes];
    const answers = await play(commands, 'deny', trail);
    expect(ends(answers)).toEqual(allOk(commands));
    expect(readFileSync(other, 'utf8')).toBe('');
    expect(count(readTrail(trail), 'virDomainSuspend', 'methodresponse')).toBe(3);
    expect(await problemsOf(trail)).toEqual([]);
  });

  test.each([...hostileValues].filter(([, value]) => value.length <= 200 && !value.includes('/')))(
    'in a folder of any name: %s',
    async (_what, value) => {
      const trail = join(temporaryFolder('named'), value.toString(), 'trail');
      expect(ends(await play(changes, 'deny', trail))).toEqual(allOk(changes));
      expect(await problemsOf(trail)).toEqual([]);
    },
  );

  asRoot('where the program gives up its rights', async () => {
    const trail = trailOf();
    const commands: Command[] = [...changes, ['setuid', '65534'], ...changes, eachSecond, ...changes];
    expect(ends(await play(commands, 'deny', trail))).toEqual(allOk(commands));
    expect(count(readTrail(trail), 'virDomainSuspend', 'methodresponse')).toBe(3);
    expect(readTrail(trail).at(-1)?.root.attributes.uid).toBe('65534');
    expect(await problemsOf(trail)).toEqual([]);
  });

  asRoot('where the program shuts itself into another root', async () => {
    const trail = trailOf();
    const root = temporaryFolder('root');
    const commands: Command[] = [...changes, ['chroot', root], ...changes, eachSecond, ...changes];
    expect(ends(await play(commands, 'deny', trail))).toEqual(allOk(commands));
    expect(readdirSync(root)).toEqual([]);
    expect(count(readTrail(trail), 'virDomainSuspend', 'methodresponse')).toBe(3);
    expect(await problemsOf(trail)).toEqual([]);
  });

  test('where there is no descriptor left', async () => {
    const trail = trailOf();
    const other = join(temporaryFolder('other'), 'file');
    const program = join(temporaryFolder('limited'), 'actor');
    writeFileSync(program, `#!/bin/sh\nulimit -n 20\nexec ${actorProgram()}\n`, { mode: 0o755 });
    const commands: Command[] = [...changes, ['exhaustfds', other], ...changes];
    const answers = await play(commands, 'deny', trail, { program });
    expect(ends(answers)).toEqual(allOk(commands));
    expect(await problemsOf(trail)).toEqual([]);
  });
});

describe('many programs', () => {
  test('write one trail while it is rotated again and again', async () => {
    const folder = temporaryFolder('rotated');
    const trail = join(folder, 'trail');
    await play(changes, 'deny', trail);
    const input = join(folder, 'input');
    const hex = (text: string) => Buffer.from(text).toString('hex');
    const rounds = 15_000;
    writeFileSync(
      input,
      `open ${hex('test:///default')}\nlookup ${hex('test')}\n${'suspend\nresume\n'.repeat(rounds)}`,
    );
    const env = shimEnvironment({ policy: await policyOf('deny') }, trail);
    const writers = [0, 1, 2, 3].map((writer) => {
      const stdin = openSync(input, 'r');
      const stdout = openSync(join(folder, `out-${writer}`), 'w');
      const child = spawn(actorProgram(), [], { env, stdio: [stdin, stdout, 'inherit'] });
      closeSync(stdin);
      closeSync(stdout);
      return new Promise<number | null>((resolve) => child.on('exit', resolve));
    });
    let rotations = 0;
    const rotate = setInterval(() => {
      for (let i = rotations; i > 0; i--) renameSync(join(trail, `trail.xml.${i}`), join(trail, `trail.xml.${i + 1}`));
      if (existsSync(join(trail, 'trail.xml'))) {
        renameSync(join(trail, 'trail.xml'), join(trail, 'trail.xml.1'));
        rotations++;
      } else {
        for (let i = 1; i <= rotations; i++)
          renameSync(join(trail, `trail.xml.${i + 1}`), join(trail, `trail.xml.${i}`));
      }
    }, 100);
    const codes = await Promise.all(writers);
    clearInterval(rotate);
    expect(codes).toEqual([0, 0, 0, 0]);
    await play(changes, 'deny', trail);
    for (const writer of [0, 1, 2, 3]) {
      const told = readFileSync(join(folder, `out-${writer}`), 'utf8').split('\n');
      expect(told.filter((line) => /^(suspend|resume) 0 0 /.test(line))).toHaveLength(2 * rounds);
    }
    const verification = await verifyTrail(trail);
    expect(verification.problems).toEqual([]);
    expect(verification.unanswered).toEqual([]);
    expect(verification.records).toBeGreaterThanOrEqual(4 * 4 * rounds);
    expect(verification.files.length).toBeGreaterThanOrEqual(2);
  });
});

describe('killed programs', () => {
  test('leave a sound trail that lacks no call which they saw completed', async () => {
    const folder = temporaryFolder('killed');
    const trail = join(folder, 'trail');
    mkdirSync(trail, { mode: 0o700 });
    const hex = (text: string) => Buffer.from(text).toString('hex');
    const input = join(folder, 'input');
    const opening = `open ${hex('test:///default')}\nlookup ${hex('test')}\n`;
    writeFileSync(input, opening + 'suspend\nresume\n'.repeat(20_000));
    const env = shimEnvironment(
      { policy: await policyOf('deny', { audit: { netlink: false, file: 'always' } }) },
      trail,
    );
    const one = async (round: number, writer: number) => {
      const stdin = openSync(input, 'r');
      const stdout = openSync(join(folder, `out-${round}-${writer}`), 'w');
      const child = spawn(actorProgram(), [], { env, stdio: [stdin, stdout, 'inherit'] });
      closeSync(stdin);
      closeSync(stdout);
      const ended = new Promise((resolve) => child.on('exit', (_code, signal) => resolve(signal)));
      setTimeout(() => child.kill('SIGKILL'), 20 + Math.random() * 60);
      expect(await ended).toBe('SIGKILL');
      return { pid: child.pid ?? 0, stdout: join(folder, `out-${round}-${writer}`) };
    };
    const writers: { pid: number; stdout: string }[] = [];
    for (let round = 0; round < 15; round++) {
      writers.push(...(await Promise.all([0, 1, 2, 3].map((writer) => one(round, writer)))));
    }
    // One that lives mends what the last ones left.
    await play(changes, 'deny', trail);
    const verification = await verifyTrail(trail);
    expect(verification.problems).toEqual([]);
    const completed = new Map<string, number>();
    for (const record of readTrail(trail)) {
      if (record.type !== 'methodresponse' || !/^virDomain(Suspend|Resume)$/.test(record.event ?? '')) continue;
      const pid = record.root.attributes.pid ?? '';
      completed.set(pid, (completed.get(pid) ?? 0) + 1);
    }
    let seen = 0;
    for (const { pid, stdout } of writers) {
      const told = readFileSync(stdout, 'utf8')
        .split('\n')
        .slice(0, -1)
        .filter((line) => /^(suspend|resume) 0 0/.test(line)).length;
      seen += told;
      expect(completed.get(String(pid)) ?? 0).toBeGreaterThanOrEqual(told);
    }
    expect(seen).toBeGreaterThan(1000);
    expect(verification.unanswered.length).toBeLessThanOrEqual(writers.length);
    expect(readdirSync(trail).sort()).toEqual(['.trail.state', 'audit.log', 'trail.key', 'trail.xml']);
  });
});
