// How JavaScript calls each of libvirt's functions: worked out once, for the emitters and for the classes on top.
import { flatConstants } from '../constants.js';
import { FactsError, type Inputs } from '../facts.js';
import type { Api, ApiFunction } from '../model.js';
import { returnMeaning } from '../types.js';
import type { Failure, Library, ObjectKind } from '../vocabulary.js';
import { scalar } from './c-types.js';
import type { Codec, CodecContext } from './codec.js';
import { codecsOf } from './codecs.js';
import { type ConstantValue, resolveConstants } from './constants.js';
import { checkFfi, type FfiOverrides, indexFfi, type RawEvents } from './raw.js';
import { type ReturnCodec, returnCodec } from './returns.js';
import { buildStructs, type Struct } from './structs.js';

export interface JsParam {
  /** As in C. */
  readonly name: string;
  readonly tsType: string;
  /** May be left out: it and all that follow it accept undefined. */
  readonly optional: boolean;
}

export interface FfiFunction {
  readonly name: string;
  /** The function's number in the generated tables. */
  readonly id: number;
  readonly library: Library;
  readonly group: string;
  readonly since: string;
  readonly args: ApiFunction['args'];
  /** For koffi: pointers are void *, strings are strings. */
  readonly prototype: string;
  /** Type parameters of the signature with their brackets, or "". */
  readonly typeParams: string;
  readonly jsParams: readonly JsParam[];
  readonly resultType: string;
  /** Kind of the handle that is returned. */
  readonly resultObject: ObjectKind;
  /** The handle belongs to libvirt: it must not be freed. */
  readonly resultBorrowed: boolean;
  /** The value that means failure, where it is not the usual one of its type. */
  readonly failure: Failure | null;
  /** Index of the argument whose calls have to be made one after the other, or -1. */
  readonly orderArg: number;
  /** Empty where the function is written by hand. */
  readonly codecs: readonly Codec[];
  readonly returns: ReturnCodec | null;
  /** Why the function is written by hand, or null where it is generated. */
  readonly byHand: string | null;
}

export interface Ffi {
  /** In the order of their ids. */
  readonly functions: readonly FfiFunction[];
  readonly structs: readonly Struct[];
  readonly events: readonly RawEvents[];
  readonly constants: ReadonlyMap<string, ConstantValue>;
  readonly isFlags: (enumName: string) => boolean;
}

/** Throws FactsError with every problem found. */
export function buildFfi(api: Api, { facts, ffi: raw }: Inputs): Ffi {
  const problems = [...checkFfi(raw, facts)];
  if (problems.length > 0) throw new FactsError(problems);
  const overrides = indexFfi(raw);
  const constants = resolveConstants(facts, flatConstants(api.enums));
  const structs = buildStructs(facts, overrides, constants);
  const names = new Set(structs.map(({ name }) => name));
  const pointers = facts.typedefs.map(({ name, type }) => [name, type.replace(/ \*$/, '')] as const);
  const context: CodecContext = {
    overrides,
    pointedStructs: new Map(pointers.filter(([, pointed]) => names.has(pointed))),
  };
  const functions = buildFunctions(api, context, problems);
  if (problems.length > 0) throw new FactsError(problems);
  return { functions, structs, events: raw.events, constants, isFlags: overrides.isFlags };
}

function buildFunctions(api: Api, context: CodecContext, problems: string[]): FfiFunction[] {
  return api.functions.flatMap((fn, id) => {
    try {
      return buildFunction(fn, id, context);
    } catch (error) {
      problems.push(`${fn.name}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  });
}

function buildFunction(fn: ApiFunction, id: number, context: CodecContext): FfiFunction {
  const { name, library, group, since, args } = fn;
  const facts = {
    ...{ name, id, library, group, since, args, resultObject: fn.returnsObject },
    failure: returnMeaning(fn.cReturns)?.[1] === fn.failure ? null : fn.failure,
    orderArg: orderArg(fn),
  };
  const byHand = handWritten(fn, context.overrides);
  if (byHand) return { ...facts, ...byHand };
  const forAll = codecsOf(fn, context);
  const returns = returnCodec(fn, forAll, context);
  const codecs = forAll.filter((codec) => codec.fills[0] !== returns.sizeArg);
  return {
    ...facts,
    prototype: prototype(fn, codecs),
    ...signature(codecs),
    resultType: resultType(codecs, returns),
    resultBorrowed: context.overrides.isBorrowed(name),
    codecs,
    returns,
    byHand: null,
  };
}

/**
 * What goes through a stream has to keep its order, and the end comes last. Aborting must not wait for a transfer that
 * hangs. libvirt's other objects need no such care.
 */
function orderArg({ name, args }: ApiFunction): number {
  if (!/^virStream(Send|Recv|Sparse|Finish|Free)/.test(name)) return -1;
  return args.findIndex((arg) => arg.object === 'Stream');
}

function handWritten(fn: ApiFunction, overrides: FfiOverrides) {
  const byHand = overrides.byHand(fn.name);
  return (
    byHand && {
      prototype: prototype(fn, []),
      typeParams: '',
      jsParams: byHand.params.map(parseParam),
      resultType: byHand.result,
      resultBorrowed: false,
      codecs: [],
      returns: null,
      byHand: byHand.reason,
    }
  );
}

/** "flags?: number" */
function parseParam(text: string): JsParam {
  const [, name, mark, tsType] = /^(\w+)(\??): (.+)$/.exec(text) ?? [];
  if (name === undefined || tsType === undefined) throw new Error(`ffi.json: \`${text}\` is no parameter`);
  return { name, tsType, optional: mark === '?' };
}

const strings: ReadonlySet<string> = new Set(['arg.string', 'arg.optionalString']);

function prototype(fn: ApiFunction, codecs: readonly Codec[]): string {
  const text = new Set(codecs.filter(({ maker }) => strings.has(maker)).flatMap((codec) => codec.fills));
  const type = (cType: string, index: number) =>
    scalar(cType) ? `${cType} ` : text.has(index) ? 'const char *' : 'void *';
  const params = fn.args.map((arg, index) => `${type(arg.cType, index)}${arg.name}`).join(', ');
  return `${returned(fn.cReturns)}${fn.name}(${params})`;
}

function returned(cType: string): string {
  if (cType === 'void' || scalar(cType)) return `${cType} `;
  if (cType === 'char *') return 'OwnedString ';
  return cType === 'const char *' ? cType : 'void *';
}

/** Parameters may be left out from where all that follow may. */
function signature(codecs: readonly Codec[]): Pick<FfiFunction, 'typeParams' | 'jsParams'> {
  const params = codecs.filter((codec) => codec.paramType !== null);
  const lastRequired = params.findLastIndex((codec) => !codec.optional);
  const event = codecs.find(({ maker }) => maker === 'arg.eventCallback');
  const jsParams = params.map((codec, i): JsParam => {
    const optional = i > lastRequired;
    const type = event && codec.name === 'eventID' ? 'Event' : (codec.paramType ?? '');
    return { name: codec.name, tsType: paramType(codec, type, optional), optional };
  });
  const typeParams = event ? `<Event extends EventOf<${event.args[0]}>>` : '';
  return { typeParams, jsParams };
}

const zeroWhereAbsent: ReadonlySet<string> = new Set(['arg.flags', 'arg.longFlags']);

/** `optional` is whether the parameter may be left out; those that stand before others accept undefined all the same. */
function paramType(codec: Codec, type: string, optional: boolean): string {
  if (!codec.optional) return type;
  return `${type}${zeroWhereAbsent.has(codec.maker) ? '' : ' | null'}${optional ? '' : ' | undefined'}`;
}

/** The return value, or the one thing that C fills, or all of those under their names. */
function resultType(codecs: readonly Codec[], returns: ReturnCodec): string {
  const outs = codecs.filter((codec) => codec.resultType !== null);
  if (returns.resultType !== null) {
    if (outs.length > 0) throw new Error('returns a value and fills others: nothing names the value');
    return returns.resultType;
  }
  const [first, second] = outs;
  if (!first) return 'void';
  const type = second
    ? `{ ${outs.map(({ name, resultType: each }) => `${name}: ${each}`).join('; ')} }`
    : (first.resultType ?? '');
  return returns.text === 'returns.found' ? `${type} | null` : type;
}
