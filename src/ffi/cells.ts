/** The memory of a call: put into it, looked at, given back. */
import type { Call, Codec } from './codec.js';
import { addressIn, type Cell, CellStore, pointerSize } from './memory.js';
import { wrongArgument } from './problems.js';

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
export function plain(name: string, index: number, size: number, read: (view: DataView) => unknown): Codec {
  const store = new CellStore(size);
  return { ...filled(name, index, store, read), cell: { index, store, read } };
}

export function putCell(call: Call, index: number, cell: Cell): void {
  call.cells[index] = cell;
  call.c[index] = cell.bytes;
}

export function giveBack(call: Call, index: number, store: CellStore): void {
  const cell = call.cells[index];
  if (cell !== undefined) store.giveBack(cell);
}

export function viewOf(call: Call, index: number): DataView {
  const cell = call.cells[index];
  if (cell === undefined) throw new TypeError(`argument ${index} of ${call.functionName} has no memory`);
  return cell.view;
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

const mostRoom = 0x1000000;

/** The caller's room for a list, which is an argument of its own. */
export function roomIn(call: Call, roomIndex: number): number {
  const room = Number(call.c[roomIndex]);
  if (room > mostRoom) wrongArgument(call.functionName, 'the room for the answer', `at most ${mostRoom}`, room);
  return Math.max(0, room);
}

/** `count` values of an array in memory. */
export function elements<T>(view: DataView, count: number, size: number, read: (view: DataView, at: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => read(view, i * size));
}
