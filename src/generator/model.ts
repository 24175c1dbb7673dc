// Everything the emitters need, worked out once from the inputs.
import { type Arg, classifyArgs } from './args.js';
import { type ApiCallbacks, buildCallbacks } from './callbacks.js';
import { flatConstants, resolveEnums } from './constants.js';
import { FactsError, type Inputs, type RawFunction } from './facts.js';
import { fingerprintOf } from './fingerprint.js';
import { byteOrder } from './order.js';
import { checkOverrides, indexOverrides, type Overrides } from './overrides.js';
import { type Check, overriddenCheck, parseCheck } from './permissions.js';
import { findResource } from './resource.js';
import { objectKind, returnMeaning } from './types.js';
import {
  type CallClass,
  callClasses,
  type Failure,
  type Library,
  libraries,
  maxArgs,
  maxChecks,
  type ObjectKind,
  type ReturnType,
} from './vocabulary.js';
import { type ApiXml, buildXml } from './xml.js';

export interface ApiFunction {
  readonly name: string;
  readonly library: Library;
  readonly group: string;
  readonly since: string;
  readonly class: CallClass;
  readonly stateChanging: boolean;
  readonly args: readonly Arg[];
  readonly checks: readonly Check[];
  readonly cReturns: string;
  readonly returns: ReturnType;
  readonly returnsObject: ObjectKind;
  readonly failure: Failure;
  readonly flagsArg: number;
  readonly resourceArg: number;
  readonly connectArg: number;
  readonly object: ObjectKind;
}

export interface Api {
  readonly version: string;
  /** In byte order of their names: the position is the function's id. */
  readonly functions: readonly ApiFunction[];
  readonly argNames: readonly string[];
  readonly permissions: readonly string[];
  readonly enums: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly callbacks: ApiCallbacks;
  readonly xml: ApiXml;
  readonly fingerprint: bigint;
}

const stateChangingClasses: ReadonlySet<CallClass> = new Set<CallClass>([
  'control',
  'config',
  'resource',
  'guest-access',
  'data-access',
  'secret',
]);

interface Context {
  readonly inputs: Inputs;
  readonly overrides: Overrides;
  readonly callbacks: ReadonlySet<string>;
  readonly constants: ReadonlyMap<string, number>;
}

/** Throws FactsError with every problem found, so that a new libvirt is brought in with one look. */
export function buildApi(inputs: Inputs): Api {
  const { facts } = inputs;
  const byName = new Map(facts.functions.map((fn) => [fn.name, fn]));
  const problems = [...checkOverrides(inputs.overrides, byName), ...checkNames(inputs, byName)];
  const enums = resolveEnums(facts);
  const context: Context = {
    inputs,
    overrides: indexOverrides(inputs.overrides),
    callbacks: new Set(facts.callbacks.map((callback) => callback.name)),
    constants: flatConstants(enums),
  };
  const functions = buildFunctions(context, problems);
  const callbacks = buildCallbacks(facts, problems);
  const xml = buildXml(inputs.xml, functions, problems);
  if (problems.length > 0) throw new FactsError(problems);
  const argNames = sortedUnique(functions.flatMap((fn) => fn.args.map((arg) => arg.name)));
  const permissions = sortedUnique(functions.flatMap((fn) => fn.checks.map((check) => check.permission)));
  const fingerprint = fingerprintOf(functions, argNames, permissions, xml);
  return { version: facts.libvirtVersion, functions, argNames, permissions, enums, callbacks, xml, fingerprint };
}

function checkNames(inputs: Inputs, byName: ReadonlyMap<string, RawFunction>): string[] {
  const problems: string[] = [];
  if (byName.size !== inputs.facts.functions.length) problems.push('libvirt.json: a function stands there twice');
  for (const name of Object.keys(inputs.classes)) {
    if (!byName.has(name)) problems.push(`classes.json: unknown function \`${name}\``);
  }
  return problems;
}

function buildFunctions(context: Context, problems: string[]): ApiFunction[] {
  const functions: ApiFunction[] = [];
  for (const raw of [...context.inputs.facts.functions].sort((a, b) => byteOrder(a.name, b.name))) {
    try {
      functions.push(buildFunction(raw, context));
    } catch (error) {
      problems.push(`${raw.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return functions;
}

function buildFunction(raw: RawFunction, context: Context): ApiFunction {
  const { overrides } = context;
  const callClass = classOf(raw, context);
  const args = classifyArgs(raw, context.callbacks, overrides);
  const checks = checksOf(raw, context);
  const meaning = returnMeaning(raw.returns);
  if (!meaning) throw new Error(`unknown type \`${raw.returns}\` is returned`);
  if (!libraries.includes(raw.library)) throw new Error(`unknown library \`${raw.library}\``);
  if (args.length > maxArgs || checks.length > maxChecks)
    throw new Error('more arguments or checks than facts.h allows');
  return {
    ...{ name: raw.name, library: raw.library, group: raw.group, since: raw.since, class: callClass, args, checks },
    stateChanging: overrides.stateChanging(raw.name) ?? stateChangingClasses.has(callClass),
    cReturns: raw.returns,
    returns: meaning[0],
    returnsObject: objectKind(raw.returns),
    failure: overrides.failure(raw.name) ?? meaning[1],
    flagsArg: args.findIndex((arg) => arg.name === 'flags'),
    ...findResource(raw, callClass, args, checks, overrides.object(raw.name)),
  };
}

function classOf(raw: RawFunction, context: Context): CallClass {
  const known = context.inputs.classes[raw.name]?.class;
  if (known === undefined) throw new Error('has no class: add it to native/api/classes.json');
  if (!(known in callClasses)) throw new Error(`unknown class \`${known}\` in native/api/classes.json`);
  return known;
}

function checksOf(raw: RawFunction, context: Context): readonly Check[] {
  const override = context.overrides.checks(raw.name);
  if (override) return override.map((check) => overriddenCheck(raw, check, context.constants));
  return (raw.aclChecks ?? []).map((check) => parseCheck(raw, check, context.constants));
}

function sortedUnique(words: readonly string[]): string[] {
  return [...new Set(words)].sort(byteOrder);
}
