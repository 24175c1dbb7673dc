// Which of the ecosystem's bindings of libvirt this machine has.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { test } from '@jest/globals';
import { ROOT } from './paths.js';
import { requireThat } from './tools.js';

const succeeds = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args, { stdio: 'ignore' }).status === 0;

const probes = {
  python: () => succeeds('/usr/bin/python3', '-c', 'import libvirt'),
  perl: () => succeeds('perl', '-MSys::Virt', '-e', '1'),
  php: () => succeeds('php', '-r', 'exit(function_exists("libvirt_connect") ? 0 : 1);'),
  ruby: () => succeeds('ruby', '-e', 'require "libvirt"'),
  unraid: () => existsSync(join(ROOT, 'node_modules/@unraid/libvirt/build/Release/libvirt.node')),
  node: () => true,
} as const;

/** A binding of libvirt; `node` stands for koffi, which the package brings itself. */
export type Binding = keyof typeof probes;

/** jest's `test` where the binding is installed, else `test.skip`, with the reason printed once. */
export function requireBinding(binding: Binding): typeof test | typeof test.skip {
  return requireThat(probes[binding](), `libvirt's binding for ${binding} is not installed`);
}
