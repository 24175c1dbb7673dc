// native/generated/facts.cc: the tables that native/api/facts.h declares.
import type { Api, ApiFunction } from '../model.js';
import { callClasses, libraries, objectKinds, sonames } from '../vocabulary.js';
import { banner } from './banner.js';

const findFunction = `FunctionId findFunction(const char *name) {
  uint16_t low = 0;
  uint16_t high = kFunctionCount;
  while (low < high) {
    const uint16_t middle = static_cast<uint16_t>((low + high) / 2);
    const int order = std::strcmp(name, kFunctions[middle].name);
    if (order == 0) return static_cast<FunctionId>(middle);
    if (order < 0) {
      high = middle;
    } else {
      low = static_cast<uint16_t>(middle + 1);
    }
  }
  return kNoFunction;
}`;

export function emitTables(api: Api): string {
  const argIds = new Map(api.argNames.map((name, id) => [name, id]));
  const permissionIds = new Map(api.permissions.map((name, id) => [name, id]));
  const args = new Pool('kArgs');
  const checks = new Pool('kChecks');
  const rows = api.functions.map((fn) => {
    const argRows = fn.args.map((arg) => argRow(arg, argIds.get(arg.name)));
    const checkRows = fn.checks.map((check) => checkRow(check, permissionIds.get(check.permission)));
    return functionRow(fn, args.add(argRows), checks.add(checkRows));
  });
  return `${banner}
#include "api/facts.h"

#include <cstring>

namespace virtshim {

namespace {

// Arguments of all functions, one after the other; functions that take the same ones share them.
constexpr ArgFacts kArgs[] = {
${args.text()}};

constexpr AclCheck kChecks[] = {
${checks.text()}};

}  // namespace

const FunctionFacts kFunctions[kFunctionCount] = {
${rows.join('')}};

${stringTable('kArgNames[]', api.argNames)}
const uint16_t kArgNameCount = ${api.argNames.length};

${stringTable('kPermissionNames[]', api.permissions)}
const uint16_t kPermissionCount = ${api.permissions.length};

${stringTable('kCallClassNames[kCallClassCount]', Object.keys(callClasses))}

${stringTable('kObjectKindNames[kObjectKindCount]', Object.values(objectKinds))}

${stringTable(
  'kLibrarySonames[kLibraryCount]',
  libraries.map((library) => sonames[library]),
)}

const uint64_t kApiFingerprint = 0x${api.fingerprint.toString(16).padStart(16, '0')};
const char kApiVersion[] = "${api.version}";

${findFunction}

}  // namespace virtshim
`;
}

/** Rows of many small arrays in one, equal ones shared. */
class Pool {
  private readonly rows: string[] = [];
  private readonly known = new Map<string, string>();

  constructor(private readonly name: string) {}

  add(rows: readonly string[]): string {
    if (rows.length === 0) return 'nullptr';
    const key = rows.join('');
    const known = this.known.get(key) ?? `${this.name} + ${this.rows.length}`;
    if (!this.known.has(key)) this.rows.push(...rows);
    this.known.set(key, known);
    return known;
  }

  text(): string {
    return this.rows.join('');
  }
}

function argRow(arg: ApiFunction['args'][number], id: number | undefined): string {
  const { name, type, object, count, secret } = arg;
  return `    {"${name}", ${id}, ArgType::${type}, ObjectKind::${object}, ${count}, ${secret}},\n`;
}

function checkRow(check: ApiFunction['checks'][number], id: number | undefined): string {
  const mask = `0x${check.mask.toString(16)}`;
  return `    {${id}, FlagCondition::${check.condition}, ${mask}, ${check.arg}},  // ${check.permission}\n`;
}

function functionRow(fn: ApiFunction, args: string, checks: string): string {
  const library = pascal(fn.library);
  const lines = [
    `"${fn.name}", "${fn.since}", ${args}, ${checks},`,
    `Library::${library}, CallClass::${callClasses[fn.class]}, ReturnType::${fn.returns}, Failure::${fn.failure},`,
    `${fn.stateChanging}, ${fn.args.length}, ${fn.checks.length}, ${fn.flagsArg}, ${fn.resourceArg}, ${fn.connectArg},`,
    `ObjectKind::${fn.object}, ObjectKind::${fn.returnsObject}},`,
  ];
  return `    {${lines.join('\n     ')}\n`;
}

function stringTable(declarator: string, words: readonly string[]): string {
  return `const char *const ${declarator} = {\n${words.map((word) => `    "${word}",\n`).join('')}};`;
}

function pascal(name: string): string {
  return name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
