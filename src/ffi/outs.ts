/** Arguments that libvirt fills. Each takes its C name and the C indices that belong to it. */
import { filled, giveBack, plain, pointed, putCell } from './cells.js';
import type { Call, Codec } from './codec.js';
import * as lists from './lists.js';
import { Cell, CellStore, free, littleEndian, pointerSize, signedIn, stringAt, textIn, unsignedIn } from './memory.js';
import { wrongArgument } from './problems.js';
import type { Struct } from './structs.js';
import { uuidSize } from './uuid.js';

const intSize = 4;

function scalar(size: number, read: (view: DataView, offset: number) => unknown) {
  return (name: string, index: number): Codec => plain(name, index, size, (view) => read(view, 0));
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
  return plain(name, index, size, (view) => textIn(view, 0, size));
}

function uuid(name: string, index: number): Codec {
  return plain(name, index, uuidSize, (view) => new Uint8Array(view.buffer.slice(0, uuidSize)));
}

function struct(name: string, index: number, type: Struct<unknown>, sizeIndex?: number): Codec {
  const read = (view: DataView): unknown => type.read(view, 0);
  if (sizeIndex === undefined) return plain(name, index, type.size, read);
  const codec = filled(name, index, new CellStore(type.size), read);
  const put = (call: Call, given: unknown): void => {
    codec.put(call, given);
    call.c[sizeIndex] = type.size;
  };
  return { ...codec, put };
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
  ...{ string, constString, text, uuid, struct, bytes, ignored },
  ...lists,
};
