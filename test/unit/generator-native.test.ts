// The generated tables as the compiler sees them, against libvirt's own headers and against src/generated/api.ts.
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  apiFingerprint,
  argNames,
  argTypes,
  conditions,
  failures,
  functions,
  libraries,
  permissions,
  returnTypes,
} from '../../src/generated/api.js';
import { readInputs } from '../../src/generator/facts.js';
import { ROOT as root, temporaryFolder } from '../support/paths.js';
import { requireThat } from '../support/tools.js';

const headers = ['libvirt', 'virterror', 'libvirt-qemu', 'libvirt-lxc', 'libvirt-admin'];
const includes = headers.map((name) => `#include <libvirt/${name}.h>\n`).join('');
const facts = readInputs(join(root, 'native/api')).facts;

let folder: string;
beforeAll(() => {
  folder = temporaryFolder('generated');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Compiles `source` together with the tables and returns what the program prints. */
function run(source: string): string {
  const [file, program] = [join(folder, 'main.cc'), join(folder, 'main')];
  writeFileSync(file, source);
  const tables = join(root, 'native/generated/facts.cc');
  const flags = ['-std=gnu++17', '-Wall', '-Wextra', '-Werror', '-fno-exceptions', '-fno-rtti'];
  execFileSync('g++', [...flags, `-I${join(root, 'native')}`, file, tables, '-o', program], { stdio: 'pipe' });
  return execFileSync(program, { encoding: 'utf8', maxBuffer: 1 << 24 });
}

test('the native tables and those of TypeScript say the same', () => {
  const native = run(`
#include <cinttypes>
#include <cstdio>
#include "api/facts.h"
using namespace virtshim;
int main() {
  std::printf("%016" PRIx64 " %d %d\\n", kApiFingerprint, kArgNameCount, kPermissionCount);
  for (const FunctionFacts &fn : kFunctions) {
    std::printf("%s %s %d %s %d %d %d %d %d %d %s %s", fn.name, fn.since, int(fn.library),
                kCallClassNames[int(fn.callClass)], int(fn.returns), int(fn.failure), fn.stateChanging, fn.flagsArg,
                fn.resourceArg, fn.connectArg, kObjectKindNames[int(fn.object)], kObjectKindNames[int(fn.returnsObject)]);
    for (int i = 0; i < fn.argCount; i++) {
      const ArgFacts &arg = fn.args[i];
      std::printf(" %s:%s:%d:%s:%d:%d", arg.name, kArgNames[arg.nameId], int(arg.type),
                  kObjectKindNames[int(arg.object)], arg.count, arg.secret);
    }
    for (int i = 0; i < fn.checkCount; i++) {
      const AclCheck &check = fn.checks[i];
      std::printf(" %s/%d/%u/%d", kPermissionNames[check.permission], int(check.condition), check.mask, check.arg);
    }
    std::printf("\\n");
  }
}
`);
  const lines = functions.map((fn) =>
    [
      ...[fn.name, fn.since, libraries.indexOf(fn.library), fn.class, returnTypes.indexOf(fn.returns)],
      ...[failures.indexOf(fn.failure), Number(fn.stateChanging), fn.flagsArg, fn.resourceArg, fn.connectArg],
      ...[fn.object, fn.returnsObject],
      ...fn.args.map((arg) =>
        [arg.name, arg.name, argTypes.indexOf(arg.type), arg.object, arg.count, Number(arg.secret)].join(':'),
      ),
      ...fn.checks.map((check) =>
        [check.permission, conditions.indexOf(check.condition), check.mask, check.arg].join('/'),
      ),
    ].join(' '),
  );
  const head = `${apiFingerprint.toString(16).padStart(16, '0')} ${argNames.length} ${permissions.length}`;
  expect(native.trimEnd().split('\n')).toEqual([head, ...lines]);
});

test('findFunction finds every name and nothing else', () => {
  const output = run(`
#include <cstdio>
#include <cstring>
#include <string>
#include "api/facts.h"
using namespace virtshim;
int main() {
  int wrong = 0;
  for (int i = 0; i < kFunctionCount; i++) {
    std::string name = kFunctions[i].name;
    if (findFunction(name.c_str()) != static_cast<FunctionId>(i)) wrong++;
    if (findFunction((name + "X").c_str()) != kNoFunction) wrong++;
    if (findFunction(name.substr(1).c_str()) != kNoFunction) wrong++;
  }
  if (facts(FunctionId::virDomainSuspend).name != std::string("virDomainSuspend")) wrong++;
  for (const char *name : {"", "vir", "zzz", "VIRDOMAINSUSPEND", "\\xff"}) wrong += findFunction(name) != kNoFunction;
  std::printf("%d", wrong);
}
`);
  expect(output).toBe('0');
});

const withHeaders = requireThat(existsSync('/usr/include/libvirt/libvirt.h'), 'libvirt-dev not installed');

withHeaders("libvirt's headers declare nothing that the tables lack", () => {
  const declared = declaredFunctions();
  const known = new Set(functions.map((fn) => fn.name));
  expect(declared.filter((name) => !known.has(name))).toEqual([]);
  expect(declared.length).toBeGreaterThan(500);
});

withHeaders("libvirt's headers agree with the prototypes of the facts and with the kinds in the tables", () => {
  const declared = new Set(declaredFunctions());
  const rows = facts.functions.filter((fn) => declared.has(fn.name));
  const prototypes = rows.map(({ name, returns, args }) => {
    const signature = `${returns} (*)(${args.map((arg) => arg.type).join(', ')})`;
    return `static_assert(std::is_same_v<decltype(&${name}), ${signature}>, "${name}");`;
  });
  const checks = rows.map(
    ({ name }) => `  check(virtshim::FunctionId::${name}, static_cast<decltype(&${name})>(nullptr));`,
  );
  expect(run(`${headerProgram}${prototypes.join('\n')}\nint main() {\n${checks.join('\n')}\n}\n`)).toBe('');
});

function declaredFunctions(): readonly string[] {
  const text = execFileSync('g++', ['-E', '-P', '-x', 'c++', '-'], { input: includes, encoding: 'utf8' });
  const names = text.replaceAll(/\s+/g, ' ').matchAll(/\b(vir[A-Z]\w*) ?\(/g);
  return [...new Set([...names].map((match) => match[1] ?? ''))].sort();
}

/** check() prints where a table says something else than the function's type. */
const headerProgram = `
#include <cstdio>
#include <type_traits>
${includes}
#include "api/facts.h"

using virtshim::ArgType;
using virtshim::ReturnType;

template <typename T>
bool fits(ArgType type) {
  if constexpr (std::is_same_v<T, int>) return type == ArgType::Int;
  if constexpr (std::is_same_v<T, unsigned int>) return type == ArgType::UInt;
  if constexpr (std::is_same_v<T, long>) return type == ArgType::Long;
  if constexpr (std::is_same_v<T, unsigned long>) return type == ArgType::ULong || type == ArgType::Size;
  if constexpr (std::is_same_v<T, long long>) return type == ArgType::LongLong;
  if constexpr (std::is_same_v<T, unsigned long long>) return type == ArgType::ULongLong;
  if constexpr (std::is_same_v<T, double>) return type == ArgType::Double;
  if constexpr (std::is_same_v<T, const char *>) return type == ArgType::String || type == ArgType::Bytes;
  if constexpr (std::is_same_v<T, const unsigned char *>) return type == ArgType::Uuid || type == ArgType::Bytes;
  if constexpr (std::is_pointer_v<T>) {
    if (std::is_function_v<std::remove_pointer_t<T>>) return type == ArgType::Callback;
    return type > ArgType::Double && type != ArgType::String && type != ArgType::Uuid && type != ArgType::Callback;
  }
  return false;
}

template <typename R>
bool returned(ReturnType type) {
  if constexpr (std::is_void_v<R>) return type == ReturnType::Void;
  if constexpr (std::is_same_v<R, int>) return type == ReturnType::Int;
  if constexpr (std::is_same_v<R, unsigned int>) return type == ReturnType::UInt;
  if constexpr (std::is_same_v<R, unsigned long>) return type == ReturnType::ULong;
  if constexpr (std::is_same_v<R, long long>) return type == ReturnType::LongLong;
  if constexpr (std::is_same_v<R, unsigned long long>) return type == ReturnType::ULongLong;
  if constexpr (std::is_same_v<R, char *>) return type == ReturnType::String;
  if constexpr (std::is_same_v<R, const char *>) return type == ReturnType::ConstString;
  return std::is_pointer_v<R> && type == ReturnType::Pointer;
}

template <typename R, typename... A>
void check(virtshim::FunctionId id, R (*)(A...)) {
  const virtshim::FunctionFacts &fn = virtshim::facts(id);
  bool ok = fn.argCount == sizeof...(A) && returned<R>(fn.returns);
  [[maybe_unused]] int i = 0;
  if (ok) ((ok = fits<A>(fn.args[i++].type) && ok), ...);
  if (!ok) std::printf("%s\\n", fn.name);
}

`;
