// What a function looks like from both sides: its prototype for koffi, its parameters and its result in TypeScript.
import type { ApiFunction } from '../model.js';
import { scalar } from './c-types.js';
import type { Codec } from './codec.js';
import type { ReturnCodec } from './returns.js';

export interface JsParam {
  /** As in C. */
  readonly name: string;
  readonly tsType: string;
  /** May be left out: it and all that follow it accept undefined. */
  readonly optional: boolean;
}

const strings: ReadonlySet<string> = new Set(['arg.string', 'arg.optionalString']);

/** Integers by their C types, strings as strings, every other pointer as `void *`. */
export function prototypeOf(fn: ApiFunction, codecs: readonly Codec[]): string {
  const text = new Set(codecs.filter(({ maker }) => strings.has(maker)).flatMap((codec) => codec.fills));
  const type = (cType: string, index: number) =>
    scalar(cType) ? `${cType} ` : text.has(index) ? 'const char *' : 'void *';
  const params = fn.args.map((arg, index) => `${type(arg.cType, index)}${arg.name}`).join(', ');
  return `${returnedType(fn.cReturns)}${fn.name}(${params})`;
}

/** Strings that the caller has to free are of a type of their own, which koffi copies and frees. */
function returnedType(cType: string): string {
  if (cType === 'void' || scalar(cType)) return `${cType} `;
  if (cType === 'char *') return 'OwnedString ';
  return cType === 'const char *' ? cType : 'void *';
}

/** Type parameters with their brackets, or "". */
export function typeParamsOf(codecs: readonly Codec[]): string {
  const event = codecs.find(({ maker }) => maker === 'arg.eventCallback');
  return event ? `<Event extends EventOf<${event.args[0]}>>` : '';
}

/** Parameters may be left out from where all that follow may. */
export function paramsOf(codecs: readonly Codec[]): readonly JsParam[] {
  const params = codecs.filter((codec) => codec.paramType !== null);
  const lastRequired = params.findLastIndex((codec) => !codec.optional);
  const typed = typeParamsOf(codecs) !== '';
  return params.map((codec, i) => {
    const type = typed && codec.name === 'eventID' ? 'Event' : (codec.paramType ?? '');
    const optional = i > lastRequired;
    return { name: codec.name, tsType: withNull(codec, type, optional), optional };
  });
}

const zeroWhereAbsent: ReadonlySet<string> = new Set(['arg.flags', 'arg.longFlags']);

/** What may be NULL but stands before what may not be left out accepts undefined all the same. */
function withNull(codec: Codec, type: string, leftOut: boolean): string {
  if (!codec.optional) return type;
  return `${type}${zeroWhereAbsent.has(codec.maker) ? '' : ' | null'}${leftOut ? '' : ' | undefined'}`;
}

/** The return value, or the one thing that C fills, or all of those under their names. Throws where it is both. */
export function resultOf(codecs: readonly Codec[], returns: ReturnCodec): string {
  const outs = codecs.filter((codec) => codec.resultType !== null);
  if (returns.resultType !== null) {
    if (outs.length > 0) throw new Error('returns a value and fills others: nothing names the value');
    return returns.resultType;
  }
  const [first, second] = outs;
  if (!first) return 'void';
  const all = outs.map((codec) => `${codec.name}: ${codec.resultType}`);
  const type = second ? `{ ${all.join('; ')} }` : (first.resultType ?? '');
  return returns.text === 'returns.found' ? `${type} | null` : type;
}

/** Reads "flags?: number". Throws on anything else. */
export function parseParam(text: string): JsParam {
  const [, name, mark, tsType] = /^(\w+)(\??): (.+)$/.exec(text) ?? [];
  if (name === undefined || tsType === undefined) throw new Error(`ffi.json: \`${text}\` is no parameter`);
  return { name, tsType, optional: mark === '?' };
}
