// Which codec passes each C argument: by its type, by its neighbours, by ffi.json.
import type { Arg } from '../args.js';
import type { ApiCallbacks } from '../callbacks.js';
import type { ApiFunction } from '../model.js';
import { listedKind, objectKind } from '../types.js';
import { pointedScalar, scalar } from './c-types.js';
import type { FfiOverrides, RawCodec } from './raw.js';

/** One constructor of src/ffi, as it is called in the generated code. */
export interface Codec {
  /** "arg.string", "out.struct" */
  readonly constructor: string;
  /** Text of its arguments. */
  readonly args: readonly string[];
  /** The C arguments that it fills. */
  readonly fills: readonly number[];
  /** Name of the C argument, which is also that of the JavaScript parameter or of the result. */
  readonly name: string;
  /** Type of the JavaScript parameter, or null where there is none. */
  readonly paramType: string | null;
  /** null and undefined are accepted. */
  readonly optional: boolean;
  /** Type of what it adds to the result, or null. */
  readonly resultType: string | null;
  /** The C function's return value is the length of what it adds. */
  readonly counted: boolean;
}

export interface CodecContext {
  readonly overrides: FfiOverrides;
  /** Struct that a pointer type points to: virDomainInfoPtr -> virDomainInfo. */
  readonly pointedStructs: ReadonlyMap<string, string>;
  readonly callbacks: ApiCallbacks;
}

interface Place {
  readonly fn: ApiFunction;
  readonly arg: Arg;
  readonly index: number;
  readonly optional: boolean;
  readonly override: RawCodec | undefined;
  readonly context: CodecContext;
}

/** The codecs of a function in the order of the arguments. Throws where an argument would be left out or filled twice. */
export function codecsOf(fn: ApiFunction, context: CodecContext): readonly Codec[] {
  const candidates = fn.args.map((arg, index) =>
    codecOf({
      ...{ fn, arg, index, context },
      optional: context.overrides.isOptional(fn.name, arg.name),
      override: context.overrides.codec(fn.name, arg.name),
    }),
  );
  const filledByOthers = new Set(candidates.flatMap((codec, i) => codec?.fills.filter((index) => index !== i) ?? []));
  const codecs = candidates.flatMap((codec, i) => {
    if (filledByOthers.has(i)) return [];
    return codec ?? noCodec(fn.args[i]);
  });
  checkFills(fn, codecs);
  return codecs;
}

function noCodec(arg: Arg | undefined): never {
  throw new Error(`no codec is known for \`${arg?.name}\` of type \`${arg?.cType}\`: see native/api/ffi.json`);
}

function checkFills(fn: ApiFunction, codecs: readonly Codec[]): void {
  const filled = codecs.flatMap((codec) => codec.fills).sort((a, b) => a - b);
  if (filled.join() !== fn.args.map((_, i) => i).join()) throw new Error('the codecs do not fill each argument once');
}

function codecOf(place: Place): Codec | undefined {
  const codec = place.override ? overridden(place, place.override) : derived(place);
  if (codec && place.optional && !codec.optional) throw new Error(`\`${place.arg.name}\` cannot be optional`);
  return codec;
}

function derived(place: Place): Codec | undefined {
  const { arg } = place;
  return (
    plainScalar(place) ??
    objects(place) ??
    (arg.type === 'String' ? string(place) : undefined) ??
    (arg.type === 'Callback' ? callback(place) : undefined) ??
    listedInput(place) ??
    filled(place) ??
    struct(place)
  );
}

function plainScalar({ arg, index }: Place): Codec | undefined {
  const known = scalar(arg.cType);
  if (!known) return undefined;
  if (arg.name === 'flags' && known.codec === 'uint') {
    return input('arg.flags', arg.name, index, 'number', { optional: true });
  }
  return input(`arg.${known.codec}`, arg.name, index, known.tsType);
}

function objects({ arg, index, optional }: Place): Codec | undefined {
  if (objectKind(arg.cType) === 'None') return undefined;
  return optional
    ? input('arg.optionalObject', arg.name, index, arg.cType, { optional })
    : input('arg.object', arg.name, index, arg.cType);
}

function string({ arg, index, optional }: Place): Codec {
  return input(optional ? 'arg.optionalString' : 'arg.string', arg.name, index, 'string', { optional });
}

/** The callback, its opaque pointer and the function that frees it are one listener in JavaScript. */
function callback({ fn, arg, index, context }: Place): Codec | undefined {
  const [opaque, free] = [fn.args[index + 1], fn.args[index + 2]];
  if (opaque?.cType !== 'void *' || free?.cType !== 'virFreeCallback') return undefined;
  const fills = [index, index + 1, index + 2];
  if (!context.callbacks.byEventId.has(fn.name)) {
    const type = `CallbackListeners[${quote(arg.cType)}]`;
    return { ...input('arg.callback', arg.name, index, type), args: [quote(arg.cType), ...fills.map(String)], fills };
  }
  const args = [quote(fn.name), String(indexOf(fn, 'eventID')), ...fills.map(String)];
  return { ...input('arg.eventCallback', arg.name, index, `EventListener<${quote(fn.name)}, Event>`), args, fills };
}

const listCodecs: Readonly<Record<string, readonly [string, string]>> = {
  'int *': ['Ints', 'readonly number[]'],
  'unsigned int *': ['Uints', 'readonly number[]'],
  'const char **': ['Strings', 'readonly string[]'],
};

/** Lists and structures that C reads, with their length in another argument. */
function listedInput({ arg, index, optional }: Place): Codec | undefined {
  const counted = (constructor: string, type: string): Codec => ({
    ...input(`arg.${optional ? `optional${constructor}` : lowerFirst(constructor)}`, arg.name, index, type, {
      optional,
    }),
    args: [String(index), String(arg.count)],
    fills: [index, arg.count],
  });
  const [list, type] = listCodecs[arg.cType] ?? [];
  switch (arg.type) {
    case 'TypedParams':
      return counted('TypedParams', 'TypedParameters');
    case 'IntList':
    case 'StringList':
      return list && type && arg.count >= 0 ? counted(list, type) : undefined;
    case 'Bytes':
      return counted('Bytes', 'Uint8Array');
    case 'Uuid':
      return input('arg.uuid', arg.name, index, 'string | Uint8Array');
    default:
      return arg.cType === 'virConnectAuthPtr' ? input('arg.auth', arg.name, index, 'Auth') : undefined;
  }
}

/** Single values, strings and lists that C fills. */
function filled(place: Place): Codec | undefined {
  const { fn, arg, index } = place;
  if (listedKind(arg.cType) !== 'None') {
    return output('out.objects', arg.name, index, `${arg.cType.slice(0, -3)}[]`, { counted: true });
  }
  const known = pointedScalar(arg.cType);
  const next = fn.args[index + 1];
  switch (arg.cType) {
    case 'char *':
      return arg.name === 'buf' ? output('out.text', arg.name, index, 'string', { args: ['37'] }) : undefined;
    case 'unsigned char *':
      return arg.name === 'uuid' ? output('out.uuid', arg.name, index, 'Uint8Array') : undefined;
    case 'char **':
      return output('out.string', arg.name, index, 'string | null');
    case 'char ***':
      return output('out.strings', arg.name, index, 'string[]', { counted: true });
    case 'char ** const':
      return next?.name.startsWith('max')
        ? output('out.names', arg.name, index, 'string[]', { counted: true, args: [String(index + 1)] })
        : undefined;
    case 'virTypedParameterPtr':
      return parameters('out.typedParams', place);
    case 'virTypedParameterPtr *':
      return parameters('out.typedParamsAlloc', place);
    default:
      return known && output(`out.${known.codec}`, arg.name, index, known.tsType);
  }
}

function parameters(constructor: string, { fn, arg, index }: Place): Codec {
  const count = indexOf(fn, 'nparams');
  const codec = output(constructor, arg.name, index, 'TypedParameterValues', { args: [String(count)] });
  return { ...codec, fills: [index, count] };
}

/** Structs that C fills, or lists of them that it allocates. */
function struct({ fn, arg, index, context }: Place): Codec | undefined {
  const type = /^(vir\w+Ptr)( \*{1,2})?$/.exec(arg.cType);
  const name = context.pointedStructs.get(type?.[1] ?? '');
  if (name === undefined) return undefined;
  switch (type?.[2]) {
    case ' **':
      return output('out.structs', arg.name, index, `${name}[]`, { counted: true, args: [name, quote(`${name}Free`)] });
    case ' *':
      return arg.type === 'Out' && arg.name !== 'stats'
        ? output('out.structBlock', arg.name, index, `${name}[]`, { counted: true, args: [name] })
        : pointer(arg, index, type[1] ?? '');
    default:
      return structOrPointer(fn, arg, index, name);
  }
}

/** Functions that free or look at one struct take its address; those that fill one have something to find it by. */
function structOrPointer(fn: ApiFunction, arg: Arg, index: number, name: string): Codec {
  if (fn.args.length === 1) return pointer(arg, index, name);
  const sized = fn.args[index + 1]?.cType === 'size_t';
  const codec = output('out.struct', arg.name, index, name, { args: sized ? [name, String(index + 1)] : [name] });
  return sized ? { ...codec, fills: [index, index + 1] } : codec;
}

function pointer(arg: Arg, index: number, pointed: string): Codec {
  return input('arg.pointer', arg.name, index, `Pointer<${quote(pointed)}>`);
}

/** What ffi.json says of the codec; `other` is the argument with the length, or with the room that there is. */
function overridden(place: Place, { codec, other, room }: RawCodec): Codec {
  const { fn, arg, index, optional, context } = place;
  const known = overridable[codec];
  if (!known) throw new Error(`ffi.json: \`${codec}\` is no codec`);
  const otherIndex = other === undefined ? -1 : indexOf(fn, other);
  const pointed = arg.cType.replace(/Ptr$/, '').replace(/Ptr \*$/, '');
  const structName = context.pointedStructs.get(arg.cType) ?? pointed;
  const type = known.type.replaceAll('$', codec.startsWith('out.') ? structName : pointed);
  const args = [
    ...(known.struct ? [structName] : []),
    ...(known.other ? [String(otherIndex)] : []),
    ...(room === undefined ? [] : [String(room)]),
  ];
  const fills = known.other === 'fills' && otherIndex >= 0 ? [index, otherIndex] : [index];
  const counted = known.counted === true && otherIndex !== -1 ? known.other === 'room' : known.counted === true;
  const base = codec.startsWith('out.') ? output(codec, arg.name, index, type) : input(codec, arg.name, index, type);
  const both = codec.startsWith('inout.') ? { resultType: type } : {};
  const ignored = codec === 'out.ignored' ? { resultType: null } : {};
  return {
    ...base,
    args: [String(index), ...args],
    fills,
    counted,
    optional: optional || base.optional,
    ...both,
    ...ignored,
  };
}

interface Overridable {
  /** `$` is the struct. */
  readonly type: string;
  readonly struct?: true;
  /** The other argument is filled by the codec, or is the caller's room. */
  readonly other?: 'fills' | 'room';
  readonly counted?: true;
}

const overridable: Readonly<Record<string, Overridable>> = {
  'arg.boolean': { type: 'boolean' },
  'arg.int': { type: 'number' },
  'arg.pointer': { type: "Pointer<'$'>" },
  'arg.strings': { type: 'readonly string[]', other: 'fills' },
  'arg.buffer': { type: 'Uint8Array', other: 'fills' },
  'inout.int': { type: 'number' },
  'inout.pointer': { type: "Pointer<'$'> | null" },
  'out.boolean': { type: 'boolean' },
  'out.constString': { type: 'string | null' },
  'out.ignored': { type: 'never' },
  'out.typedParams': { type: 'TypedParameterValues', other: 'fills' },
  'out.structArray': { type: '$[]', struct: true, other: 'fills' },
  'out.records': { type: '$[]', struct: true, other: 'room', counted: true },
  'out.ids': { type: 'number[]', other: 'room', counted: true },
  'out.ulonglongs': { type: '(number | bigint)[]', other: 'room', counted: true },
  'out.names': { type: 'string[]', other: 'room', counted: true },
  'out.bytes': { type: 'Uint8Array', other: 'room' },
  'out.ints': { type: 'number[]', other: 'fills', counted: true },
};

interface Extra {
  readonly args?: readonly string[];
  readonly optional?: boolean;
  readonly counted?: boolean;
}

function input(constructor: string, name: string, index: number, paramType: string, extra: Extra = {}): Codec {
  const { args = [], optional = false } = extra;
  return { ...shared(constructor, name, index, args), paramType, optional, resultType: null, counted: false };
}

function output(constructor: string, name: string, index: number, resultType: string, extra: Extra = {}): Codec {
  const { args = [], counted = false } = extra;
  return { ...shared(constructor, name, index, args), paramType: null, optional: false, resultType, counted };
}

function shared(constructor: string, name: string, index: number, args: readonly string[]) {
  return { constructor, name, args: [String(index), ...args], fills: [index] };
}

function indexOf(fn: ApiFunction, name: string): number {
  const index = fn.args.findIndex((arg) => arg.name === name);
  if (index < 0) throw new Error(`\`${name}\` is no argument`);
  return index;
}

function quote(text: string): string {
  return `'${text}'`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
