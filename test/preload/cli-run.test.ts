// `virtshim run` as a user sees it: the process is the program's own.
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { command, VIRTSHIM, virtshim } from '../support/cli.js';
import { CLI, ROOT, SHIM, temporaryFolder } from '../support/paths.js';
import { canMountPrivately } from '../support/private_mounts.js';
import { asUser } from '../support/public_view.js';
import { requireThat, requireTool } from '../support/tools.js';

const OPERATOR = join(ROOT, 'policies/operator.json');
const asRoot = requireThat(process.geteuid?.() === 0, 'not root');
const privately = requireThat(canMountPrivately, 'cannot make private mounts');
const withVirsh = requireTool('virsh');

/** What a shell script prints, wrapped and not. */
function bothWays(script: string): [wrapped: string, bare: string] {
  const wrapped = command('bash', ['-c', `${VIRTSHIM} run -- bash -c "$1"`, 'bash', script]);
  const bare = command('bash', ['-c', 'bash -c "$1"', 'bash', script]);
  expect(bare.stdout).not.toBe('');
  return [wrapped.stdout, bare.stdout];
}

describe('the process is the program', () => {
  test('exit code', () => {
    expect(virtshim(['run', '--', 'sh', '-c', 'exit 7']).status).toBe(7);
    expect(virtshim(['run', '--', 'true']).status).toBe(0);
  });

  test('death by a signal', () => {
    expect(virtshim(['run', '--', 'sh', '-c', 'kill -TERM $$']).signal).toBe('SIGTERM');
  });

  test('pid', () => {
    const run = virtshim(['run', '--', 'sh', '-c', 'echo $$']);
    expect(run.stdout.trim()).toBe(String(run.pid));
  });

  test('standard input, output and error', () => {
    const run = virtshim(['run', '--', 'sh', '-c', 'cat; echo oops >&2'], { input: 'hello' });
    expect(run).toMatchObject({ stdout: 'hello', stderr: 'oops\n', status: 0 });
  });

  test('output to a file', () => {
    const file = join(temporaryFolder('run'), 'out');
    const fd = openSync(file, 'w');
    virtshim(['run', '--', 'echo', 'hello'], { stdio: ['ignore', fd, fd] });
    closeSync(fd);
    expect(readFileSync(file, 'utf8')).toBe('hello\n');
  });

  test('descriptors that the shell opened', () => {
    const [wrapped, bare] = bothWays('cat <&7 7</etc/hostname; cat <&0 </etc/hostname');
    expect(wrapped).toBe(bare);
    const script = `exec 7</etc/hostname; ${VIRTSHIM} run -- sh -c 'cat <&7'; ${VIRTSHIM} run -- cat <(echo substituted)`;
    const run = command('bash', ['-c', script]);
    expect(run.stdout).toBe(`${readFileSync('/etc/hostname', 'utf8')}substituted\n`);
  });

  test('signals, limits, mask and folder', () => {
    const [wrapped, bare] = bothWays('grep -E "^Sig(Blk|Ign)" /proc/self/status; ulimit -a; umask; pwd');
    expect(wrapped).toBe(bare);
  });

  test('arguments with every kind of character, and bytes that are no UTF-8', () => {
    const script = `${VIRTSHIM} run -- printf '[%s]' '' 'a b' $'\\n' '$HOME' '*' '"' "'" -- --policy $'\\xff\\xfe'`;
    const run = command('bash', ['-c', `${script} | od -An -c`]);
    const bare = command('bash', ['-c', `${script.replace(`${VIRTSHIM} run -- `, '')} | od -An -c`]);
    expect(run.stdout).toBe(bare.stdout);
    expect(run.stdout).toContain('377 376');
  });

  test('a script without an interpreter line', () => {
    const script = join(temporaryFolder('script'), 'script');
    writeFileSync(script, 'echo "$0 $1"\n', { mode: 0o755 });
    expect(virtshim(['run', '--', script, 'x']).stdout).toBe(`${script} x\n`);
  });

  requireTool('script', 'virsh')('a terminal: interactive virsh', () => {
    const trail = temporaryFolder('trail');
    const inner = `${VIRTSHIM} run --policy '${OPERATOR}' --trail '${trail}' -- virsh -c test:///default`;
    const run = command('script', ['-qec', inner, '/dev/null'], { input: 'tty\nsuspend test\ndestroy test\nquit\n' });
    expect(run.stdout).toContain('virsh # ');
    expect(run.stdout).toContain("Domain 'test' suspended");
    expect(run.stdout).toContain('access denied: virDomainDestroy');
  });
});

describe('what could not be run', () => {
  test('127: not found', () => {
    const run = virtshim(['run', '--', 'no-such-program-anywhere']);
    expect(run).toMatchObject({ status: 127, stdout: '' });
    expect(run.stderr).toBe('virtshim: error: no program `no-such-program-anywhere` in the folders of PATH\n');
    expect(virtshim(['run', '--', '/no/such/program']).status).toBe(127);
  });

  test('126: not executable', () => {
    const run = virtshim(['run', '--', '/etc/passwd']);
    expect(run.status).toBe(126);
    expect(run.stderr).toContain('permission denied');
  });

  test('125: wrong usage, a bad policy', () => {
    expect(virtshim(['run']).status).toBe(125);
    expect(virtshim(['run', '--mode', 'lax', '--', 'true']).status).toBe(125);
    const policy = join(temporaryFolder('policy'), 'p.json');
    writeFileSync(policy, '{ "name": "p",\n  "rulez": [] }');
    const run = virtshim(['run', '--policy', policy, '--', 'echo', 'started']);
    expect(run).toMatchObject({ status: 125, stdout: '' });
    expect(run.stderr).toContain(`${policy}:2:3: error: unknown property \`rulez\``);
    expect(run.stderr).toContain('did you mean `rules`');
  });

  requireTool('gcc')('126: a static program, which would run unguarded', () => {
    const folder = temporaryFolder('static');
    const program = join(folder, 'program');
    writeFileSync(`${program}.c`, 'int main(void) { return 0; }\n');
    expect(command('gcc', ['-static', '-o', program, `${program}.c`]).status).toBe(0);
    const run = virtshim(['run', '--', program]);
    expect(run.status).toBe(126);
    expect(run.stderr).toContain('it is statically linked');
  });

  asRoot('126: a set-user-ID program, which would run unguarded', () => {
    const program = join(temporaryFolder('setuid'), 'true');
    copyFileSync('/bin/true', program);
    chownSync(program, 65534, 65534);
    chmodSync(program, 0o4755);
    const run = virtshim(['run', '--', program]);
    expect(run.status).toBe(126);
    expect(run.stderr).toContain('it is set-user-ID');
  });
});

describe('the environment', () => {
  const preloaded = (args: readonly string[], env?: NodeJS.ProcessEnv): string =>
    virtshim(['run', ...args, '--', 'printenv', 'LD_PRELOAD'], env === undefined ? {} : { env }).stdout.trim();

  test('other preloaded libraries stay', () => {
    const other = command('sh', ['-c', 'ldd /bin/sh | grep -o "/[^ ]*libc.so.6"']).stdout.trim();
    expect(preloaded([], { LD_PRELOAD: other })).toBe(`${SHIM}:${other}`);
  });

  test('children are wrapped, unless --no-inherit', () => {
    const script = ['--', 'sh', '-c', 'sh -c "echo child:$LD_PRELOAD"; printenv LD_PRELOAD || echo none'];
    expect(virtshim(['run', ...script]).stdout).toBe(`child:${SHIM}\n${SHIM}\n`);
    expect(virtshim(['run', '--no-inherit', ...script]).stdout).toBe('child:\nnone\n');
  });

  test('paths become absolute', () => {
    const folder = temporaryFolder('run');
    const script = 'cd /; echo "$VIRTSHIM_TRAIL $VIRTSHIM_MODE"';
    const run = virtshim(['run', '--trail', 't', '--mode', 'permissive', '--', 'sh', '-c', script], { cwd: folder });
    expect(run.stdout).toBe(`${folder}/t permissive\n`);
  });

  test('the compiled policy is private to the user', () => {
    const image = virtshim(['run', '--policy', OPERATOR, '--', 'printenv', 'VIRTSHIM_POLICY']).stdout.trim();
    expect(statSync(image).mode & 0o777).toBe(0o600);
    expect(virtshim(['run', '--policy', OPERATOR, '--', 'printenv', 'VIRTSHIM_POLICY']).stdout.trim()).toBe(image);
  });

  withVirsh('an image is taken as it is', () => {
    const image = join(temporaryFolder('image'), 'p.img');
    expect(virtshim(['policy', 'compile', OPERATOR, '-o', image]).status).toBe(0);
    const trail = temporaryFolder('trail');
    const args = [
      'run',
      '--policy',
      image,
      '--trail',
      trail,
      '--',
      'virsh',
      '-c',
      'test:///default',
      'destroy',
      'test',
    ];
    expect(virtshim(args).stderr).toContain('access denied: virDomainDestroy');
  });
});

describe('policies and modes', () => {
  const virsh = (mode: readonly string[], verb: string, trail: string) =>
    virtshim([
      'run',
      '--policy',
      OPERATOR,
      '--trail',
      trail,
      ...mode,
      '--',
      'virsh',
      '-c',
      'test:///default',
      verb,
      'test',
    ]);

  withVirsh('permitted, refused, and only recorded', () => {
    const trail = temporaryFolder('trail');
    expect(virsh([], 'suspend', trail)).toMatchObject({ status: 0, stdout: "Domain 'test' suspended\n\n", stderr: '' });
    const refused = virsh([], 'destroy', trail);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/access denied: virDomainDestroy on domain 'test': rule 'operator-no-destroy' of/);
    expect(virsh(['--mode', 'permissive'], 'destroy', trail).stdout).toContain("Domain 'test' destroyed");
    const verdicts = virtshim(['trail', 'show', trail, '--format', 'json', '--function', 'virDomain*']).stdout;
    const effects = verdicts
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { type: string; event: string; decision: { effect: string } })
      .filter(({ type, event }) => type === 'methodresponse' && /Suspend|Destroy/.test(event))
      .map(({ event, decision }) => `${event} ${decision.effect}`);
    expect(effects).toEqual(['virDomainSuspend permitted', 'virDomainDestroy denied', 'virDomainDestroy would-deny']);
  });

  privately('another user: the trail and the cache lie in the XDG folders', () => {
    const home = temporaryFolder('home');
    chownSync(home, 65534, 65534);
    const env = { HOME: home, XDG_STATE_HOME: join(home, 'state'), XDG_CACHE_HOME: join(home, 'cache') };
    const asNobody = asUser(65534);
    const suspend = ['virsh', '-c', 'test:///default', 'suspend', 'test'];
    const run = asNobody(['run', '--policy', 'policies/operator.json', '--', ...suspend], env);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(join(home, 'state/virtshim/trail.xml'), 'utf8')).toContain('<event>virDomainSuspend</event>');
    // The kernel takes no records from such a user.
    expect(readFileSync(join(home, 'state/virtshim/audit.log'), 'utf8')).toContain('op=virDomainSuspend');
    expect(statSync(join(home, 'cache/virtshim')).uid).toBe(65534);
    expect(asNobody(['trail', 'verify'], env).status).toBe(0);
  });
});

test('the built command is executable', () => {
  expect(statSync(CLI).mode & 0o111).toBe(0o111);
});
