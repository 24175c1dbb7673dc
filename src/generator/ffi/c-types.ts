// C's types as JavaScript sees them: names of codecs, TypeScript types, sizes.
//
// Sizes are those of LP64 (x86-64, aarch64 and all other 64-bit Linux): the only ABI that the shim is built for.

export interface Scalar {
  /** Name of the codec: arg.int, out.int, field.int. */
  readonly codec: string;
  readonly size: number;
  /** 64-bit values are numbers where they are safe integers. */
  readonly tsType: 'number' | 'number | bigint';
}

const wide = 'number | bigint';

const scalars: Readonly<Record<string, Scalar>> = {
  char: { codec: 'char', size: 1, tsType: 'number' },
  'unsigned char': { codec: 'uchar', size: 1, tsType: 'number' },
  short: { codec: 'short', size: 2, tsType: 'number' },
  'unsigned short': { codec: 'ushort', size: 2, tsType: 'number' },
  int: { codec: 'int', size: 4, tsType: 'number' },
  'unsigned int': { codec: 'uint', size: 4, tsType: 'number' },
  long: { codec: 'long', size: 8, tsType: wide },
  'unsigned long': { codec: 'ulong', size: 8, tsType: wide },
  'long long': { codec: 'longlong', size: 8, tsType: wide },
  'unsigned long long': { codec: 'ulonglong', size: 8, tsType: wide },
  size_t: { codec: 'size', size: 8, tsType: wide },
  double: { codec: 'double', size: 8, tsType: 'number' },
};

export const pointerSize = 8;

export function scalar(cType: string): Scalar | undefined {
  return scalars[cType];
}

/** The scalar that `cType` points to. */
export function pointedScalar(cType: string): Scalar | undefined {
  return cType.endsWith(' *') ? scalars[cType.slice(0, -2)] : undefined;
}
