/** Arguments that go to C. Each takes its C name and the C indices that it fills. */
import { auth } from './auth.js';
import { callbackArgs } from './callbacks.js';
import type { Call, Check, Codec } from './codec.js';
import { checkInteger, fits, type IntegerType, int32, int64, uint32, uint64 } from './integers.js';
import { koffi } from './library.js';
import { addressIn, Cell, CellStore, littleEndian, pointerSize } from './memory.js';
import { wrongArgument } from './problems.js';
import { encodeParameters } from './typed_parameters.js';
import { uuidBytes } from './uuid.js';

function direct(name: string, index: number, check: Check): Codec {
  const put = (call: Call, value: unknown): void => {
    call.c[index] = check(value, call.functionName);
  };
  return { name, input: true, direct: { index, check }, put };
}

function integer(type: IntegerType) {
  return (name: string, index: number): Codec =>
    direct(name, index, (value, functionName) =>
      fits(value, type) ? value : wrongArgument(functionName, name, type.words, value),
    );
}

function double(name: string, index: number): Codec {
  return direct(name, index, (value, functionName) =>
    typeof value === 'number' ? value : wrongArgument(functionName, name, 'a number', value),
  );
}

/** May be left out: 0 then. */
function flags(name: string, index: number): Codec {
  return direct(name, index, (value, functionName) => {
    if (value === undefined) return 0;
    return fits(value, uint32) ? value : wrongArgument(functionName, name, uint32.words, value);
  });
}

/** Flags of C type unsigned long; may be left out. */
function longFlags(name: string, index: number): Codec {
  return direct(name, index, (value, functionName) =>
    value === undefined ? 0 : checkInteger(value, uint64, functionName, name),
  );
}

function boolean(name: string, index: number): Codec {
  return direct(name, index, (value, functionName) => {
    if (typeof value === 'boolean') return value ? 1 : 0;
    return value === 0 || value === 1 ? value : wrongArgument(functionName, name, 'true or false', value);
  });
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}

function string(name: string, index: number): Codec {
  return direct(name, index, (value, functionName) =>
    isText(value) ? value : wrongArgument(functionName, name, 'a string without NUL', value),
  );
}

function optionalString(name: string, index: number): Codec {
  return direct(name, index, (value, functionName) => {
    if (value === null || value === undefined) return null;
    return isText(value) ? value : wrongArgument(functionName, name, 'a string without NUL, or null', value);
  });
}

/** Not NULL: some functions of libvirt follow a handle before they look at it. */
function object(name: string, index: number): Codec {
  return direct(name, index, (value, functionName) =>
    typeof value === 'bigint' && value !== 0n
      ? value
      : wrongArgument(functionName, name, 'a pointer (bigint, not 0n)', value),
  );
}

function optionalObject(name: string, index: number): Codec {
  return direct(name, index, (value, functionName) => {
    if (value === null || value === undefined) return null;
    return typeof value === 'bigint' ? value : wrongArgument(functionName, name, 'a pointer (bigint) or null', value);
  });
}

function uuid(name: string, index: number): Codec {
  return direct(name, index, (value, functionName) => {
    const bytes = uuidBytes(value);
    return bytes ?? wrongArgument(functionName, name, 'a UUID or its 16 bytes', value);
  });
}

/** Handles with a NULL behind the last. */
function objects(name: string, index: number): Codec {
  return direct(name, index, (value, functionName) => {
    if (!Array.isArray(value) || !value.every((one) => typeof one === 'bigint' && one !== 0n)) {
      return wrongArgument(functionName, name, 'an array of pointers (bigint, not 0n)', value);
    }
    const cell = new Cell((value.length + 1) * pointerSize);
    value.forEach((one: bigint, i) => {
      cell.view.setBigUint64(i * pointerSize, one, littleEndian);
    });
    return cell.bytes;
  });
}

/** An array together with its length; a negative `countIndex` is none, where NULL ends the array. */
function array(
  name: string,
  index: number,
  countIndex: number,
  encode: (value: readonly unknown[], functionName: string, name: string) => Uint8Array,
): Codec {
  const put = (call: Call, value: unknown): void => {
    if (!Array.isArray(value)) wrongArgument(call.functionName, name, 'an array', value);
    call.c[index] = value.length === 0 && countIndex >= 0 ? null : encode(value, call.functionName, name);
    if (countIndex >= 0) call.c[countIndex] = value.length;
  };
  return { name, input: true, put };
}

/** Strings with their count. */
function strings(name: string, index: number, countIndex: number): Codec {
  return array(name, index, countIndex, encodeStrings);
}

/** The same where C takes NULL for all: null and undefined are passed as that. */
function optionalStrings(name: string, index: number, countIndex: number): Codec {
  const given = strings(name, index, countIndex);
  return { ...given, put: (call, value) => given.put(call, value ?? []) };
}

/** The addresses of the strings, NULL, then the strings themselves: one piece of memory. */
export function encodeStrings(values: readonly unknown[], functionName: string, name: string): Uint8Array {
  const texts = values.map((value, i) =>
    isText(value) ? Buffer.from(value) : wrongArgument(functionName, `${name}[${i}]`, 'a string without NUL', value),
  );
  let place = (texts.length + 1) * pointerSize;
  const cell = new Cell(texts.reduce((sum, text) => sum + text.length + 1, place));
  const start = koffi().address(cell.bytes);
  texts.forEach((text, i) => {
    cell.view.setBigUint64(i * pointerSize, start + BigInt(place), littleEndian);
    cell.bytes.set(text, place);
    place += text.length + 1;
  });
  return cell.bytes;
}

function ints(name: string, index: number, countIndex: number): Codec {
  return array(name, index, countIndex, (values, functionName) => {
    const cell = new Cell(values.length * 4);
    values.forEach((value, i) => {
      cell.view.setInt32(i * 4, Number(checkInteger(value, int32, functionName, `${name}[${i}]`)), littleEndian);
    });
    return cell.bytes;
  });
}

function uints(name: string, index: number, countIndex: number): Codec {
  return array(name, index, countIndex, (values, functionName) => {
    const cell = new Cell(values.length * 4);
    values.forEach((value, i) => {
      cell.view.setUint32(i * 4, Number(checkInteger(value, uint32, functionName, `${name}[${i}]`)), littleEndian);
    });
    return cell.bytes;
  });
}

function ulonglongs(name: string, index: number, countIndex: number): Codec {
  return array(name, index, countIndex, (values, functionName) => {
    const cell = new Cell(values.length * 8);
    values.forEach((value, i) => {
      cell.view.setBigUint64(i * 8, BigInt(checkInteger(value, uint64, functionName, `${name}[${i}]`)), littleEndian);
    });
    return cell.bytes;
  });
}

/** Memory with its length, which C reads or fills. It is not copied: leave it alone until the call is over. */
function bytes(name: string, index: number, countIndex: number): Codec {
  const put = (call: Call, value: unknown): void => {
    if (!(value instanceof Uint8Array)) wrongArgument(call.functionName, name, 'a Uint8Array', value);
    call.c[index] = value;
    call.c[countIndex] = value.length;
  };
  return { name, input: true, put };
}

function typedParams(name: string, index: number, countIndex: number): Codec {
  const put = (call: Call, value: unknown): void => {
    const { cell, count } = encodeParameters(value, call.functionName, name);
    call.c[index] = count === 0 ? null : cell.bytes;
    call.c[countIndex] = count;
  };
  return { name, input: true, put };
}

/** The same where none at all are fine. */
function optionalTypedParams(name: string, index: number, countIndex: number): Codec {
  const given = typedParams(name, index, countIndex);
  return { ...given, put: (call, value) => given.put(call, value ?? {}) };
}

export const arg = {
  int: integer(int32),
  uint: integer(uint32),
  long: integer(int64),
  ulong: integer(uint64),
  longlong: integer(int64),
  ulonglong: integer(uint64),
  size: integer(uint64),
  ...{ double, boolean, flags, longFlags, string, optionalString },
  ...{ object, optionalObject, pointer: optionalObject, objects, uuid },
  ...{ strings, optionalStrings, ints, uints, ulonglongs, bytes, buffer: bytes, typedParams, optionalTypedParams },
  ...callbackArgs,
  auth,
};

/** A value that C reads and replaces: a JavaScript argument and a part of the result. */
function replaced(
  name: string,
  index: number,
  put: (view: DataView, value: unknown, functionName: string) => void,
  take: (view: DataView) => unknown,
): Codec {
  const store = new CellStore(pointerSize);
  return {
    name,
    input: true,
    put: (call, value) => {
      const cell = store.take();
      put(cell.view, value, call.functionName);
      call.cells[index] = cell;
      call.c[index] = cell.bytes;
    },
    take: (call) => (call.cells[index] ? take(call.cells[index].view) : null),
    end: (call) => {
      if (call.cells[index]) store.giveBack(call.cells[index]);
    },
  };
}

export const inout = {
  int: (name: string, index: number): Codec =>
    replaced(
      name,
      index,
      (view, value, fn) => view.setInt32(0, Number(checkInteger(value, int32, fn, name)), littleEndian),
      (view) => view.getInt32(0, littleEndian),
    ),
  pointer: (name: string, index: number): Codec =>
    replaced(
      name,
      index,
      (view, value, fn) => {
        if (value !== null && typeof value !== 'bigint') wrongArgument(fn, name, 'a pointer (bigint) or null', value);
        view.setBigUint64(0, value ?? 0n, littleEndian);
      },
      (view) => addressIn(view, 0) || null,
    ),
};
