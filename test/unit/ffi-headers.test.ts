// Layouts and constants that are worked out from the facts, against what the compiler makes of libvirt's own headers.
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as constants from '../../src/generated/ffi/constants.js';
import * as structs from '../../src/generated/ffi/structs.js';
import { readInputs } from '../../src/generator/facts.js';
import { buildFfi } from '../../src/generator/ffi/model.js';
import { buildApi } from '../../src/generator/model.js';
import { ROOT as root, temporaryFolder } from '../support/paths.js';
import { requireThat } from '../support/tools.js';

const names = ['libvirt', 'virterror', 'libvirt-qemu', 'libvirt-lxc', 'libvirt-admin'];
const includes = names.map((name) => `#include <libvirt/${name}.h>\n`).join('');
const inputs = readInputs(join(root, 'native/api'));
const ffi = buildFfi(buildApi(inputs), inputs);
const withHeaders = requireThat(existsSync('/usr/include/libvirt/libvirt.h'), 'libvirt-dev not installed');

let folder: string;
beforeAll(() => {
  folder = temporaryFolder('headers');
});
afterAll(() => rmSync(folder, { recursive: true }));

const show = `
void show(const char *name, const char *value) { std::printf("%s '%s'\\n", name, value); }
void show(const char *name, long long value) { std::printf("%s %lld\\n", name, value); }
`;

/** What a program with `body` in main() prints. */
function printed(body: string): string {
  const [file, program] = [join(folder, 'main.cc'), join(folder, 'main')];
  writeFileSync(file, `#include <cstddef>\n#include <cstdio>\n${includes}${show}int main() {\n${body}}\n`);
  execFileSync('g++', ['-std=gnu++17', file, '-o', program], { stdio: 'pipe' });
  return execFileSync(program, { encoding: 'utf8', maxBuffer: 1 << 24 });
}

withHeaders('every struct and every field lies where the compiler puts it', () => {
  const lines = ffi.structs.flatMap(({ name, size, fields }) => [
    [`"${name} %zu\\n", sizeof(${name})`, `${name} ${size}`] as const,
    ...fields.map((field) => {
      const sizeOf = `sizeof(((${name} *)0)->${field.name})`;
      const expected = `${name}.${field.name} ${field.offset} ${field.size}`;
      return [`"${name}.${field.name} %zu %zu\\n", offsetof(${name}, ${field.name}), ${sizeOf}`, expected] as const;
    }),
  ]);
  const output = printed(lines.map(([args]) => `  printf(${args});\n`).join(''));
  expect(output.trimEnd().split('\n')).toEqual(lines.map(([, expected]) => expected));
  expect(ffi.structs.length).toBeGreaterThan(25);
});

test('the structs that are generated are those, with the same sizes', () => {
  const sizes = Object.values(structs).map(({ name, size }) => [name, size]);
  expect(sizes.sort()).toEqual(ffi.structs.map(({ name, size }) => [name, size]).sort());
});

withHeaders('every constant that the headers define has the same value', () => {
  const installed = printed('  printf("%d", LIBVIR_VERSION_NUMBER);\n');
  const number = (version: string) => version.split('.').reduce((sum, part) => sum * 1000 + Number(part), 0);
  const isThere = ({ since = '0.0.1' }: { since?: string }) => number(since) <= Number(installed);
  // The sentinels grow with each version.
  const enums = Object.values(inputs.facts.enums).flatMap(({ values }) => values.filter(isThere));
  const macros = Object.entries(inputs.facts.constants).filter(([, macro]) => isThere(macro));
  const known = [...enums.map(({ name }) => name), ...macros.map(([name]) => name)].filter(
    (name) => !/^_|_LAST$|^LIBVIR_VERSION_NUMBER$/.test(name),
  );
  const output = printed(known.map((name) => `  show("${name}", ${name});\n`).join(''));
  const values: Readonly<Record<string, unknown>> = constants;
  const expected = known.map((name) => {
    const value = values[name];
    return `${name} ${typeof value === 'string' ? `'${value}'` : value}`;
  });
  expect(output.trimEnd().split('\n')).toEqual(expected);
  expect(known.length).toBeGreaterThan(1000);
});
