// src/generated/api.ts: the same tables for the policy compiler and the readers of records.
import type { Api, ApiFunction } from '../model.js';
import {
  argTypes,
  callClasses,
  failures,
  flagConditions,
  libraries,
  objectKinds,
  returnTypes,
  sonames,
} from '../vocabulary.js';
import { banner } from './banner.js';

const declarations = `export type Library = (typeof libraries)[number];
export type CallClass = (typeof callClasses)[number];
export type ObjectKind = (typeof objectKinds)[number];
export type ArgType = (typeof argTypes)[number];
export type Condition = (typeof conditions)[number];
export type ReturnType = (typeof returnTypes)[number];
export type Failure = (typeof failures)[number];

export interface ApiArg {
  /** As in libvirt's prototype. */
  readonly name: string;
  /** Index into argNames. */
  readonly nameId: number;
  readonly type: ArgType;
  readonly object: ObjectKind;
  /** Index of the argument that holds this one's length, or -1. */
  readonly count: number;
  readonly secret: boolean;
}

/** One permission that a call needs while its condition holds. */
export interface ApiCheck {
  readonly permission: string;
  /** Index into permissions. */
  readonly permissionId: number;
  /** AllSet: (arg & mask) == mask; NoneSet: (arg & mask) == 0; Equals: arg == mask. */
  readonly condition: Condition;
  readonly mask: number;
  /** Index of the argument that the condition reads, -1 for Always. */
  readonly arg: number;
}

export interface ApiFunction {
  /** Index into functions: the id in policy images and native tables. */
  readonly id: number;
  readonly name: string;
  readonly library: Library;
  /** The module of libvirt's documentation. */
  readonly group: string;
  readonly since: string;
  readonly class: CallClass;
  readonly stateChanging: boolean;
  readonly args: readonly ApiArg[];
  readonly checks: readonly ApiCheck[];
  readonly returns: ReturnType;
  readonly returnsObject: ObjectKind;
  readonly failure: Failure;
  /** Indexes of arguments, or -1. */
  readonly flagsArg: number;
  readonly resourceArg: number;
  readonly connectArg: number;
  /** Kind of the object that the call acts on, makes or looks up. */
  readonly object: ObjectKind;
}

// Numbers index the word lists above: name, type, object, count, secret.
type ArgRow = readonly [number, number, number, number, 0 | 1];
// permission, condition, mask, arg.
type CheckRow = readonly [number, number, number, number];
// name, since, library, group, class, stateChanging, returns, returnsObject, failure, flagsArg, resourceArg,
// connectArg, object, args, checks.
type Row = readonly [
  string, string, number, number, number, 0 | 1, number, number, number, number, number, number, number,
  readonly ArgRow[], readonly CheckRow[],
];`;

const decoder = `function word<T extends string>(words: readonly T[], index: number): T {
  const found = words[index];
  if (found === undefined) throw new RangeError('the generated tables are inconsistent');
  return found;
}

function arg([name, type, object, count, secret]: ArgRow): ApiArg {
  return {
    name: word(argNames, name),
    nameId: name,
    type: word(argTypes, type),
    object: word(objectKinds, object),
    count,
    secret: secret === 1,
  };
}

function check([permission, condition, mask, index]: CheckRow): ApiCheck {
  return {
    permission: word(permissions, permission),
    permissionId: permission,
    condition: word(conditions, condition),
    mask,
    arg: index,
  };
}

/** All functions, in the order of their ids. */
export const functions: readonly ApiFunction[] = rows.map((row, id) => ({
  id,
  name: row[0],
  since: row[1],
  library: word(libraries, row[2]),
  group: word(groups, row[3]),
  class: word(callClasses, row[4]),
  stateChanging: row[5] === 1,
  returns: word(returnTypes, row[6]),
  returnsObject: word(objectKinds, row[7]),
  failure: word(failures, row[8]),
  flagsArg: row[9],
  resourceArg: row[10],
  connectArg: row[11],
  object: word(objectKinds, row[12]),
  args: row[13].map(arg),
  checks: row[14].map(check),
}));

export const functionsByName: ReadonlyMap<string, ApiFunction> = new Map(functions.map((fn) => [fn.name, fn]));

/** Every constant of every enum: libvirt's names are unique. */
export const constants: ReadonlyMap<string, number> = new Map(
  Object.values(enums).flatMap((values) => Object.entries(values)),
);`;

export function emitTypeScript(api: Api): string {
  const groups = [...new Set(api.functions.map((fn) => fn.group))].sort();
  const lists: readonly (readonly [string, readonly string[]])[] = [
    ['libraries', libraries],
    ['callClasses', Object.keys(callClasses)],
    ['objectKinds', Object.values(objectKinds)],
    ['argTypes', argTypes],
    ['conditions', flagConditions],
    ['returnTypes', returnTypes],
    ['failures', failures],
    ['groups', groups],
    ['argNames', api.argNames],
    ['permissions', api.permissions],
  ];
  return `${banner}

export const apiVersion = '${api.version}';

/** Identifies the tables: a policy image compiled against others is refused. */
export const apiFingerprint = 0x${api.fingerprint.toString(16).padStart(16, '0')}n;

${lists.map(([name, words]) => wordList(name, words)).join('\n')}
export const sonames: Readonly<Record<Library, string>> = ${JSON.stringify(sonames)};

${declarations}

const rows: readonly Row[] = [
${api.functions.map((fn) => `  ${JSON.stringify(row(api, groups, fn))},\n`).join('')}];

/** libvirt's enums: constant name to value, aliases resolved. */
export const enums: Readonly<Record<string, Readonly<Record<string, number>>>> = {
${[...api.enums].map(([name, values]) => `  ${name}: ${JSON.stringify(Object.fromEntries(values))},\n`).join('')}};

${decoder}
`;
}

function wordList(name: string, words: readonly string[]): string {
  return `export const ${name} = [\n${words.map((word) => `  '${word}',\n`).join('')}] as const;\n`;
}

function row(api: Api, groups: readonly string[], fn: ApiFunction): readonly unknown[] {
  const kinds = Object.keys(objectKinds);
  const args = fn.args.map((arg) => [
    ...[api.argNames.indexOf(arg.name), argTypes.indexOf(arg.type), kinds.indexOf(arg.object), arg.count],
    arg.secret ? 1 : 0,
  ]);
  const checks = fn.checks.map((check) => [
    ...[api.permissions.indexOf(check.permission), flagConditions.indexOf(check.condition), check.mask, check.arg],
  ]);
  return [
    ...[fn.name, fn.since, libraries.indexOf(fn.library), groups.indexOf(fn.group)],
    ...[Object.keys(callClasses).indexOf(fn.class), fn.stateChanging ? 1 : 0],
    ...[returnTypes.indexOf(fn.returns), kinds.indexOf(fn.returnsObject), failures.indexOf(fn.failure)],
    ...[fn.flagsArg, fn.resourceArg, fn.connectArg, kinds.indexOf(fn.object), args, checks],
  ];
}
