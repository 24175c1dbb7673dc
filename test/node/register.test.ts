// `node --import virtshim/register`: programs that know nothing of the shim, under the policy.
import { spawnSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { preloadedModules, splitOptions } from '../../src/register/flags.js';
import { requireBinding } from '../support/bindings.js';
import { virtshim } from '../support/cli.js';
import { jsonLines, makeApp, noDestroy, refusals, runApp } from '../support/node_apps.js';
import { SHIM, temporaryFolder } from '../support/paths.js';
import { bareEnvironment, type ShimOptions } from '../support/shim.js';
import { requireTool } from '../support/tools.js';

const REFUSED =
  /^access denied: virDomainDestroy on domain 'test': rule 'no-destroy' of policy 'test' \(record \w{16}\)$/;
const REFUSAL = 'virDomainDestroy no-destroy';
const refused = { result: -1, message: expect.stringMatching(REFUSED) };

const FLAGS = ['--import', 'virtshim/register'];
const withUnraid = requireBinding('unraid');

let policy: string;
let app: string;
beforeAll(async () => {
  policy = await noDestroy();
  app = makeApp({
    'says.cjs': `const { argv, execArgv, pid, env } = process;
      console.log(JSON.stringify({ argv: argv.slice(1), execArgv, pid, env: { ...env }, koffi: require('./koffi.cjs') }));`,
  });
});

/** Runs node in the app's folder; nothing is preloaded. */
const run = (args: readonly string[], options: ShimOptions = {}) =>
  runApp(process.execPath, app, args, { policy, ...options });

/** What says.cjs says. */
interface Said {
  argv: string[];
  execArgv: string[];
  env: Record<string, string>;
  koffi: unknown;
}
function says(args: readonly string[], options: ShimOptions = {}): Said {
  const [said] = run(args, options).lines;
  return said as Said;
}

describe('calls are judged and recorded', () => {
  test('of a koffi program', () => {
    const outcome = run([...FLAGS, 'main.cjs']);
    expect(outcome.lines).toEqual([refused]);
    expect(refusals(outcome)).toEqual([REFUSAL]);
    expect(outcome.status).toBe(0);
  });

  test('of a koffi program that would succeed without', () => {
    expect(run(['main.cjs']).lines).toEqual([{ result: 0, message: 'no error' }]);
  });

  withUnraid('of an addon that is linked with libvirt: the denial reaches its caller as libvirt’s error', () => {
    const outcome = run([...FLAGS, 'unraid.mjs']);
    expect(outcome.lines).toEqual([expect.stringMatching(REFUSED)]);
    expect(refusals(outcome)).toEqual([REFUSAL]);
  });

  withUnraid('of the same addon under `virtshim run`', () => {
    const trail = join(temporaryFolder('trail'), 'trail');
    const run = virtshim(['run', '--policy', policy, '--trail', trail, '--', process.execPath, 'unraid.mjs'], {
      cwd: app,
    });
    expect(jsonLines(run.stdout)).toEqual([expect.stringMatching(REFUSED)]);
    const shown = virtshim(['trail', 'show', trail, '--verdict', 'denied', '--format', 'json']).stdout;
    expect(jsonLines(shown)).toMatchObject([{ event: 'virDomainDestroy', decision: { rule: 'no-destroy' } }]);
  });

  requireTool('virsh')('of a child that is no Node program', () => {
    const script = `require('child_process').spawnSync('virsh', ['-c', 'test:///default', 'destroy', 'test'])`;
    expect(refusals(run([...FLAGS, '-e', script]))).toEqual([REFUSAL]);
  });

  test('of a child that is a Node program', () => {
    const script = `console.log(require('child_process').execFileSync(process.execPath, ['main.cjs'], { encoding: 'utf8' }))`;
    expect(run([...FLAGS, '-e', script]).lines).toEqual([refused]);
  });
});

describe('ways to load it', () => {
  test.each<[string, string[], NodeJS.ProcessEnv]>([
    ['--import X', FLAGS, {}],
    ['--import=X', ['--import=virtshim/register'], {}],
    ['-r X', ['-r', 'virtshim/register'], {}],
    ['--require=X', ['--require=virtshim/register'], {}],
    ['by its path', ['--import', './node_modules/virtshim/dist/register.js'], {}],
    ['NODE_OPTIONS', [], { NODE_OPTIONS: '--import virtshim/register' }],
    ['NODE_OPTIONS in quotes', [], { NODE_OPTIONS: '--no-warnings "--require=virtshim/register"' }],
    ['twice', [...FLAGS, '-r', 'virtshim/register'], { NODE_OPTIONS: '--import virtshim/register' }],
  ])('%s', (_way, flags, env) => {
    const outcome = run([...flags, 'main.cjs'], { env });
    expect(outcome.lines).toEqual([refused]);
    expect(refusals(outcome)).toEqual([REFUSAL]);
  });

  test('by the program too, once it is under the shim', () => {
    const script = `import('virtshim/register').then(() => require('./main.cjs'))`;
    expect(run([...FLAGS, '-e', script]).lines).toEqual([refused]);
  });

  test('under `virtshim run`', () => {
    const trail = join(temporaryFolder('trail'), 'trail');
    const command = ['run', '--policy', policy, '--trail', trail, '--', process.execPath, ...FLAGS, 'main.cjs'];
    expect(jsonLines(virtshim(command, { cwd: app }).stdout)).toEqual([refused]);
  });

  test('flags are read as Node reads them', () => {
    expect(splitOptions(String.raw`-r a "--import=b c" --title="x \" y" d`)).toEqual([
      '-r',
      'a',
      '--import=b c',
      '--title=x " y',
      'd',
    ]);
    expect(preloadedModules(['-r', 'a', '--import=b', '--require', 'c', '--imports', 'd', '-r'])).toEqual([
      'a',
      'b',
      'c',
    ]);
  });
});

describe('the process', () => {
  test('is the same one, and starts anew once', () => {
    const script = `console.log(JSON.stringify({ pid: process.pid, parent: process.ppid }))`;
    const child = spawnSync('sh', ['-c', `echo $$; exec '${process.execPath}' "$@"`, 'sh', ...FLAGS, '-e', script], {
      cwd: app,
      env: bareEnvironment({ VIRTSHIM_TRAIL: temporaryFolder('trail') }),
      encoding: 'utf8',
    });
    expect(child.stderr).toBe('');
    const [pid] = child.stdout.split('\n');
    expect(jsonLines(child.stdout)).toEqual([{ pid: Number(pid), parent: process.pid }]);
  });

  test.each<[string, string[], string[], string[]]>([
    ['options and arguments', ['--no-warnings'], ['says.cjs', 'a b', '--flag', ''], []],
    ['arguments behind --', [], ['--', 'says.cjs', '--', '--flag'], []],
    ['a title', ['--title=other'], ['says.cjs', 'x'], []],
  ])('has the same %s', (_what, flags, words) => {
    const bare = says([...flags, ...words], { policy: undefined });
    const shimmed = says([...FLAGS, ...flags, ...words]);
    expect(shimmed.argv).toEqual(bare.argv);
    expect(shimmed.execArgv).toEqual([...FLAGS, ...bare.execArgv]);
    expect(shimmed.koffi).toEqual(refused);
  });

  test.each([
    ['-e', ['-e', `console.log(JSON.stringify({ argv: process.argv }))`, 'a', '--b']],
    ['-p', ['-p', `JSON.stringify({ argv: process.argv })`, '--', '--b']],
  ])('has the same program by %s', (_flag, words) => {
    const [bare] = run(words).lines;
    expect(bare).toBeDefined();
    expect(run([...FLAGS, ...words]).lines).toEqual([bare]);
  });

  test('has the same environment, but for the shim', () => {
    const odd = { EMPTY: '', LINES: 'a\nb', NODE_OPTIONS: '--no-deprecation' };
    const { LD_PRELOAD: none, ...bare } = says(['says.cjs'], { env: odd, trail: '/nonexistent/t' }).env;
    const { LD_PRELOAD: shim, ...env } = says([...FLAGS, 'says.cjs'], { env: odd, trail: '/nonexistent/t' }).env;
    expect([none, shim]).toEqual([undefined, SHIM]);
    expect(env).toEqual(bare);
  });

  test('has the same standard input, output and exit code', () => {
    const script = `process.stdin.pipe(process.stdout); process.exitCode = 7`;
    expect(run([...FLAGS, '-e', script], { input: 'hello' })).toMatchObject({ stdout: 'hello', stderr: '', status: 7 });
  });

  test('keeps descriptors that it was given', () => {
    const script = `require('fs').writeSync(5, 'through five')`;
    const child = spawnSync(process.execPath, [...FLAGS, '-e', script], {
      cwd: app,
      env: bareEnvironment({ VIRTSHIM_TRAIL: temporaryFolder('trail') }),
      stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'pipe'],
    });
    expect([String(child.stderr), String(child.output[5])]).toEqual(['', 'through five']);
  });

  test('dies of its signals', () => {
    const outcome = run([...FLAGS, '-e', `process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 5000)`]);
    expect(outcome.signal).toBe('SIGTERM');
  });

  test('listens for a debugger once', () => {
    const outcome = run(['--inspect=127.0.0.1:0', ...FLAGS, '-p', 'require("inspector").url()']);
    expect(outcome.stdout).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\//);
    expect(outcome.stderr).not.toMatch(/address already in use|failed/);
  });

  test('runs the tests of node --test', () => {
    const folder = makeApp({
      'a.test.cjs': `const { test } = require('node:test'); const assert = require('node:assert');
        test('x', () => assert.equal(require('./koffi.cjs').result, -1));`,
    });
    const outcome = runApp(process.execPath, folder, [...FLAGS, '--test'], { policy });
    expect(outcome.stdout).toMatch(/pass 1\n/);
    expect(refusals(outcome)).toEqual([REFUSAL]);
  });
});

test('the package calls the shim that is there, wherever it was preloaded from', () => {
  const copy = join(temporaryFolder('shim'), 'libvirtshim.so');
  copyFileSync(SHIM, copy);
  const script = `import('virtshim').then(async ({ Connection }) => {
    const connection = Connection.openSync('test:///default');
    await (await connection.lookupByName('test')).suspend();
    const maps = require('node:fs').readFileSync('/proc/self/maps', 'utf8');
    console.log(JSON.stringify({ shims: [...new Set(maps.match(/\\S*shim\\.so$/gm))] }));
  })`;
  const outcome = run(['-e', script], { env: { LD_PRELOAD: copy } });
  expect(outcome.lines).toEqual([{ shims: [copy] }]);
  expect(outcome.records.filter(({ event }) => event === 'virDomainSuspend')).toHaveLength(2);
});

describe('settings', () => {
  test('a policy in JSON is compiled', () => {
    const file = join(temporaryFolder('policy'), 'p.json');
    const rules = [{ id: 'no-destroy', effect: 'deny', actions: ['virDomainDestroy'] }];
    writeFileSync(file, JSON.stringify({ name: 'test', defaults: { '*': 'allow' }, audit: { netlink: false }, rules }));
    expect(run([...FLAGS, 'main.cjs'], { policy: file }).lines).toEqual([refused]);
  });

  test('a policy that cannot be used keeps the program from starting', () => {
    const file = join(temporaryFolder('policy'), 'p.json');
    writeFileSync(file, '{ "name": "test", "rulez": [] }');
    const outcome = run([...FLAGS, 'main.cjs'], { policy: file });
    expect(outcome).toMatchObject({ status: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/p\.json:1:19: error: unknown property `rulez`/);
    expect(outcome.stderr).toContain("code: 'VIRTSHIM_UNGUARDED'");
  });

  test('paths are those of the folder that it was started in', () => {
    const trail = 'inner/trail';
    const script = `process.chdir('/'); require('${app}/main.cjs')`;
    expect(run([...FLAGS, '-e', script], { trail }).lines).toEqual([refused]);
    const shown = virtshim(['trail', 'show', join(app, trail), '--verdict', 'denied']).stdout;
    expect(shown).toContain('virDomainDestroy');
  });

  test('VIRTSHIM_NO_INHERIT leaves its children alone, also those that get its flags', () => {
    const script = `console.log(JSON.stringify(require('./koffi.cjs')));
      const { execFileSync } = require('child_process');
      console.log(execFileSync(process.execPath, ['main.cjs'], { encoding: 'utf8' }));
      console.log(execFileSync(process.execPath, [...process.execArgv.slice(0, 2), 'main.cjs'], { encoding: 'utf8' }));`;
    const free = { result: 0, message: 'no error' };
    const outcome = run([...FLAGS, '-e', script], { env: { VIRTSHIM_NO_INHERIT: '1' } });
    expect(outcome.lines).toEqual([refused, free, free]);
  });
});

describe('other processes and threads', () => {
  const parent = (fork: string) => `
    import { fork } from 'node:child_process';
    const child = ${fork};
    let answers = 0;
    child.on('message', (message) => {
      console.log(JSON.stringify(message));
      if (++answers === 5) child.disconnect();
    });
    child.on('exit', (code) => console.log(JSON.stringify({ code })));
    for (let i = 1; i <= 5; i++) child.send({ i });`;
  const child = `process.on('message', ({ i }) => process.send({ i, ...(i === 5 && require('./koffi.cjs')) }));`;
  const answered = [{ i: 1 }, { i: 2 }, { i: 3 }, { i: 4 }, { i: 5, ...refused }, { code: 0 }];

  test.each([
    ['that inherits the shim', `fork('child.cjs')`, FLAGS],
    [
      'that inherits the shim, with its flags',
      `fork('child.cjs', [], { execArgv: ['-r', 'virtshim/register'] })`,
      FLAGS,
    ],
    ['that starts anew', `fork('child.cjs', [], { execArgv: ['-r', 'virtshim/register'] })`, []],
    [
      'that starts anew, with other messages',
      `fork('child.cjs', [], { execArgv: ['-r', 'virtshim/register'], serialization: 'advanced' })`,
      [],
    ],
  ])('a fork %s gets all messages', (_what, fork, flags) => {
    const folder = makeApp({ 'parent.mjs': parent(fork), 'child.cjs': child });
    const outcome = runApp(process.execPath, folder, [...flags, 'parent.mjs'], { policy });
    expect(outcome.lines).toEqual(answered);
    expect(refusals(outcome)).toEqual([REFUSAL]);
  });

  test.each([[FLAGS], [[]]])('a cluster: %j', (flags) => {
    const folder = makeApp({
      'cluster.cjs': `const cluster = require('node:cluster');
        if (cluster.isPrimary) {
          cluster.setupPrimary({ execArgv: ['-r', 'virtshim/register'] });
          const worker = cluster.fork();
          worker.on('message', (message) => { console.log(JSON.stringify(message)); worker.disconnect(); });
          worker.send('go');
        } else {
          process.on('message', () => process.send({ id: cluster.worker.id, ...require('./koffi.cjs') }));
        }`,
    });
    const outcome = runApp(process.execPath, folder, [...flags, 'cluster.cjs'], { policy });
    expect(outcome.lines).toEqual([{ id: 1, ...refused }]);
  });

  const worker = (options: string) => `
    const { Worker } = require('node:worker_threads');
    new Worker('./main.cjs', ${options}).on('error', ({ code, hint }) => console.log(JSON.stringify({ code, hint })));`;

  test('a worker is under the shim with its process', () => {
    expect(run([...FLAGS, '-e', worker('{}')]).lines).toEqual([refused]);
    expect(run([...FLAGS, '-e', worker(`{ execArgv: ${JSON.stringify(FLAGS)} }`)]).lines).toEqual([refused]);
  });

  test('a worker alone is refused', () => {
    expect(run(['-e', worker(`{ execArgv: ${JSON.stringify(FLAGS)} }`)]).lines).toEqual([
      { code: 'VIRTSHIM_UNGUARDED', hint: expect.stringContaining('node --import virtshim/register app.js') },
    ]);
  });
});

describe('too late', () => {
  const attempt = `import('virtshim/register').catch(({ code, hint }) => console.log(JSON.stringify({ code, hint })))`;
  const wayOut = {
    code: 'VIRTSHIM_UNGUARDED',
    hint: expect.stringContaining('node --import virtshim/register app.js'),
  };

  test.each([
    ['at its start', attempt],
    ['with libvirt in the process', `require('./koffi.cjs'); ${attempt}`],
  ])('a program that loads it itself is told: %s', (_when, script) => {
    const outcome = run(['-e', script]);
    expect(outcome).toMatchObject({ status: 0, lines: [wayOut], stderr: '' });
    expect(outcome.records).toEqual([]);
  });

  test('a program that does not listen does not go on', () => {
    const folder = makeApp({ 'late.mjs': `import 'virtshim/register';\nconsole.log('began');` });
    const outcome = runApp(process.execPath, folder, ['late.mjs'], { policy });
    expect(outcome).toMatchObject({ status: 1, stdout: '' });
    expect(outcome.stderr).toContain('VirtshimError: the program has begun without the shim');
  });

  test('a program on standard input is read before --import, but not before -r', () => {
    const input = `console.log(JSON.stringify({ read: true }))`;
    const imported = run(FLAGS, { input });
    expect(imported).toMatchObject({ status: 1, stdout: '' });
    expect(imported.stderr).toContain("hint: 'load it by -r virtshim/register'");
    expect(run([...FLAGS, '-'], { input }).status).toBe(1);
    expect(run(['-r', 'virtshim/register'], { input }).lines).toEqual([{ read: true }]);
  });

  test('a loader that does not take the shim in is noticed, not tried again', () => {
    const script = `process.env.VIRTSHIM_REGISTERED = String(process.pid);`;
    const folder = makeApp({ 'mark.cjs': script });
    const outcome = runApp(process.execPath, folder, ['-r', './mark.cjs', ...FLAGS, 'main.cjs'], { policy });
    expect(outcome).toMatchObject({ status: 1, stdout: '' });
    expect(outcome.stderr).toContain('the loader did not preload the shim');
  });
});
