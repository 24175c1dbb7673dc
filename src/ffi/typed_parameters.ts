/** libvirt's typed parameters (struct _virTypedParameter) as plain objects, both ways. */
import { fits, int32, int64, uint32, uint64 } from './integers.js';
import { koffi } from './library.js';
import { addressIn, Cell, free, littleEndian, lookAt, signedIn, stringAt, textIn, unsignedIn } from './memory.js';
import { wrongArgument } from './problems.js';
import { documentedType } from './typed_fields.js';
import type { TypedParameterValues, TypedScalar, TypedValueType } from './values.js';

export type { TypedParameters, TypedParameterValues } from './values.js';

const nameSize = 80;
const typeOffset = 80;
const valueOffset = 88;
export const parameterSize = 96;

const types = ['int', 'uint', 'llong', 'ullong', 'double', 'boolean', 'string'] as const;

function typeOf(view: DataView, at: number): TypedValueType | undefined {
  return types[view.getInt32(at + typeOffset, littleEndian) - 1];
}

/** The parameters of an array in memory, by their names; those of a type that is not known are left out. */
export function readParameters(view: DataView, count: number, start = 0): TypedParameterValues {
  const result: TypedParameterValues = {};
  for (let at = start; at < start + count * parameterSize; at += parameterSize) {
    const type = typeOf(view, at);
    if (type !== undefined) add(result, textIn(view, at, nameSize), readers[type](view, at + valueOffset));
  }
  return result;
}

/** The parameters of an array at an address. */
export function parametersAt(address: bigint, count: number): TypedParameterValues {
  return lookAt(address, count * parameterSize, (view) => readParameters(view, count));
}

/** Releases the strings of an array that libvirt filled. */
export function freeStrings(view: DataView, count: number): void {
  for (let at = 0; at < count * parameterSize; at += parameterSize) {
    if (typeOf(view, at) === 'string') free(addressIn(view, at + valueOffset));
  }
}

/** Releases an array that libvirt allocated, with its strings. */
export function freeParameters(address: bigint, count: number): void {
  lookAt(address, count * parameterSize, (view) => freeStrings(view, count));
  free(address);
}

function add(result: TypedParameterValues, name: string, value: TypedScalar): void {
  const before = Object.hasOwn(result, name) ? result[name] : undefined;
  if (before === undefined) result[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else result[name] = [before, value];
}

const readers: Readonly<Record<TypedValueType, (view: DataView, at: number) => TypedScalar>> = {
  int: (view, at) => view.getInt32(at, littleEndian),
  uint: (view, at) => view.getUint32(at, littleEndian),
  llong: signedIn,
  ullong: unsignedIn,
  double: (view, at) => view.getFloat64(at, littleEndian),
  boolean: (view, at) => view.getInt8(at) !== 0,
  string: (view, at) => stringAt(addressIn(view, at)) ?? '',
};

/** Parameters in memory as C wants them; the memory holds their strings, too. */
export interface EncodedParameters {
  readonly cell: Cell;
  readonly count: number;
}

interface Parameter {
  readonly name: string;
  readonly type: TypedValueType;
  readonly value: TypedScalar;
  readonly text: Buffer | undefined;
}

/** Puts parameters into memory. Throws VIRTSHIM_ARGUMENT for what libvirt has no type for. */
export function encodeParameters(value: unknown, functionName: string, argument: string): EncodedParameters {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    wrongArgument(functionName, argument, 'an object of typed parameters', value);
  }
  const parameters = Object.entries(value).flatMap(([name, given]) =>
    (Array.isArray(given) ? given : [given]).map((one) => parameter(name, one, functionName, `${argument}.${name}`)),
  );
  return { cell: inMemory(parameters), count: parameters.length };
}

function parameter(name: string, given: unknown, functionName: string, argument: string): Parameter {
  if (Buffer.byteLength(name) >= nameSize || name === '' || name.includes('\0')) {
    wrongArgument(functionName, argument, `named by 1 to ${nameSize - 1} bytes without NUL`, name);
  }
  const typed = isTyped(given);
  const type = typed ? given.type : (documentedType(name) ?? guessType(given));
  const value = convert(typed ? given.value : given, type);
  if (type === undefined || value === undefined) {
    wrongArgument(functionName, argument, words[type ?? 'int'], typed ? given.value : given);
  }
  return { name, type, value, text: typeof value === 'string' ? Buffer.from(value) : undefined };
}

function isTyped(given: unknown): given is { type: TypedValueType; value: unknown } {
  if (typeof given !== 'object' || given === null || !('type' in given) || !('value' in given)) return false;
  return types.some((type) => type === given.type);
}

/** The smallest type of libvirt's that holds a value of a field that is not known. */
function guessType(value: unknown): TypedValueType | undefined {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'boolean';
  if (fits(value, int32)) return 'int';
  if (fits(value, uint32)) return 'uint';
  if (fits(value, int64)) return 'llong';
  if (fits(value, uint64)) return 'ullong';
  return typeof value === 'number' && !Number.isInteger(value) ? 'double' : undefined;
}

const integerTypes = { int: int32, uint: uint32, llong: int64, ullong: uint64 };

const words: Readonly<Record<TypedValueType, string>> = {
  int: int32.words,
  uint: uint32.words,
  llong: int64.words,
  ullong: uint64.words,
  double: 'a number',
  boolean: 'true or false',
  string: 'a string without NUL',
};

function convert(value: unknown, type: TypedValueType | undefined): TypedScalar | undefined {
  switch (type) {
    case 'string':
      return typeof value === 'string' && !value.includes('\0') ? value : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : value === 0 || value === 1 ? value === 1 : undefined;
    case 'double':
      return typeof value === 'number' ? value : undefined;
    case undefined:
      return undefined;
    default:
      return fits(value, integerTypes[type]) ? value : undefined;
  }
}

function inMemory(parameters: readonly Parameter[]): Cell {
  const strings = parameters.reduce((sum, one) => sum + (one.text === undefined ? 0 : one.text.length + 1), 0);
  const cell = new Cell(parameters.length * parameterSize + strings);
  const start = strings > 0 ? koffi().address(cell.bytes) : 0n;
  let place = parameters.length * parameterSize;
  for (const [i, { name, type, value, text }] of parameters.entries()) {
    const at = i * parameterSize;
    cell.bytes.set(Buffer.from(name), at);
    cell.view.setInt32(at + typeOffset, types.indexOf(type) + 1, littleEndian);
    if (text === undefined) {
      writers[type](cell.view, at + valueOffset, value);
    } else {
      cell.view.setBigUint64(at + valueOffset, start + BigInt(place), littleEndian);
      cell.bytes.set(text, place);
      place += text.length + 1;
    }
  }
  return cell;
}

const writers: Readonly<Record<TypedValueType, (view: DataView, at: number, value: TypedScalar) => void>> = {
  int: (view, at, value) => view.setInt32(at, Number(value), littleEndian),
  uint: (view, at, value) => view.setUint32(at, Number(value), littleEndian),
  llong: (view, at, value) => view.setBigInt64(at, BigInt(value), littleEndian),
  ullong: (view, at, value) => view.setBigUint64(at, BigInt(value), littleEndian),
  double: (view, at, value) => view.setFloat64(at, Number(value), littleEndian),
  boolean: (view, at, value) => view.setInt8(at, value === true ? 1 : 0),
  string: () => {},
};
