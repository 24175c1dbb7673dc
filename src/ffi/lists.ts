/** Lists that libvirt fills or allocates. Each takes its C name and the C indices that belong to it. */
import { elements, giveBack, pointed, putCell, returnedCount, roomIn, viewOf } from './cells.js';
import type { Call, Codec } from './codec.js';
import { lazily } from './library.js';
import { addressIn, Cell, CellStore, free, littleEndian, lookAt, pointerSize, stringAt, unsignedIn } from './memory.js';
import { addressesAt, readArray, type Struct, structsAt } from './structs.js';
import { freeParameters, freeStrings, parameterSize, parametersAt, readParameters } from './typed_parameters.js';

const intSize = 4;

/** `char ***`: as many as the function returns. */
export function strings(name: string, index: number): Codec {
  const release = (address: bigint, call: Call): void => {
    for (const one of addressesAt(address, returnedCount(call))) free(one);
    free(address);
  };
  return pointed(name, index, (address, call) => addressesAt(address, returnedCount(call)).map(stringAt), release);
}

/** `virXPtr **`: the handles are the caller's, the array is freed. */
export function objects(name: string, index: number): Codec {
  return pointed(name, index, (address, call) => addressesAt(address, returnedCount(call)), free);
}

/** `virXPtr **` of structs, each of which libvirt's function `freeFunction` frees. */
export function structs(name: string, index: number, type: Struct<unknown>, freeFunction: string): Codec {
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
export function structBlock(name: string, index: number, type: Struct<unknown>): Codec {
  return pointed(name, index, (address, call) => structsAt(address, returnedCount(call), type), free);
}

/** `int **`: as many as another argument says, or as the function returns where that is negative; freed. */
export function ints(name: string, index: number, countIndex: number): Codec {
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
export function typedParamsAlloc(name: string, index: number, countIndex: number): Codec {
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

export function typedParams(name: string, index: number, countIndex: number, start = 0): Codec {
  return askedArray(name, index, countIndex, start, {
    elementSize: parameterSize,
    read: readParameters,
    release: freeStrings,
  });
}

export function structArray(name: string, index: number, type: Struct<unknown>, countIndex: number): Codec {
  const read = (view: DataView, count: number): unknown[] => readArray(view, 0, count, type);
  return askedArray(name, index, countIndex, 0, { elementSize: type.size, read });
}

/** The caller's array, whose length `roomIndex` is an argument of its own; the function returns how many it filled in. */
function listed(name: string, index: number, roomIndex: number, array: Elements): Codec {
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

function filledOf(call: Call, roomIndex: number): number {
  return Math.min(returnedCount(call), roomIn(call, roomIndex));
}

/** `char **names`, each name freed. */
export function names(name: string, index: number, roomIndex: number): Codec {
  return listed(name, index, roomIndex, {
    elementSize: pointerSize,
    read: (view, count) => elements(view, count, pointerSize, (_, at) => stringAt(addressIn(view, at))),
    release: (view, count) => {
      for (let i = 0; i < count; i += 1) free(addressIn(view, i * pointerSize));
    },
  });
}

export function ids(name: string, index: number, roomIndex: number): Codec {
  const read = (view: DataView, count: number): number[] =>
    elements(view, count, intSize, (_, at) => view.getInt32(at, littleEndian));
  return listed(name, index, roomIndex, { elementSize: intSize, read });
}

export function ulonglongs(name: string, index: number, roomIndex: number): Codec {
  const read = (view: DataView, count: number): unknown[] => elements(view, count, 8, unsignedIn);
  return listed(name, index, roomIndex, { elementSize: 8, read });
}

/** Structs; their strings are freed. */
export function records(name: string, index: number, type: Struct<unknown>, roomIndex: number): Codec {
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
