/** Arguments that libvirt fills. Each takes its C name and the C indices that belong to it. */
import type { Call, Codec } from './codec.js';
import { lazily } from './library.js';
import {
  addressIn,
  Cell,
  CellStore,
  free,
  littleEndian,
  lookAt,
  pointerSize,
  signedIn,
  stringAt,
  textIn,
  unsignedIn,
} from './memory.js';
import { wrongArgument } from './problems.js';
import { addressesAt, readArray, type Struct, structsAt } from './structs.js';
import { freeParameters, freeStrings, parameterSize, parametersAt, readParameters } from './typed_parameters.js';
import { uuidSize } from './uuid.js';

const intSize = 4;

/** One piece of memory, of which `read` makes the value. */
export function filled(
  name: string,
  index: number,
  store: CellStore,
  read: (view: DataView, call: Call) => unknown,
): Codec {
  return {
    name,
    input: false,
    put: (call) => putCell(call, index, store.take()),
    take: (call) => read(viewOf(call, index), call),
    end: (call) => giveBack(call, index, store),
  };
}

/** The same where nothing else is needed to make the value. */
function value(name: string, index: number, size: number, read: (view: DataView) => unknown): Codec {
  const store = new CellStore(size);
  return { ...filled(name, index, store, read), cell: { index, store, read } };
}

export function putCell(call: Call, index: number, cell: Cell): void {
  call.cells[index] = cell;
  call.c[index] = cell.bytes;
}

function giveBack(call: Call, index: number, store: CellStore): void {
  const cell = call.cells[index];
  if (cell !== undefined) store.giveBack(cell);
}

export function viewOf(call: Call, index: number): DataView {
  const cell = call.cells[index];
  if (cell === undefined) throw new TypeError(`argument ${index} of ${call.functionName} has no memory`);
  return cell.view;
}

function scalar(size: number, read: (view: DataView, offset: number) => unknown) {
  return (name: string, index: number): Codec => value(name, index, size, (view) => read(view, 0));
}

/** What an address that libvirt fills in points to: `read` makes the value, `release` frees it. */
export function pointed(
  name: string,
  index: number,
  read: (address: bigint, call: Call) => unknown,
  release: (address: bigint, call: Call) => void,
): Codec {
  const codec = filled(name, index, new CellStore(pointerSize), (view, call) => read(addressIn(view, 0), call));
  const end = (call: Call, succeeded: boolean): void => {
    if (succeeded) release(addressIn(viewOf(call, index), 0), call);
    codec.end?.(call, succeeded);
  };
  return { ...codec, end };
}

/** The length of a list that the function returned. */
export function returnedCount(call: Call): number {
  return typeof call.result === 'number' && call.result > 0 ? call.result : 0;
}

function string(name: string, index: number): Codec {
  return pointed(name, index, stringAt, free);
}

/** `const char **`: remains libvirt's. */
function constString(name: string, index: number): Codec {
  return pointed(name, index, stringAt, () => {});
}

/** Something that nobody needs in JavaScript: memory for any scalar. */
function ignored(name: string, index: number): Codec {
  const store = new CellStore(pointerSize);
  const put = (call: Call): void => putCell(call, index, store.take());
  return { name, input: false, put, end: (call) => giveBack(call, index, store) };
}

/** `char name[size]`, given by the caller. */
function text(name: string, index: number, size: number): Codec {
  return value(name, index, size, (view) => textIn(view, 0, size));
}

function uuid(name: string, index: number): Codec {
  return value(name, index, uuidSize, (view) => new Uint8Array(view.buffer.slice(0, uuidSize)));
}

function struct(name: string, index: number, type: Struct<unknown>, sizeIndex?: number): Codec {
  const read = (view: DataView): unknown => type.read(view, 0);
  if (sizeIndex === undefined) return value(name, index, type.size, read);
  const codec = filled(name, index, new CellStore(type.size), read);
  const put = (call: Call, given: unknown): void => {
    codec.put(call, given);
    call.c[sizeIndex] = type.size;
  };
  return { ...codec, put };
}

/** `char ***`: as many as the function returns. */
function strings(name: string, index: number): Codec {
  const release = (address: bigint, call: Call): void => {
    for (const one of addressesAt(address, returnedCount(call))) free(one);
    free(address);
  };
  return pointed(name, index, (address, call) => addressesAt(address, returnedCount(call)).map(stringAt), release);
}

/** `virXPtr **`: the handles are the caller's, the array is freed. */
function objects(name: string, index: number): Codec {
  return pointed(name, index, (address, call) => addressesAt(address, returnedCount(call)), free);
}

/** `virXPtr **` of structs, each of which libvirt's function `freeFunction` frees. */
function structs(name: string, index: number, type: Struct<unknown>, freeFunction: string): Codec {
  const freeOne = lazily(`void ${freeFunction}(void *one)`);
  const read = (address: bigint, call: Call): unknown[] =>
    addressesAt(address, returnedCount(call)).map((one) => lookAt(one, type.size, (view) => type.read(view, 0)));
  const release = (address: bigint, call: Call): void => {
    for (const one of addressesAt(address, returnedCount(call))) freeOne(one);
    free(address);
  };
  return pointed(name, index, read, release);
}

/** `virXPtr *`: one array of structs without pointers, as long as the function returns; freed. */
function structBlock(name: string, index: number, type: Struct<unknown>): Codec {
  return pointed(name, index, (address, call) => structsAt(address, returnedCount(call), type), free);
}

/** `int **`: as many as another argument says, or as the function returns where that is negative; freed. */
function ints(name: string, index: number, countIndex: number): Codec {
  const read = (address: bigint, call: Call): number[] => {
    const count = address === 0n ? 0 : countIndex < 0 ? returnedCount(call) : countOf(call, countIndex);
    return lookAt(address, count * intSize, (view) =>
      elements(view, count, intSize, (_, at) => view.getInt32(at, littleEndian)),
    );
  };
  const codec = pointed(name, index, read, free);
  return countIndex < 0 ? codec : withCount(codec, countIndex);
}

/** Adds the `int *` that tells how many there are. */
function withCount(codec: Codec, countIndex: number): Codec {
  const store = new CellStore(pointerSize);
  const put = (call: Call, value: unknown): void => {
    codec.put(call, value);
    putCell(call, countIndex, store.take());
  };
  const end = (call: Call, succeeded: boolean): void => {
    codec.end?.(call, succeeded);
    giveBack(call, countIndex, store);
  };
  return { ...codec, put, end };
}

function countOf(call: Call, countIndex: number): number {
  return Math.max(0, viewOf(call, countIndex).getInt32(0, littleEndian));
}

/** `virTypedParameterPtr *` and its count; freed with its strings. */
function typedParamsAlloc(name: string, index: number, countIndex: number): Codec {
  const read = (address: bigint, call: Call): unknown => parametersAt(address, countOf(call, countIndex));
  const release = (address: bigint, call: Call): void => {
    if (address !== 0n) freeParameters(address, countOf(call, countIndex));
  };
  return withCount(pointed(name, index, read, release), countIndex);
}

interface Elements {
  readonly elementSize: number;
  readonly read: (view: DataView, count: number) => unknown;
  readonly release?: (view: DataView, count: number) => void;
}

/**
 * The caller's array with an `int *` that is its length on the way in and out. With room for `start` elements first; 0
 * asks for the length with NULL, and calls again with as much.
 */
function askedArray(name: string, index: number, countIndex: number, start: number, array: Elements): Codec {
  const room = (call: Call, count: number): void => {
    call.notes[index] = count;
    viewOf(call, countIndex).setInt32(0, count, littleEndian);
    if (count > 0) putCell(call, index, new Cell(count * array.elementSize));
    else call.c[index] = null;
  };
  const filledIn = (call: Call): number => Math.min(countOf(call, countIndex), Number(call.notes[index]));
  const codec: Codec = {
    name,
    input: false,
    put: () => {},
    again: (call) => {
      const count = countOf(call, countIndex);
      if (call.notes[index] !== 0 || count === 0) return false;
      room(call, count);
      return true;
    },
    take: (call) => array.read(call.cells[index]?.view ?? new DataView(new ArrayBuffer(0)), filledIn(call)),
    end: (call, succeeded) => {
      const cell = call.cells[index];
      if (succeeded && cell !== undefined) array.release?.(cell.view, filledIn(call));
    },
  };
  const counted = withCount(codec, countIndex);
  const put = (call: Call, value: unknown): void => {
    counted.put(call, value);
    room(call, start);
  };
  return { ...counted, put };
}

function typedParams(name: string, index: number, countIndex: number, start = 0): Codec {
  return askedArray(name, index, countIndex, start, {
    elementSize: parameterSize,
    read: readParameters,
    release: freeStrings,
  });
}

function structArray(name: string, index: number, type: Struct<unknown>, countIndex: number): Codec {
  const read = (view: DataView, count: number): unknown[] => readArray(view, 0, count, type);
  return askedArray(name, index, countIndex, 0, { elementSize: type.size, read });
}

/** The caller's array, whose length `roomIndex` is an argument of its own; the function returns how many it filled in. */
export function listed(name: string, index: number, roomIndex: number, array: Elements): Codec {
  return {
    name,
    input: false,
    put: (call) => putCell(call, index, new Cell(roomIn(call, roomIndex) * array.elementSize)),
    take: (call) => array.read(viewOf(call, index), filledOf(call, roomIndex)),
    end: (call, succeeded) => {
      if (succeeded) array.release?.(viewOf(call, index), filledOf(call, roomIndex));
    },
  };
}

const mostRoom = 0x1000000;

export function roomIn(call: Call, roomIndex: number): number {
  const room = Number(call.c[roomIndex]);
  if (room > mostRoom) wrongArgument(call.functionName, 'the room for the answer', `at most ${mostRoom}`, room);
  return Math.max(0, room);
}

function filledOf(call: Call, roomIndex: number): number {
  return Math.min(returnedCount(call), roomIn(call, roomIndex));
}

export function elements<T>(view: DataView, count: number, size: number, read: (view: DataView, at: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => read(view, i * size));
}

/** `char **names`, each name freed. */
function names(name: string, index: number, roomIndex: number): Codec {
  return listed(name, index, roomIndex, {
    elementSize: pointerSize,
    read: (view, count) => elements(view, count, pointerSize, (_, at) => stringAt(addressIn(view, at))),
    release: (view, count) => {
      for (let i = 0; i < count; i += 1) free(addressIn(view, i * pointerSize));
    },
  });
}

function ids(name: string, index: number, roomIndex: number): Codec {
  const read = (view: DataView, count: number): number[] =>
    elements(view, count, intSize, (_, at) => view.getInt32(at, littleEndian));
  return listed(name, index, roomIndex, { elementSize: intSize, read });
}

function ulonglongs(name: string, index: number, roomIndex: number): Codec {
  const read = (view: DataView, count: number): unknown[] => elements(view, count, 8, unsignedIn);
  return listed(name, index, roomIndex, { elementSize: 8, read });
}

/** Structs; their strings are freed. */
function records(name: string, index: number, type: Struct<unknown>, roomIndex: number): Codec {
  return listed(name, index, roomIndex, {
    elementSize: type.size,
    read: (view, count) => readArray(view, 0, count, type),
    release: (view, count) => {
      for (let i = 0; i < count; i += 1) {
        for (const offset of type.strings) free(addressIn(view, i * type.size + offset));
      }
    },
  });
}

const mostBytes = 0x7fffffff;

/** Memory of as many bytes as another argument says; all of them are the result. */
function bytes(name: string, index: number, sizeIndex: number): Codec {
  return {
    name,
    input: false,
    put: (call) => putCell(call, index, new Cell(sizeIn(call, sizeIndex))),
    take: (call) => call.cells[index]?.bytes,
  };
}

function sizeIn(call: Call, sizeIndex: number): number {
  const size = Number(call.c[sizeIndex]);
  if (size < 0 || size > mostBytes) wrongArgument(call.functionName, 'size', `at most ${mostBytes}`, size);
  return size;
}

const long = scalar(8, signedIn);
const ulong = scalar(8, unsignedIn);

export const out = {
  int: scalar(intSize, (view, at) => view.getInt32(at, littleEndian)),
  uint: scalar(intSize, (view, at) => view.getUint32(at, littleEndian)),
  boolean: scalar(intSize, (view, at) => view.getInt32(at, littleEndian) !== 0),
  double: scalar(8, (view, at) => view.getFloat64(at, littleEndian)),
  ...{ long, ulong, longlong: long, ulonglong: ulong, size: ulong },
  ...{ string, constString, text, uuid, ignored, strings, names, ids, ints, ulonglongs, bytes },
  ...{ objects, struct, structs, structBlock, structArray, records, typedParams, typedParamsAlloc },
};
