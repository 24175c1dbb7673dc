// What a function's return value is in JavaScript.
import type { ApiFunction } from '../model.js';
import { objectKind } from '../types.js';
import { scalar } from './c-types.js';
import type { Codec, CodecContext } from './codec.js';

export interface ReturnCodec {
  /** As it is written in the generated code: "returns.status", "returns.optionalStruct(virError)". */
  readonly text: string;
  /** Type of the value, or null where it is only a status or the length of something else. */
  readonly resultType: string | null;
  /** Index of the argument that the size of what is returned comes out of. */
  readonly sizeArg?: number;
}

/** Throws where the type is unknown. */
export function returnCodec(fn: ApiFunction, codecs: readonly Codec[], context: CodecContext): ReturnCodec {
  const override = context.overrides.returns(fn.name);
  return override === undefined ? derived(fn, codecs) : overridden(fn, override, context);
}

function derived(fn: ApiFunction, codecs: readonly Codec[]): ReturnCodec {
  const { cReturns } = fn;
  if (cReturns === 'void') return { text: 'returns.nothing', resultType: null };
  if (objectKind(cReturns) !== 'None') return { text: 'returns.object', resultType: cReturns };
  if (cReturns === 'char *' || cReturns === 'const char *') return { text: 'returns.string', resultType: 'string' };
  if (cReturns === 'int') return integer(fn, codecs);
  if (cReturns === 'unsigned char *') return bytes(fn);
  const known = scalar(cReturns);
  if (!known) throw new Error(`nothing is known about the returned \`${cReturns}\`: see native/api/ffi.json`);
  return { text: `returns.${known.codec}`, resultType: known.tsType };
}

/** Ints are a status, unless a list needs its length, the name asks a question, or ffi.json says otherwise. */
function integer(fn: ApiFunction, codecs: readonly Codec[]): ReturnCodec {
  if (codecs.some((codec) => codec.counted)) return { text: 'returns.count', resultType: null };
  if (/^vir\w+?(Is|Has)[A-Z]/.test(fn.name)) return { text: 'returns.boolean', resultType: 'boolean' };
  return { text: 'returns.status', resultType: null };
}

function bytes(fn: ApiFunction): ReturnCodec {
  const size = fn.args.findIndex((arg) => arg.cType === 'size_t *');
  if (size < 0) throw new Error('nothing tells the size of what is returned');
  return { text: `returns.bytes(${size})`, resultType: 'Uint8Array', sizeArg: size };
}

function overridden(fn: ApiFunction, codec: string, { pointedStructs }: CodecContext): ReturnCodec {
  const struct = pointedStructs.get(fn.cReturns) ?? fn.cReturns.replace(/Ptr$/, '');
  switch (codec) {
    case 'returns.int':
    case 'returns.id':
      return { text: codec, resultType: 'number' };
    case 'returns.found':
      return { text: codec, resultType: null };
    case 'returns.optionalString':
      return { text: codec, resultType: 'string | null' };
    case 'returns.optionalPointer':
      return { text: codec, resultType: `Pointer<'${struct}'> | null` };
    case 'returns.optionalStruct':
      return { text: `${codec}(${struct})`, resultType: `${struct} | null` };
    default:
      throw new Error(`ffi.json: \`${codec}\` is no codec`);
  }
}
