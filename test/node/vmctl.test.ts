// The example examples/vmctl, as its users run it: a process for each command.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { command } from '../support/cli.js';
import { echoGuestXml, makeEchoDisk } from '../support/guests.js';
import { type Daemon, startDaemon, whyNoDaemon } from '../support/libvirtd.js';
import { ROOT, temporaryFolder } from '../support/paths.js';
import { bareEnvironment, readRecords } from '../support/shim.js';
import { requireThat } from '../support/tools.js';

const VMCTL = join(ROOT, 'build/examples/vmctl/main.js');
const OPERATOR = join(ROOT, 'policies/operator.json');
const trail = join(temporaryFolder('vmctl'), 'trail');

const vmctlAt = (uri: string, ...args: string[]) =>
  command(process.execPath, [VMCTL, '-c', uri, '--trail', trail, ...args]);
const vmctl = (...args: string[]) => vmctlAt('test:///default', ...args);

describe('on the test driver', () => {
  test('lists guests as a table', () => {
    expect(vmctl('list')).toMatchObject({
      ...{ status: 0, stderr: '' },
      stdout: 'ID  NAME  STATE    CPUS  MEMORY\n1   test  running  2     2048 MiB\n',
    });
  });

  test('shows the XML of a guest', () => {
    expect(vmctl('dumpxml', 'test').stdout).toMatch(/^<domain type='test' id='1'>\n.*<\/domain>\n$/s);
  });

  test('defines a guest of a file', () => {
    const file = join(temporaryFolder('vmctl'), 'guest.xml');
    writeFileSync(file, "<domain type='test'><name>made</name><memory>1024</memory><os><type>hvm</type></os></domain>");
    expect(vmctl('define', file)).toMatchObject({ status: 0, stdout: 'made defined\n', stderr: '' });
  });

  test.each(['suspend', 'destroy', 'shutdown'])('%s', (name) => {
    expect(vmctl(name, 'test')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^test /), stderr: '' });
  });

  test('what fails for one guest does not keep it from the others', () => {
    expect(vmctl('suspend', 'nobody', 'test')).toMatchObject({
      ...{ status: 1, stdout: 'test suspended\n', stderr: 'vmctl: nobody: Domain not found\n' },
    });
  });

  test('libvirt says no: one line, exit code 1', () => {
    const { status, stdout, stderr } = vmctl('resume', 'test');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^vmctl: test: .*not paused\n$/);
  });

  test('a refusal names the rule and the record, exit code 3; the record names the user', () => {
    const args = ['--policy', OPERATOR, '--user', 'mia', '--reason', 'ticket 12', 'destroy', 'test'];
    const { status, stdout, stderr } = vmctl(...args);
    expect([status, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(
      /^vmctl: test: refused \(rule operator-no-destroy, record [0-9a-f]{16}\): access denied: .*\n$/,
    );
    const [, id] = /record ([0-9a-f]{16})/.exec(stderr) ?? [];
    const record = readRecords(trail).find(({ rid }) => rid === id);
    expect(record).toMatchObject({ event: 'virDomainDestroy', effect: 'denied', rule: 'operator-no-destroy' });
    expect(record?.line).toContain('actor="mia" via="vmctl">ticket 12<');
  });

  test('permits what the policy permits', () => {
    expect(vmctl('--policy', OPERATOR, 'suspend', 'test')).toMatchObject({ status: 0, stdout: 'test suspended\n' });
  });

  test('names that would steer the terminal are shown', () => {
    const file = join(temporaryFolder('vmctl'), 'node.xml');
    const name = 'a\u202eb\u0085c';
    writeFileSync(
      file,
      `<node><domain type='test'><name>${name}</name><memory>1024</memory><os><type>hvm</type></os></domain></node>`,
    );
    expect(vmctlAt(`test://${file}`, 'list').stdout).toContain('a\\u202eb\\u0085c');
  });
});

describe('its command line', () => {
  test.each([
    [[], 'vmctl: no command was given; see vmctl --help\n'],
    [['restart'], 'vmctl: there is no command `restart`; see vmctl --help\n'],
    [['constructor'], 'vmctl: there is no command `constructor`; see vmctl --help\n'],
    [['define'], 'vmctl: usage: vmctl define FILE; see vmctl --help\n'],
    [['--force', 'list'], "vmctl: Unknown option '--force'; see vmctl --help\n"],
    [['events', '--count', '0'], 'vmctl: --count wants a whole number above 0, not `0`; see vmctl --help\n'],
  ])('%j is wrong usage: exit code 2', (args, stderr) => {
    expect(command(process.execPath, [VMCTL, ...args])).toMatchObject({ status: 2, stdout: '', stderr });
  });

  test('--help names every command and option', () => {
    const { status, stdout } = command(process.execPath, [VMCTL, '--help']);
    expect(status).toBe(0);
    const words = [
      'list',
      'start',
      'suspend',
      'resume',
      'shutdown',
      'destroy',
      'define',
      'dumpxml',
      'events',
      'console',
    ];
    for (const word of [...words, '-c, --connect', '--policy', '--trail', '--user'])
      expect(stdout).toContain(`  ${word} `);
  });

  test('a hypervisor that cannot be reached, a policy that is none, a file that is missing: exit code 1', () => {
    expect(vmctlAt('nonsense:///', 'list')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^vmctl: .+\n$/),
    });
    expect(vmctl('--policy', join(ROOT, 'README.md'), 'list')).toMatchObject({ status: 1, stdout: '' });
    const missing = join(trail, 'none.xml');
    expect(vmctl('define', missing).stderr).toContain(`vmctl: cannot read \`${missing}\`: ENOENT`);
  });
});

const whyNot = whyNoDaemon();
const withDaemon = requireThat(whyNot === undefined, whyNot ?? '');

describe('on a libvirtd with a real guest', () => {
  const workplace = temporaryFolder('vmctl');
  const id = randomUUID();
  let daemon: Daemon;

  beforeAll(async () => {
    if (whyNot !== undefined) return;
    daemon = await startDaemon({ cache: join(workplace, 'cache') });
    writeFileSync(join(workplace, 'guest.xml'), echoGuestXml('echo', id, makeEchoDisk(join(workplace, 'disk.raw'))));
  });

  afterAll(() => daemon?.stop());

  const run = (...args: string[]) => {
    const { status, stdout, stderr } = vmctlAt(daemon.uri, ...args);
    return status === 0 ? stdout : `exit code ${status}: ${stderr}`;
  };

  function start(...args: string[]): ChildProcessByStdio<Writable, Readable, Readable> & { said: () => string } {
    const child = spawn(process.execPath, [VMCTL, '-c', daemon.uri, '--trail', trail, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: bareEnvironment(),
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (more: string) => {
        text += more;
      });
    }
    return Object.assign(child, { said: () => text });
  }

  async function until(child: { said: () => string }, text: string): Promise<void> {
    for (let waited = 0; !child.said().includes(text); waited += 20) {
      if (waited > 20_000) throw new Error(`\`${text}\` did not come: ${child.said()}`);
      await sleep(20);
    }
  }

  withDaemon('the whole life of a guest, its events and its console', async () => {
    expect(run('define', join(workplace, 'guest.xml'))).toBe('echo defined\n');
    expect(run('list')).not.toContain('echo');
    expect(run('list', '--all')).toMatch(/^- +echo +shut off +1 +16 MiB$/m);

    const events = start('events', '--count', '4', 'echo');
    await until(events, 'listening');
    expect(run('start', 'echo')).toBe('echo started\n');
    expect(run('list')).toMatch(/^\d+ +echo +running /m);

    const terminal = start('console', 'echo');
    await until(terminal, 'Ctrl+] leaves');
    terminal.stdin.write('hello\r');
    await until(terminal, 'HELLO');
    terminal.stdin.write('\u001d');
    expect(await once(terminal, 'exit')).toEqual([0, null]);

    expect(run('suspend', 'echo')).toBe('echo suspended\n');
    expect(run('list')).toMatch(/^\d+ +echo +paused /m);
    expect(run('resume', 'echo')).toBe('echo resumed\n');
    expect(await once(events, 'exit')).toEqual([0, null]);
    const happened = events
      .said()
      .split('\n')
      .filter((line) => line.includes('echo'));
    expect(happened.map((line) => line.replace(/^[\d:.]+ +echo +/, ''))).toEqual([
      ...['resumed (unpaused)', 'started (booted)', 'suspended (paused)', 'resumed (unpaused)'],
    ]);

    expect(run('destroy', 'echo')).toBe('echo destroyed\n');
    expect(run('list')).not.toContain('echo');
  });

  withDaemon('events end when they are interrupted', async () => {
    const events = start('events');
    await until(events, 'listening');
    events.kill('SIGINT');
    expect(await once(events, 'exit')).toEqual([0, null]);
  });
});
