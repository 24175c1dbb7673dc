/** Memory that C fills, and reading what an address points to. Addresses are those of libvirt: nothing checks them. */
import { endianness } from 'node:os';
import { native } from '../native.js';
import { bindC, type RawFunction } from './library.js';
import type { Integer64 } from './values.js';

export const littleEndian = endianness() === 'LE';
export const pointerSize = 8;

/** Memory of JavaScript's that C may write to: its address does not change. */
export class Cell {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(size: number) {
    const memory = new ArrayBuffer(size);
    this.bytes = new Uint8Array(memory);
    this.view = new DataView(memory);
  }
}

/** Gives out cells of one size, zeroed, and keeps one for the next call: making one costs as much as a whole call. */
export class CellStore {
  readonly #size: number;
  #spare: Cell | undefined;

  constructor(size: number) {
    this.#size = size;
  }

  take(): Cell {
    const cell = this.#spare;
    if (cell === undefined) return new Cell(this.#size);
    this.#spare = undefined;
    cell.bytes.fill(0);
    return cell;
  }

  giveBack(cell: Cell): void {
    this.#spare = cell;
  }
}

let copy: RawFunction = (...args) => {
  copy = bindC('void *memcpy(void *to, void *from, size_t size)');
  return copy(...args);
};

/** Releases what libvirt allocated for its caller; NULL is fine. */
export function free(address: bigint | null): void {
  native().free(address);
}

/** The NUL-terminated string at an address, read as UTF-8; null for NULL. */
export function stringAt(address: bigint): string | null {
  return native().readString(address);
}

/** A copy of the bytes at an address. */
export function bytesAt(address: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  if (size > 0) copy(bytes, address, size);
  return bytes;
}

const keptAtMost = 65536;
const scratch: Cell[] = [];
let depth = 0;

/**
 * Calls `read` with a copy of the memory at an address. The view is good until `read` returns; `read` may look at other
 * addresses meanwhile.
 */
export function lookAt<T>(address: bigint, size: number, read: (view: DataView) => T): T {
  const cell = scratchCell(size);
  depth += 1;
  try {
    if (size > 0) copy(cell.bytes, address, size);
    return read(cell.view);
  } finally {
    depth -= 1;
  }
}

function scratchCell(size: number): Cell {
  const kept = scratch[depth];
  if (kept !== undefined && kept.bytes.length >= size) return kept;
  const cell = new Cell(Math.max(size, 1024));
  if (size <= keptAtMost) scratch[depth] = cell;
  return cell;
}

/** An address that stands in memory; 0n for NULL. */
export function addressIn(view: DataView, offset: number): bigint {
  return view.getBigUint64(offset, littleEndian);
}

/** A signed integer of 64 bits. */
export function signedIn(view: DataView, offset: number): Integer64 {
  const high = view.getInt32(offset + (littleEndian ? 4 : 0), littleEndian);
  const value = high * 0x100000000 + view.getUint32(offset + (littleEndian ? 0 : 4), littleEndian);
  return Number.isSafeInteger(value) ? value : view.getBigInt64(offset, littleEndian);
}

/** An unsigned integer of 64 bits. */
export function unsignedIn(view: DataView, offset: number): Integer64 {
  const high = view.getUint32(offset + (littleEndian ? 4 : 0), littleEndian);
  const value = high * 0x100000000 + view.getUint32(offset + (littleEndian ? 0 : 4), littleEndian);
  return Number.isSafeInteger(value) ? value : view.getBigUint64(offset, littleEndian);
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The string in an array of characters; it may fill the array without a NUL. */
export function textIn(view: DataView, offset: number, size: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, size);
  const end = bytes.indexOf(0);
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
