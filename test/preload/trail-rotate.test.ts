// Rotation and verification as people use them: the real command beside real virsh under the shim.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readTrail, type TrailVerification, verifyTrail } from '../../src/trail/index.js';
import { virtshim } from '../support/cli.js';
import { temporaryFolder } from '../support/paths.js';
import { asUser } from '../support/public_view.js';
import { imageFile, permissiveExcept, shimEnvironment } from '../support/shim.js';
import { requireThat } from '../support/tools.js';
import { linesOf } from '../support/trail_writer.js';

let policy: string;
beforeAll(async () => {
  policy = await imageFile(permissiveExcept([], { audit: { netlink: false, file: 'always' } }));
});

const auditd = /^enabled 1.*^pid [1-9]/ms.test(spawnSync('auditctl', ['-s'], { encoding: 'utf8' }).stdout ?? '');
const withAuditd = requireThat(process.geteuid?.() === 0 && auditd, 'the log of the system needs root and auditd');

const newTrail = () => join(temporaryFolder('rotate'), 'trail');
const commands = (pairs: number) => 'suspend test\nresume test\n'.repeat(pairs);

/** virsh under the shim; it runs the lines of its standard input. */
function virsh(trail: string, image = policy): ChildProcess {
  const env = shimEnvironment({ policy: image }, trail);
  return spawn('virsh', ['-q', '-c', 'test:///default'], { env, stdio: ['pipe', 'ignore', 'ignore'] });
}

async function run(trail: string, pairs: number, image = policy): Promise<void> {
  const child = virsh(trail, image);
  child.stdin?.end(commands(pairs));
  const [status] = await once(child, 'exit');
  expect(status).toBe(0);
}

const trailNames = (trail: string) => readdirSync(trail).filter((name) => name.startsWith('trail.xml'));

async function until(condition: () => boolean): Promise<number> {
  const begin = performance.now();
  while (!condition()) await setTimeout(20);
  return performance.now() - begin;
}

interface Counted {
  suspends: number;
  answered: number;
  sequences: number[];
}

async function count(trail: string): Promise<Counted> {
  const [calls, responses, sequences] = [new Set<string>(), new Set<string>(), [] as number[]];
  let suspends = 0;
  for await (const { record } of readTrail(trail)) {
    sequences.push(record?.seq ?? Number.NaN);
    if (record?.event !== 'virDomainSuspend') continue;
    suspends++;
    (record.type === 'methodcall' ? calls : responses).add(record.rid);
  }
  expect(suspends).toBe(calls.size + responses.size);
  return { suspends: calls.size, answered: [...calls].filter((rid) => responses.has(rid)).length, sequences };
}

describe('virtshim trail rotate', () => {
  test('beside many programs that go on writing loses nothing', async () => {
    const trail = newTrail();
    await run(trail, 1);
    const programs = Array.from({ length: 4 }, () => run(trail, 400));
    let running = true;
    const all = Promise.all(programs).then(() => {
      running = false;
    });
    const rotated: string[] = [];
    while (running) {
      const outcome = virtshim(['trail', 'rotate', trail, '--compress', '--json']);
      expect(outcome).toMatchObject({ status: 0, stderr: '' });
      rotated.push((JSON.parse(outcome.stdout) as { rotated?: string }).rotated ?? '');
      await setTimeout(50);
    }
    await all;
    const { suspends, answered, sequences } = await count(trail);
    expect([suspends, answered]).toEqual([1601, 1601]);
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    expect(await verifyTrail(trail)).toMatchObject({ ok: true, unanswered: [], anchored: expect.any(Number) });
    expect(rotated.filter((name) => name !== '').length).toBeGreaterThan(0);
  });

  test('--automatic is taken up by programs that run already, within a second; --no-automatic too', async () => {
    const trail = newTrail();
    const program = virsh(trail);
    const writing = setInterval(() => program.stdin?.write(commands(1)), 25);
    await until(() => existsSync(join(trail, 'trail.xml')));
    expect(virtshim(['trail', 'rotate', trail, '--automatic', '--size', '1']).status).toBe(0);
    // The program looks once a second, and the machine may be busy.
    expect(await until(() => trailNames(trail).length > 3)).toBeLessThan(4000);
    expect(virtshim(['trail', 'rotate', trail, '--no-automatic'])).toMatchObject({ status: 0, stdout: '' });
    await setTimeout(1500);
    const before = trailNames(trail).length;
    await setTimeout(500);
    expect(trailNames(trail)).toHaveLength(before);
    clearInterval(writing);
    program.stdin?.end();
    await once(program, 'exit');
    expect(await verifyTrail(trail)).toMatchObject({ ok: true });
  });

  test('says what it did', async () => {
    const trail = newTrail();
    await run(trail, 2);
    const outcome = virtshim(['trail', 'rotate', trail, '--size', '1G']);
    expect(outcome).toMatchObject({ status: 0, stdout: 'trail.xml stays\n', stderr: '' });
    expect(virtshim(['trail', 'rotate', trail, '--size', '1', '--compress']).stdout).toMatch(
      /^trail\.xml is now (trail\.xml-\d{8}T\d{6}Z-\d+)\ncompressed \1\n$/,
    );
    await run(trail, 2);
    expect(virtshim(['trail', 'rotate', trail, '--age', '1s', '--keep', '0']).stdout).toMatch(
      /removed trail\.xml-.*\.gz\n$/,
    );
    expect(virtshim(['trail', 'verify', trail])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(
        / is whole: records \d+ to \d+, \d+ anchored, records up to \d+ removed by user \d+\n$/,
      ),
    });
    expect(virtshim(['trail', 'show', trail]).status).toBe(0);
  });

  test('explains what it cannot do', async () => {
    const trail = newTrail();
    const failing = (...args: string[]) => {
      const { status, stderr } = virtshim(['trail', 'rotate', ...args]);
      return [status, stderr] as const;
    };
    expect(failing(trail)).toEqual([3, expect.stringContaining(`no trail in \`${trail}\``)]);
    expect(failing(trail, '--automatic', '--size', '1M')).toEqual([3, expect.stringContaining('no trail in')]);
    await run(trail, 1);
    expect(failing(trail, '--automatic')).toEqual([2, expect.stringContaining('at which size or age?')]);
    expect(failing(trail, '--size', '64X')).toEqual([2, expect.stringContaining('`64X` is no size')]);
    expect(failing(trail, '--size', '999999999T')).toEqual([2, expect.stringContaining('is no size')]);
    expect(failing(trail, '--age', '999999w')).toEqual([2, expect.stringContaining('is no span of time')]);
    expect(failing(trail, '--keep', '-1')).toEqual([2, expect.stringContaining('is no number of files')]);
    chmodSync(trail, 0o777);
    expect(failing(trail)).toEqual([3, expect.stringContaining('the folder is writable by others')]);
    if (process.geteuid?.() !== 0) return;
    const asNobody = asUser(65534)(['trail', 'rotate', trail]);
    expect([asNobody.status, asNobody.stderr]).toEqual([3, expect.stringMatching(/cannot (read|rotate)/)]);
  });
});

describe('virtshim trail verify', () => {
  test('names the first problem first, and ends with 1', async () => {
    const trail = newTrail();
    await run(trail, 5);
    const lines = linesOf(trail);
    const file = join(trail, 'trail.xml');
    expect(virtshim(['trail', 'verify', trail, '--quiet'])).toMatchObject({ status: 0, stdout: '', stderr: '' });
    const texts = readFileSync(join(trail, 'audit.log'), 'latin1');
    writeFileSync(file, `${lines.slice(0, -2).join('\n')}\n`);
    rmSync(join(trail, '.trail.state'));
    const cut = virtshim(['trail', 'verify', trail]);
    expect(cut.status).toBe(1);
    expect(cut.stdout.split('\n')[0]).toMatch(
      /^.*audit\.log:\d+: missing: virDomainResume of test at .* is in the audit text, but not in the trail$/,
    );
    unlinkSync(join(trail, 'audit.log'));
    expect(virtshim(['trail', 'verify', trail])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('.trail.state is not there'),
    });
    const logs = join(temporaryFolder('logs'), 'audit');
    mkdirSync(logs);
    writeFileSync(join(logs, 'audit.log'), texts);
    const found = virtshim(['trail', 'verify', trail, '--anchor', logs, '--json']);
    expect(found.status).toBe(1);
    expect(JSON.parse(found.stdout)).toMatchObject({ ok: false, problems: [{ kind: 'missing' }], problemCount: 1 });
  });

  withAuditd('finds in the log of the system what was cut off here', async () => {
    const trail = newTrail();
    const netlink = await imageFile(permissiveExcept([], { audit: { netlink: true } }));
    await run(trail, 3, netlink);
    const verified = () => JSON.parse(virtshim(['trail', 'verify', trail, '--json']).stdout) as TrailVerification;
    let before = verified();
    for (let i = 0; before.anchored < 6 && i < 50; i++) {
      await setTimeout(200);
      before = verified();
    }
    expect(before).toMatchObject({ ok: true, problems: [] });
    const lines = linesOf(trail);
    writeFileSync(join(trail, 'trail.xml'), `${lines.slice(0, -2).join('\n')}\n`);
    rmSync(join(trail, '.trail.state'));
    const rid = / rid="(\w+)"/.exec(lines.at(-1) ?? '')?.[1];
    expect(verified().problems).toMatchObject([
      { kind: 'missing', rid, file: expect.stringMatching('/var/log/audit/') },
    ]);
  });

  test('wants to read the logs that it is told to', async () => {
    const trail = newTrail();
    await run(trail, 1);
    const outcome = virtshim(['trail', 'verify', trail, '--anchor', '/no/such/log']);
    expect(outcome).toMatchObject({ status: 3, stderr: expect.stringContaining('cannot read `/no/such/log`') });
  });
});
