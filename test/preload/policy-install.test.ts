// `virtshim policy install` and `policy status`: each test has its own view of /etc.
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect } from '@jest/globals';
import type { PolicyDiff } from '../../src/policy/diff.js';
import type { PolicyDocument } from '../../src/policy/document.js';
import type { PolicyStatus } from '../../src/policy/status.js';
import { command } from '../support/cli.js';
import { compileFixture } from '../support/fixtures.js';
import { CLI, ROOT, temporaryFolder } from '../support/paths.js';
import { canMountPrivately, type Mount, withMounts } from '../support/private_mounts.js';
import { recordedTrail } from '../support/recorded_calls.js';
import { deny, permissiveExcept, shimEnvironment } from '../support/shim.js';
import { findTool, requireThat } from '../support/tools.js';

const test = requireThat(canMountPrivately, 'needs mounts of its own');
const strace = findTool('strace') ?? '';
const canInject =
  strace !== '' &&
  spawnSync(strace, ['-e', 'inject=fsync:signal=KILL:when=9', 'true'], { stdio: 'ignore' }).status === 0;
const testKills = requireThat(canMountPrivately && canInject, 'needs mounts of its own and strace');

const shipped = (name: string) => join(ROOT, 'policies', `${name}.json`);

/** A machine whose /etc is empty. */
class Host {
  readonly etc = temporaryFolder('etc');
  readonly mounts: readonly Mount[] = [{ path: '/etc', source: this.etc }];

  constructor() {
    chmodSync(this.etc, 0o755);
  }

  run(...args: string[]) {
    return this.start(process.execPath, [CLI, 'policy', ...args]);
  }

  start(program: string, args: readonly string[]) {
    // Certificates are looked for in the machine's /etc.
    return command(...withMounts(this.mounts, program, args), { env: { NODE_EXTRA_CA_CERTS: '' } });
  }

  install(file: string): void {
    expect(this.run('install', file)).toMatchObject({ status: 0, stderr: '' });
  }

  status(): PolicyStatus {
    return JSON.parse(this.run('status', '--json').stdout) as PolicyStatus;
  }

  get files(): string[] {
    return readdirSync(join(this.etc, 'virtshim')).sort();
  }

  image(name = 'policy.img'): string {
    return readFileSync(join(this.etc, 'virtshim', name)).toString('hex');
  }
}

function policyFile(document: PolicyDocument, cases?: object): string {
  const file = join(temporaryFolder('policy'), 'p.json');
  writeFileSync(file, JSON.stringify(document));
  if (cases !== undefined) writeFileSync(file.replace('.json', '.cases.json'), JSON.stringify(cases));
  return file;
}

const destroyed = (effect: string) => ({ cases: [{ call: { function: 'virDomainDestroy' }, expect: { effect } }] });
const open = permissiveExcept([], { name: 'open' });
const closed = permissiveExcept([deny('no-asking', ['virConnectNumOfDomains'])], { name: 'closed' });

describe('install', () => {
  test('puts the policy in place, readable by all and written by root alone, and keeps the one before', () => {
    const host = new Host();
    const first = host.run('install', shipped('operator'));
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout).toMatch(/^97 cases passed\npolicy `operator` \([0-9a-f]{16}\) is in force\n$/);
    expect(host.files).toEqual(['policy.img']);
    const operator = host.image();
    host.install(shipped('read-only'));
    expect(host.files).toEqual(['policy.img', 'policy.img.previous']);
    expect(host.image('policy.img.previous')).toBe(operator);
    expect(statSync(join(host.etc, 'virtshim/policy.img')).mode & 0o777).toBe(0o644);
    expect(statSync(join(host.etc, 'virtshim')).mode & 0o777).toBe(0o755);
  });

  test('of the same policy again keeps the previous one', () => {
    const host = new Host();
    host.install(shipped('operator'));
    host.install(shipped('read-only'));
    const previous = host.image('policy.img.previous');
    expect(host.run('install', shipped('read-only')).stdout).toMatch(/was in force already/);
    expect(host.image('policy.img.previous')).toBe(previous);
  });

  test('repairs an image that others could write', () => {
    const host = new Host();
    host.install(shipped('operator'));
    chmodSync(join(host.etc, 'virtshim/policy.img'), 0o666);
    host.install(shipped('operator'));
    expect(statSync(join(host.etc, 'virtshim/policy.img')).mode & 0o777).toBe(0o644);
  });

  test('--rollback changes the two, and back', () => {
    const host = new Host();
    expect(host.run('install', '--rollback')).toMatchObject({ status: 3, stderr: expect.stringMatching(/no earlier/) });
    host.install(shipped('operator'));
    host.install(shipped('read-only'));
    const [now, before] = [host.image(), host.image('policy.img.previous')];
    expect(host.run('install', '--rollback').status).toBe(0);
    expect([host.image(), host.image('policy.img.previous')]).toEqual([before, now]);
    expect(host.run('install', '--rollback').status).toBe(0);
    expect([host.image(), host.image('policy.img.previous')]).toEqual([now, before]);
  });

  test('a broken image is no policy to go back to', () => {
    const host = new Host();
    host.install(shipped('operator'));
    host.install(shipped('read-only'));
    const previous = host.image('policy.img.previous');
    writeFileSync(join(host.etc, 'virtshim/policy.img'), 'broken');
    host.install(shipped('blast-radius'));
    expect(host.image('policy.img.previous')).toBe(previous);
  });

  test('--dry-run writes nothing', () => {
    const host = new Host();
    const run = host.run('install', '--dry-run', shipped('operator'));
    expect(run).toMatchObject({ status: 0, stdout: expect.stringMatching(/would be in force/) });
    expect(readdirSync(host.etc)).toEqual([]);
  });

  test("--dry-run says what would change against the host's policy, on recorded traffic too", () => {
    const host = new Host();
    host.install(policyFile(open));
    const trail = recordedTrail([
      { call: 'virDomainDestroy', name: 'web-1', uid: 0 },
      { call: 'virDomainGetInfo', name: 'web-1' },
    ]);
    const stricter = policyFile({ ...open, rules: [deny('no-destroy', ['domain.stop'])], name: 'stricter' });
    const found = host.run('install', '--dry-run', stricter);
    expect(found).toMatchObject({ status: 0, stderr: '' });
    expect(found.stdout).toMatch(
      /would be in force in place of policy `open` .*\nrule `no-destroy` \(added\), `domain.stop`: permitted by default -> denied by `no-destroy`\n/,
    );
    const recorded = host.run('install', '--dry-run', '--trail', trail, stricter).stdout;
    expect(recorded).toContain(
      'recorded traffic: 1 of 2 calls change their verdict\n  uid 0: 1 call\n    1 x virDomainDestroy on `web-1`',
    );
    const { diff } = JSON.parse(host.run('install', '--dry-run', '--json', stricter).stdout) as { diff: PolicyDiff };
    expect(diff.analysis?.counterexamples[0]).toMatchObject({
      part: { id: 'no-destroy' },
      after: { verdict: 'denied' },
    });
    expect(host.run('install', '--trail', trail, stricter).status).toBe(2);
    expect(host.run('install', '--dry-run', policyFile(open)).stdout).toMatch(/the same: both compile to one image\n$/);
  });

  test.each([
    ['has an error', policyFile({ ...open, rules: [deny('x', ['domain.stpo'])] }), /unknown action `domain.stpo`/],
    ['fails a case', policyFile(open, destroyed('deny')), /1 of 1 cases fail/],
    ['has cases that cannot be run', policyFile(open, { cases: [{ call: {} }] }), /cannot be run/],
    ['is not there', '/no/such/policy.json', /no such file/],
  ])('of a policy that %s leaves the last one', (_what, file, message) => {
    const host = new Host();
    host.install(shipped('operator'));
    const image = host.image();
    expect(host.run('install', file)).toMatchObject({ status: 3, stderr: expect.stringMatching(message) });
    expect(host.files).toEqual(['policy.img']);
    expect(host.image()).toBe(image);
  });

  test('into a folder that others can write is refused', () => {
    const host = new Host();
    mkdirSync(join(host.etc, 'virtshim'));
    chmodSync(join(host.etc, 'virtshim'), 0o777);
    const run = host.run('install', shipped('operator'));
    expect(run).toMatchObject({ status: 3, stderr: expect.stringMatching(/not a folder that only root can write/) });
    expect(host.files).toEqual([]);
  });

  test('on a full disk leaves the last one', () => {
    const host = new Host();
    const line = `'${process.execPath}' '${CLI}' policy`;
    const script = [
      'mkdir /etc/virtshim && mount -t tmpfs -o size=16k tmpfs /etc/virtshim && chmod 755 /etc/virtshim',
      `${line} install '${shipped('operator')}' && ${line} status`,
      `${line} install '${shipped('no-host-escape')}'; echo "code $?"; ${line} status; ls /etc/virtshim`,
    ].join('\n');
    const run = host.start('sh', ['-c', script]);
    const seen = run.stdout.match(/^host policy .*$/gm) ?? [];
    expect(seen).toHaveLength(2);
    expect(seen[1]).toBe(seen[0]);
    expect(run.stdout).toMatch(/^code 3$/m);
    expect(run.stdout).toMatch(/\npolicy\.img\n$/);
    expect(run.stderr).toMatch(/no space left on device/);
  });

  testKills.each([
    ['fsync', 1],
    ['link', 1],
    ['rename', 1],
    ['rename', 2],
    ['fsync', 2],
  ])('killed at %s %i leaves the last policy or the new one, whole', (call, when) => {
    const host = new Host();
    host.install(shipped('operator'));
    const operator = host.image();
    const inject = ['-f', '-qq', '-o', '/dev/null', '-e', `inject=${call}:signal=KILL:when=${when}`];
    const args = [...inject, process.execPath, CLI, 'policy', 'install', shipped('read-only')];
    const killed = host.start(strace, args);
    expect(killed.signal ?? killed.status).not.toBe(0);
    const after = host.image();
    expect(['operator', 'read-only']).toContain(host.status().installed?.name);
    host.install(shipped('read-only'));
    expect(after === operator || after === host.image()).toBe(true);
    host.install(shipped('blast-radius'));
    expect(host.files).toEqual(['policy.img', 'policy.img.previous']);
  });
});

const live: ChildProcessWithoutNullStreams[] = [];
afterAll(() => {
  for (const child of live) child.kill('SIGKILL');
});

/** A program under the shim that asks whenever it is told to. */
function liveProgram(host: Host) {
  const program = compileFixture('facts.c', { flags: ['-lvirt', '-lvirt-qemu', '-ldl', '-lpthread'] });
  const [wrapper, args] = withMounts(host.mounts, program, []);
  const trail = join(temporaryFolder('trail'), 'trail');
  const child = spawn(wrapper, args, { env: shimEnvironment({}, trail) });
  live.push(child);
  let lines: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    lines = [...lines, ...text.split('\n').filter((line) => line !== '')];
  });
  const step = async (text: string): Promise<number> => {
    const before = lines.length;
    child.stdin.write(`${text}\n`);
    for (let waited = 0; lines.length === before; waited += 5) {
      if (waited > 10_000) throw new Error(`no answer to ${text}`);
      await sleep(5);
    }
    return Number(lines.at(-1)?.split('\t')[1]);
  };
  return { pid: child.pid, step };
}

describe('a program that runs', () => {
  test('goes by a policy within a second of its installation, and status tells which', async () => {
    const host = new Host();
    host.install(policyFile(open));
    const { pid, step } = liveProgram(host);
    await step('open:test:///default');
    expect(await step('ask')).toBeGreaterThanOrEqual(0);
    const mine = () => host.status().processes.find((one) => one.pid === pid);
    expect(mine()).toMatchObject({ host: host.status().installed?.digest, current: true });

    host.install(policyFile(closed));
    const start = Date.now();
    expect(mine()).toMatchObject({ current: false });
    expect(host.run('status').status).toBe(1);
    while ((await step('ask')) >= 0) {
      expect(Date.now() - start).toBeLessThan(5_000);
      await sleep(10);
    }
    expect(mine()).toMatchObject({ host: host.status().installed?.digest, current: true });
  });

  test('takes it up within a second while it calls', async () => {
    const host = new Host();
    host.install(policyFile(open));
    const { step } = liveProgram(host);
    await step('open:test:///default');
    expect(await step('ask')).toBeGreaterThanOrEqual(0);
    const image = () => statSync(join(host.etc, 'virtshim/policy.img')).ino;
    const before = image();
    const [wrapper, args] = withMounts(host.mounts, process.execPath, [CLI, 'policy', 'install', policyFile(closed)]);
    live.push(spawn(wrapper, args, { env: shimEnvironment({ preload: false }, '') }));
    const started = Date.now();
    let replaced = 0;
    for (;;) {
      if (replaced === 0 && image() !== before) replaced = Date.now();
      const asked = Date.now();
      if ((await step('ask')) < 0) break;
      expect(asked - started).toBeLessThan(30_000);
      if (replaced > 0) expect(asked - replaced).toBeLessThan(1_000);
      await sleep(10);
    }
    expect(replaced).toBeGreaterThan(0);
  });
});

test('status says where there is no policy, and where it cannot be used', () => {
  const host = new Host();
  expect(host.run('status')).toMatchObject({ stdout: expect.stringMatching(/^no host policy is installed\n/) });
  mkdirSync(join(host.etc, 'virtshim'));
  writeFileSync(join(host.etc, 'virtshim/policy.img'), 'broken');
  expect(host.run('status')).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/^the host policy cannot be used/),
  });
});
