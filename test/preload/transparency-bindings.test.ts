// Language bindings and FFI programs on the test driver: the same output, exit codes and calls with and without the
// shim. How each of them gets at libvirt differs: linked, dlopened privately, with RTLD_DEEPBIND, by dlsym on a handle.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect } from '@jest/globals';
import { ROOT } from '../support/paths.js';
import { TESTED_SHIM } from '../support/shim.js';
import { requireBinding, requireThat, requireTool } from '../support/tools.js';
import { comparable, expectCallsSeen, runBoth } from '../support/transparency.js';

const fromRoot = createRequire(join(ROOT, 'package.json'));
const koffi = pathToFileURL(fromRoot.resolve('koffi')).href;
const unraidFolder = join(ROOT, 'node_modules/@unraid/libvirt');
const unraid = pathToFileURL(join(unraidFolder, 'dist/index.js')).href;

interface Expected {
  atLeastFunctions: number;
  atLeastLines: number;
}

async function expectSame(program: string, args: readonly string[], expected: Expected): Promise<void> {
  const both = await runBoth(program, args);
  expect(comparable(both.shimmed)).toEqual(comparable(both.bare));
  expect(both.bare).toMatchObject({ status: 0, signal: null });
  expect(both.bare.stdout.split('\n').length).toBeGreaterThan(expected.atLeastLines);
  expectCallsSeen(both, expected);
}

describe('language bindings', () => {
  requireBinding(
    'python3-libvirt',
    '/usr/bin/python3',
    '-c',
    'import libvirt',
  )('libvirt-python', () =>
    expectSame('/usr/bin/python3', ['binding.py'], { atLeastFunctions: 150, atLeastLines: 250 }),
  );

  requireBinding(
    'python3-libvirt',
    '/usr/bin/python3',
    '-c',
    'import libvirtaio',
  )('libvirtaio', () => expectSame('/usr/bin/python3', ['binding_aio.py'], { atLeastFunctions: 10, atLeastLines: 8 }));

  requireBinding(
    'libsys-virt-perl',
    '/usr/bin/perl',
    '-MSys::Virt',
    '-e',
    '1',
  )('Sys::Virt', () => expectSame('/usr/bin/perl', ['binding.pl'], { atLeastFunctions: 130, atLeastLines: 200 }));

  requireBinding(
    'ruby-libvirt',
    '/usr/bin/ruby',
    '-e',
    'require "libvirt"',
  )('ruby-libvirt', () => expectSame('/usr/bin/ruby', ['binding.rb'], { atLeastFunctions: 130, atLeastLines: 150 }));

  requireBinding(
    'php8.2-libvirt-php',
    '/usr/bin/php',
    '-r',
    'exit(extension_loaded("libvirt") ? 0 : 1);',
  )('libvirt-php', () => expectSame('/usr/bin/php', ['binding.php'], { atLeastFunctions: 90, atLeastLines: 110 }));
});

describe('FFI programs', () => {
  requireTool('/usr/bin/python3')('ctypes', () =>
    expectSame('/usr/bin/python3', ['ctypes_calls.py'], { atLeastFunctions: 12, atLeastLines: 20 }),
  );

  requireTool('node')('koffi', () =>
    expectSame(process.execPath, ['koffi_calls.mjs', koffi], { atLeastFunctions: 10, atLeastLines: 15 }),
  );
});

describe('@unraid/libvirt', () => {
  const built = existsSync(join(unraidFolder, 'build/Release/libvirt.node'));
  const withAddon = requireThat(built, '@unraid/libvirt is not built');

  withAddon('with the shim preloaded', () =>
    expectSame(process.execPath, ['unraid_calls.mjs', unraid], { atLeastFunctions: 20, atLeastLines: 25 }),
  );

  withAddon('with the shim loaded globally by koffi', async () => {
    const options = { preload: false, shimArgs: [koffi, TESTED_SHIM] };
    const both = await runBoth(process.execPath, ['unraid_calls.mjs', unraid], options);
    expect(comparable(both.shimmed)).toEqual(comparable(both.bare));
    expect(both.bare).toMatchObject({ status: 0, signal: null });
    expectCallsSeen(both, { atLeastFunctions: 20 });
  });
});
