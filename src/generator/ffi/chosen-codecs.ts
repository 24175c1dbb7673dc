// Codecs that ffi.json chooses, where types and names do not tell.
import { argIndex, type Codec, input, output, type Place } from './codec.js';
import type { RawCodec } from './raw.js';

interface Choice {
  /** Type in JavaScript; `$` is the struct. */
  readonly type: string;
  /** The constructor is given the struct. */
  readonly struct?: true;
  /** The other argument is filled by the codec ("length"), or the caller says there how much room there is ("room"). */
  readonly other?: 'length' | 'room';
  /** The return value is the length where no other argument is. */
  readonly counted?: true;
}

const choices: Readonly<Record<string, Choice>> = {
  'arg.boolean': { type: 'boolean' },
  'arg.buffer': { type: 'Uint8Array', other: 'length' },
  'arg.int': { type: 'number' },
  'arg.pointer': { type: "Pointer<'$'>" },
  'arg.strings': { type: 'readonly string[]', other: 'length' },
  'inout.int': { type: 'number' },
  'inout.pointer': { type: "Pointer<'$'> | null" },
  'out.boolean': { type: 'boolean' },
  'out.bytes': { type: 'Uint8Array', other: 'room' },
  'out.constString': { type: 'string' },
  'out.ids': { type: 'number[]', other: 'room', counted: true },
  'out.ignored': { type: '' },
  'out.ints': { type: 'number[]', other: 'length', counted: true },
  'out.names': { type: 'string[]', other: 'room', counted: true },
  'out.records': { type: '$[]', struct: true, other: 'room', counted: true },
  'out.structArray': { type: '$[]', struct: true, other: 'length' },
  'out.typedParams': { type: 'TypedParameterValues', other: 'length' },
  'out.ulonglongs': { type: '(number | bigint)[]', other: 'room', counted: true },
};

/** Throws where ffi.json names a codec that there is not. */
export function chosenCodec(place: Place, { codec: maker, other, room }: RawCodec): Codec {
  const choice = choices[maker];
  if (!choice) throw new Error(`ffi.json: \`${maker}\` is no codec`);
  const { fn, arg, index, context } = place;
  const struct = context.pointedStructs.get(arg.cType) ?? arg.cType.replace(/Ptr( \*)?$/, '');
  const otherIndex = other === undefined ? -1 : argIndex(fn, other);
  const args = [
    index,
    ...(choice.struct ? [struct] : []),
    ...(choice.other ? [otherIndex] : []),
    ...(room ? [room] : []),
  ];
  const fillsOther = choice.other === 'length' && otherIndex >= 0;
  const shape = {
    args,
    fills: fillsOther ? [index, otherIndex] : [index],
    counted: choice.counted === true && !fillsOther,
  };
  return make(place, maker, choice.type.replaceAll('$', struct), shape);
}

function make(place: Place, maker: string, type: string, shape: NonNullable<Parameters<typeof input>[3]>): Codec {
  if (maker === 'out.ignored') return { ...output(maker, place, type, shape), resultType: null };
  if (maker.startsWith('out.')) return output(maker, place, type, shape);
  const codec = input(maker, place, type, shape);
  return maker.startsWith('inout.') ? { ...codec, resultType: type } : codec;
}
