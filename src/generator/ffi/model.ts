// How JavaScript calls each of libvirt's functions: worked out once, for the emitters and for the classes on top.
import { flatConstants } from '../constants.js';
import { FactsError, type Inputs, type RawFacts } from '../facts.js';
import type { Api, ApiFunction } from '../model.js';
import { returnMeaning } from '../types.js';
import type { Failure, Library, ObjectKind } from '../vocabulary.js';
import type { Codec, CodecContext } from './codec.js';
import { codecsOf } from './codecs.js';
import { type ConstantValue, resolveConstants } from './constants.js';
import { buildEach } from './problems.js';
import { checkFfi, indexFfi, type RawByHand, type RawEvents } from './raw.js';
import { type ReturnCodec, returnCodec } from './returns.js';
import { type JsParam, paramsOf, parseParam, prototypeOf, resultOf, typeParamsOf } from './signature.js';
import { buildStructs, type Struct } from './structs.js';

export type { JsParam } from './signature.js';

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
  const constants = resolveConstants(facts, flatConstants(api.enums), problems);
  const structs = buildStructs(facts, overrides, constants, problems);
  const context: CodecContext = { overrides, pointedStructs: pointedStructs(facts, structs) };
  const functions = buildEach(api.functions, problems, (fn, id) => buildFunction(fn, id, context));
  if (problems.length > 0) throw new FactsError(problems);
  return { functions, structs, events: raw.events, constants, isFlags: overrides.isFlags };
}

function pointedStructs(facts: RawFacts, structs: readonly Struct[]): ReadonlyMap<string, string> {
  const names = new Set(structs.map(({ name }) => name));
  const pointers = facts.typedefs.map(({ name, type }) => [name, type.replace(/ \*$/, '')] as const);
  return new Map(pointers.filter(([, pointed]) => names.has(pointed)));
}

function buildFunction(fn: ApiFunction, id: number, context: CodecContext): FfiFunction {
  const { name, library, group, since, args } = fn;
  const byHand = context.overrides.byHand(name);
  return {
    ...{ name, id, library, group, since, args, resultObject: fn.returnsObject },
    failure: returnMeaning(fn.cReturns)?.[1] === fn.failure ? null : fn.failure,
    orderArg: orderArg(fn),
    ...(byHand ? handWritten(fn, byHand) : generated(fn, context)),
  };
}

const registration = /^virConnect\w*(Event(Der|R)egister\w*|(Unr|R)egisterCloseCallback)$/;

/**
 * What goes through a stream has to keep its order, and the end comes last. Aborting must not wait for a transfer that
 * hangs. Registrations at once on one connection are mixed up by libvirt's remote driver: it tells the daemon twice.
 * libvirt's other objects need no such care.
 */
function orderArg({ name, args }: ApiFunction): number {
  if (registration.test(name)) return 0;
  if (!/^virStream(Send|Recv|Sparse|Finish|Free)/.test(name)) return -1;
  return args.findIndex((arg) => arg.object === 'Stream');
}

function generated(fn: ApiFunction, context: CodecContext) {
  const forAll = codecsOf(fn, context);
  const returns = returnCodec(fn, forAll, context);
  const codecs = forAll.filter((codec) => codec.fills[0] !== returns.sizeArg);
  return {
    prototype: prototypeOf(fn, codecs),
    typeParams: typeParamsOf(codecs),
    jsParams: paramsOf(codecs),
    resultType: resultOf(codecs, returns),
    resultBorrowed: context.overrides.isBorrowed(fn.name),
    ...{ codecs, returns, byHand: null },
  };
}

function handWritten(fn: ApiFunction, { params, result, reason }: RawByHand) {
  return {
    prototype: prototypeOf(fn, []),
    typeParams: '',
    jsParams: params.map(parseParam),
    resultType: result,
    resultBorrowed: false,
    ...{ codecs: [], returns: null, byHand: reason },
  };
}
