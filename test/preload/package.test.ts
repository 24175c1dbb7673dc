// What `npm pack` makes, and that it works where there is no compiler. A copy of the checkout is packed, because packing
// rebuilds dist/, which other tests run meanwhile.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { command } from '../support/cli.js';
import { ROOT, temporaryFolder } from '../support/paths.js';
import { findTool, requireTool } from '../support/tools.js';

const NOT_COPIED = new Set([
  'node_modules',
  '.git',
  'test',
  'dist',
  'prebuilds',
  'build-asan',
  'build-tsan',
  'build-fuzz',
]);
const PLATFORM = `${process.platform}-${process.arch}`;

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

const copy = temporaryFolder('pack');
let packed: Packed;

beforeAll(() => {
  for (const name of readdirSync(ROOT)) {
    if (!NOT_COPIED.has(name))
      cpSync(join(ROOT, name), join(copy, name), { recursive: true, preserveTimestamps: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const run = command('npm', ['pack', '--json'], { cwd: copy, timeout: 280_000 });
  if (run.status !== 0) throw new Error(run.stderr);
  [packed] = JSON.parse(run.stdout) as [Packed];
}, 300_000);

describe('the package', () => {
  const paths = (): string[] => packed.files.map(({ path }) => path);

  test('holds what runs, what builds it, and what explains it', () => {
    expect(paths()).toEqual(
      expect.arrayContaining([
        `prebuilds/${PLATFORM}/virtshim.node`,
        `prebuilds/${PLATFORM}/libvirtshim.so`,
        'dist/cli/main.js',
        'dist/index.js',
        'dist/index.d.ts',
        'dist/register.js',
        'dist/jest.js',
        'dist/jest.d.ts',
        'dist/report/page/page.css',
        'dist/report/page/page.js',
        'policies/cases.schema.json',
        'policies/operator.json',
        'policies/policy.schema.json',
        'binding.gyp',
        'native/core.gyp',
        'native/defaults.gypi',
        'native/interposer/exports.map',
        'native/generated/facts.cc',
        'scripts/install.cjs',
        'scripts/gyp.cjs',
        'docs/threat-model.md',
        'src/generated/trail.schema.json',
        'src/generated/trail.xsd',
        'README.md',
        'CHANGELOG.md',
        'LICENSE',
      ]),
    );
  });

  test('holds every native source', () => {
    const sources = (readdirSync(join(ROOT, 'native'), { recursive: true }) as string[])
      .filter((path) => /\.(cc|h)$/.test(path))
      .map((path) => `native/${path}`);
    expect(paths()).toEqual(expect.arrayContaining(sources));
  });

  test('holds nothing else', () => {
    const allowed =
      /^(dist|docs|native|policies|prebuilds)\/|^src\/generated\/trail\.(xsd|schema\.json)$|^scripts\/(install|gyp)\.cjs$|^[A-Z]+(\.md)?$|^(package\.json|binding\.gyp)$/;
    expect(paths().filter((path) => !allowed.test(path) || path.startsWith('dist/generator/'))).toEqual([]);
  });

  test('leaves no prebuilt files behind in the checkout', () => {
    expect(existsSync(join(copy, 'prebuilds'))).toBe(false);
  });
});

describe('installed where there is no compiler', () => {
  const home = temporaryFolder('installed');
  const bin = join(home, 'bin');

  /** A PATH with what npm and the program itself need, and nothing that could compile. */
  function environment(): NodeJS.ProcessEnv {
    return {
      PATH: bin,
      HOME: home,
      npm_config_cache: process.env.npm_config_cache ?? join(process.env.HOME ?? '', '.npm'),
    };
  }

  beforeAll(() => {
    mkdirSync(bin);
    for (const tool of ['node', 'sh', 'env', 'virsh', 'true']) {
      const found = findTool(tool);
      if (found !== undefined) symlinkSync(found, join(bin, basename(tool)));
    }
    const npm = realpathSync(findTool('npm') ?? '');
    const tarball = join(copy, packed.filename);
    const args = [npm, 'install', '--prefer-offline', '--prefix', join(home, 'app'), tarball];
    const run = command(process.execPath, args, { env: environment(), cwd: home });
    if (run.status !== 0) throw new Error(run.stderr);
  }, 300_000);

  const installed = (...args: string[]) =>
    command(join(home, 'app/node_modules/.bin/virtshim'), args, { env: environment(), cwd: home });
  const folder = join(home, 'app/node_modules/virtshim');

  test.each([
    ['virtshim', "(await (await m.Connection.open('test:///default')).lookupByName('test')).nameSync()"],
    ['virtshim/ffi', "m.virDomainGetName(m.virDomainLookupByName(m.virConnectOpen('test:///default'), 'test'))"],
    ['virtshim/constants', "m.VIR_ERR_NO_DOMAIN === 42 && 'test'"],
  ])('programs import %s', (name, expression) => {
    const program = `import * as m from '${name}'; console.log(${expression});`;
    const env = { ...environment(), VIRTSHIM_TRAIL: join(home, 'trail-of-programs') };
    const args = ['--input-type=module', '-e', program];
    expect(command(process.execPath, args, { env, cwd: join(home, 'app') })).toMatchObject({
      ...{ status: 0, stdout: 'test\n', stderr: '' },
    });
  });

  test('its types are found', () => {
    const program = `
      import { Connection, type Domain } from 'virtshim';
      import { type virDomainPtr, virDomainGetInfo, VIR_DOMAIN_RUNNING } from 'virtshim/ffi';
      import { VIR_ERR_NO_DOMAIN } from 'virtshim/constants';
      import 'virtshim/register';
      export const state = (domain: virDomainPtr): boolean => virDomainGetInfo(domain).state === VIR_DOMAIN_RUNNING;
      export const code: 42 = VIR_ERR_NO_DOMAIN;
      export const named = async (name: string): Promise<Domain> => (await Connection.open()).lookupByName(name);
      // @ts-expect-error: names are texts
      await named(42);`;
    const app = join(home, 'app');
    writeFileSync(join(app, 'program.mts'), program);
    mkdirSync(join(app, 'node_modules/@types'), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules/@types/node'), join(app, 'node_modules/@types/node'));
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
    const run = command(join(ROOT, 'node_modules/.bin/tsc'), [...options, 'program.mts'], { cwd: app });
    expect([run.status, run.stdout]).toEqual([0, '']);
  });

  test('guards programs by virtshim/register', () => {
    const args = ['--import', 'virtshim/register', '-p', 'process.env.LD_PRELOAD'];
    const run = command(process.execPath, args, { env: environment(), cwd: join(home, 'app') });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(run.stdout.trim()).toBe(join(realpathSync(folder), `prebuilds/${PLATFORM}/libvirtshim.so`));
  });

  test('its install step is content with the prebuilt files', () => {
    const run = command(process.execPath, ['scripts/install.cjs'], { env: environment(), cwd: folder });
    expect(run).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(join(folder, 'build'))).toBe(false);
  });

  test('the command runs', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(installed('--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
    expect(installed('policy', 'check', join(folder, 'policies/operator.json')).status).toBe(0);
  });

  requireTool('virsh')('and judges by the prebuilt shim', () => {
    const found = JSON.parse(installed('doctor', '--json').stdout) as { shim: string; ways: { preload: boolean } };
    expect(found.shim).toBe(join(folder, `prebuilds/${PLATFORM}/libvirtshim.so`));
    expect(found.ways.preload).toBe(true);
    const policy = join(folder, 'policies/operator.json');
    const run = installed(
      'run',
      '--policy',
      policy,
      '--trail',
      join(home, 'trail'),
      '--',
      'virsh',
      '-c',
      'test:///default',
      'destroy',
      'test',
    );
    expect(run.stderr).toContain('access denied: virDomainDestroy');
  });
});
