// Codecs that follow from an argument's type and from the arguments beside it.
import type { ApiFunction } from '../model.js';
import { listedKind, objectKind } from '../types.js';
import { pointedScalar, scalar } from './c-types.js';
import { argIndex, type Codec, input, output, type Place, quote } from './codec.js';

/** Undefined where the type alone does not tell. */
export function derivedCodec(place: Place): Codec | undefined {
  return plain(place) ?? callback(place) ?? listed(place) ?? filled(place) ?? struct(place);
}

function plain(place: Place): Codec | undefined {
  const { arg } = place;
  if (objectKind(arg.cType) !== 'None') return input('arg.object', place, arg.cType);
  if (arg.type === 'String') return input('arg.string', place, 'string');
  if (arg.type === 'Uuid') return input('arg.uuid', place, 'string | Uint8Array');
  if (arg.cType === 'virConnectAuthPtr') return input('arg.auth', place, 'Auth');
  const known = scalar(arg.cType);
  if (!known) return undefined;
  if (arg.name !== 'flags') return input(`arg.${known.codec}`, place, known.tsType);
  return input(known.codec === 'uint' ? 'arg.flags' : 'arg.longFlags', place, known.tsType, { optional: true });
}

/** The callback, its opaque pointer and the function that frees it are one listener in JavaScript. */
function callback(place: Place): Codec | undefined {
  const { fn, arg, index, context } = place;
  const [opaque, free] = [fn.args[index + 1], fn.args[index + 2]];
  if (arg.type !== 'Callback' || opaque?.cType !== 'void *' || free?.cType !== 'virFreeCallback') return undefined;
  const fills = [index, index + 1, index + 2];
  if (context.overrides.isRegister(fn.name)) {
    const args = [quote(fn.name), argIndex(fn, 'eventID'), ...fills];
    return input('arg.eventCallback', place, `EventListener<${quote(fn.name)}, Event>`, { args, fills });
  }
  const args = [quote(arg.cType), ...fills];
  return input('arg.callback', place, `CallbackListeners[${quote(arg.cType)}]`, { args, fills });
}

const lists: Readonly<Record<string, readonly [string, string]>> = {
  'int *': ['arg.ints', 'readonly number[]'],
  'unsigned int *': ['arg.uints', 'readonly number[]'],
  'const char **': ['arg.strings', 'readonly string[]'],
};

/** What C reads, with its length in another argument. */
function listed(place: Place): Codec | undefined {
  const { arg, index } = place;
  if (arg.count < 0) return undefined;
  const shape = { args: [index, arg.count], fills: [index, arg.count] };
  if (arg.type === 'TypedParams') return input('arg.typedParams', place, 'TypedParameters', shape);
  if (arg.type === 'Bytes') return input('arg.bytes', place, 'Uint8Array', shape);
  const [maker, type] = lists[arg.cType] ?? [];
  return maker !== undefined && type !== undefined ? input(maker, place, type, shape) : undefined;
}

/** What C fills: single values, strings, and lists that it allocates. */
function filled(place: Place): Codec | undefined {
  const { arg, index } = place;
  if (listedKind(arg.cType) !== 'None') {
    return output('out.objects', place, `${arg.cType.slice(0, -3)}[]`, { counted: true });
  }
  switch (arg.cType) {
    case 'char *':
      return arg.name === 'buf' ? output('out.text', place, 'string', { args: [index, 37] }) : undefined;
    case 'unsigned char *':
      return arg.name === 'uuid' ? output('out.uuid', place, 'Uint8Array') : undefined;
    case 'char **':
      return output('out.string', place, 'string | null');
    case 'char ***':
      return output('out.strings', place, 'string[]', { counted: true });
    case 'char ** const':
      return output('out.names', place, 'string[]', { args: [index, roomAfter(place)], counted: true });
    case 'virTypedParameterPtr':
      return parameters('out.typedParams', place);
    case 'virTypedParameterPtr *':
      return parameters('out.typedParamsAlloc', place);
    default:
      return value(place);
  }
}

function value(place: Place): Codec | undefined {
  const known = pointedScalar(place.arg.cType);
  return known && output(`out.${known.codec}`, place, known.tsType);
}

/** The argument that says how much room the caller has. */
function roomAfter({ fn, arg, index }: Place): number {
  const next = fn.args[index + 1];
  if (!next?.name.startsWith('max')) throw new Error(`nothing tells how much room \`${arg.name}\` has`);
  return index + 1;
}

function parameters(maker: string, place: Place): Codec {
  const count = argIndex(place.fn, 'nparams');
  const indices = [place.index, count];
  return output(maker, place, 'TypedParameterValues', { args: indices, fills: indices });
}

/** Structs that C fills, lists of them that it allocates, and structs that it is only pointed to. */
function struct(place: Place): Codec | undefined {
  const { fn, arg, index, context } = place;
  const [, pointer, stars] = /^(vir\w+Ptr)( \*{1,2})?$/.exec(arg.cType) ?? [];
  const name = context.pointedStructs.get(pointer ?? '');
  if (name === undefined) return undefined;
  const args = [index, name];
  if (stars === ' **') {
    return output('out.structs', place, `${name}[]`, { args: [...args, quote(`${name}Free`)], counted: true });
  }
  if (isReleased(fn)) return input('arg.pointer', place, `Pointer<${quote(stars ? `${pointer}` : name)}>`);
  if (stars === ' *') return output('out.structBlock', place, `${name}[]`, { args, counted: true });
  return singleStruct(place, name);
}

/** A function that is given nothing but a struct does not fill it: it frees it, or looks at it. */
function isReleased(fn: ApiFunction): boolean {
  return fn.args.length === 1;
}

/** Older functions are told the size of the struct that they fill. */
function singleStruct(place: Place, name: string): Codec {
  const { fn, index } = place;
  if (fn.args[index + 1]?.cType !== 'size_t') return output('out.struct', place, name, { args: [index, name] });
  return output('out.struct', place, name, { args: [index, name, index + 1], fills: [index, index + 1] });
}
