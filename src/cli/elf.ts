/** What the command has to know about ELF files: how a program is loaded, and which functions a library exports. */
import { closeSync, openSync, readSync } from 'node:fs';

const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const PT_INTERP = 3;
const SHT_DYNSYM = 11;
const SHT_GNU_VERDEF = 0x6ffffffd;
const SHT_GNU_VERSYM = 0x6fffffff;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;

export interface Program {
  readonly bits: 32 | 64;
  readonly machine: number;
  /** Loaded by a dynamic linker; a static program never sees LD_PRELOAD. */
  readonly dynamic: boolean;
}

/** Reads the head of an ELF program; undefined for anything else, such as a script. */
export function readProgram(path: string): Program | undefined {
  const head = readHead(path, 4096);
  if (!isElf(head)) return undefined;
  const bits = head[4] === CLASS_64 ? 64 : 32;
  const machine = head.readUInt16LE(18);
  return { bits, machine, dynamic: programHeaderTypes(head, bits).includes(PT_INTERP) };
}

function isElf(head: Buffer): boolean {
  return head.length >= 64 && head.readUInt32BE(0) === 0x7f454c46 && head[5] === LITTLE_ENDIAN;
}

function readHead(path: string, size: number): Buffer {
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(size);
    return buffer.subarray(0, readSync(fd, buffer, 0, size, 0));
  } finally {
    closeSync(fd);
  }
}

function programHeaderTypes(head: Buffer, bits: 32 | 64): number[] {
  const offset = bits === 64 ? Number(head.readBigUInt64LE(32)) : head.readUInt32LE(28);
  const [sizeAt, countAt] = bits === 64 ? [54, 56] : [42, 44];
  const size = head.readUInt16LE(sizeAt);
  const types: number[] = [];
  for (let i = 0; i < head.readUInt16LE(countAt); i++) {
    const at = offset + i * size;
    if (at + 4 <= head.length) types.push(head.readUInt32LE(at));
  }
  return types;
}

export interface ExportedFunction {
  readonly name: string;
  /** The version node, "LIBVIRT_0.1.0", or "" where the library has none. */
  readonly version: string;
}

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

/** The functions that a 64-bit shared library defines for others. Throws RangeError on a malformed file. */
export function exportedFunctions(file: Buffer): ExportedFunction[] {
  if (!isElf(file) || file[4] !== CLASS_64) throw new RangeError('not a 64-bit little-endian ELF file');
  const sections = readSections(file);
  const symbols = sections.find((section) => section.type === SHT_DYNSYM);
  if (symbols === undefined) return [];
  const strings = sections[symbols.link]?.offset ?? 0;
  const versions = sections.find((section) => section.type === SHT_GNU_VERSYM);
  const names = versionNames(file, sections);
  const found: ExportedFunction[] = [];
  for (let i = 1; i < symbols.size / 24; i++) {
    const at = symbols.offset + i * 24;
    const kind = file.readUInt8(at + 4) & 0xf;
    const defined = file.readUInt16LE(at + 6) !== 0;
    if (!defined || (kind !== STT_FUNC && kind !== STT_GNU_IFUNC)) continue;
    const version = versions === undefined ? 0 : file.readUInt16LE(versions.offset + i * 2) & 0x7fff;
    found.push({ name: readString(file, strings + file.readUInt32LE(at)), version: names.get(version) ?? '' });
  }
  return found;
}

function readSections(file: Buffer): Section[] {
  const start = Number(file.readBigUInt64LE(40));
  const size = file.readUInt16LE(58);
  return Array.from({ length: file.readUInt16LE(60) }, (_, index) => {
    const at = start + index * size;
    return {
      type: file.readUInt32LE(at + 4),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
      link: file.readUInt32LE(at + 40),
    };
  });
}

/** Index of a version node -> its name; node 1 is the library itself. */
function versionNames(file: Buffer, sections: readonly Section[]): Map<number, string> {
  const names = new Map<number, string>();
  const definitions = sections.find((section) => section.type === SHT_GNU_VERDEF);
  if (definitions === undefined) return names;
  const strings = sections[definitions.link]?.offset ?? 0;
  for (let at = definitions.offset, step = -1; step !== 0; at += step) {
    const index = file.readUInt16LE(at + 4) & 0x7fff;
    const auxiliary = at + file.readUInt32LE(at + 12);
    if (index > 1) names.set(index, readString(file, strings + file.readUInt32LE(auxiliary)));
    step = file.readUInt32LE(at + 16);
  }
  return names;
}

function readString(file: Buffer, offset: number): string {
  const end = file.indexOf(0, offset);
  return file.toString('latin1', offset, end < 0 ? offset : end);
}
