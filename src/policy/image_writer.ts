/** The sections of an image while they grow, equal content kept once. */
import { createHash } from 'node:crypto';
import { apiFingerprint } from '../generated/api.js';
import type { Glob, GlobForm } from './glob.js';
import {
  alignment,
  bodySize,
  elementSizes,
  headerSize,
  imageVersion,
  magic,
  type SectionName,
  sectionNames,
} from './image_layout.js';

export interface Range {
  readonly first: number;
  readonly count: number;
}

const globForms: readonly GlobForm[] = ['exact', 'prefix', 'general'];

export class ImageWriter {
  private readonly sections: Record<SectionName, Bytes>;
  private readonly pooled = new Map<string, Range>();

  constructor() {
    this.sections = Object.fromEntries(sectionNames.map((name) => [name, new Bytes()])) as Record<SectionName, Bytes>;
    // Offset 0 is the empty string.
    this.string('');
  }

  count(section: SectionName): number {
    return this.sections[section].size / elementSizes[section];
  }

  /** Appends elements that `write` lays out; returns where they are. */
  append(section: SectionName, write: (bytes: Bytes) => void): Range {
    const first = this.count(section);
    write(this.sections[section]);
    return { first, count: this.count(section) - first };
  }

  /** The same, but elements that were written before are found again. */
  pool(section: SectionName, write: (bytes: Bytes) => void): Range {
    const bytes = new Bytes();
    write(bytes);
    if (bytes.size === 0) return { first: 0, count: 0 };
    const key = `${section}:${bytes.key()}`;
    const known = this.pooled.get(key);
    if (known !== undefined) return known;
    const range = this.append(section, (out) => out.bytes(bytes.view()));
    this.pooled.set(key, range);
    return range;
  }

  /** Offset of a NUL-terminated string. */
  string(text: string): number {
    const bytes = new TextEncoder().encode(text);
    return this.pool('strings', (out) => {
      out.bytes(bytes);
      out.u8(0);
    }).first;
  }

  /** Index of a glob. */
  glob(glob: Glob): number {
    const literal = this.pool('strings', (out) => out.bytes(glob.literal));
    const rest = this.pool('strings', (out) => out.bytes(glob.rest));
    return this.pool('globs', (out) => {
      out.range(literal);
      out.range(rest);
      out.u32(globForms.indexOf(glob.form));
    }).first;
  }

  globList(globs: readonly Glob[]): Range {
    const indices = globs.map((glob) => this.glob(glob));
    return this.pool('globRefs', (out) => out.u32s(indices));
  }

  idList(ids: readonly number[]): Range {
    const ascending = [...new Set(ids)].sort((a, b) => a - b);
    return this.pool('ids', (out) => out.u32s(ascending));
  }

  /** The whole image: header, body, sections; `writeStart` lays out the body's fields before the sections. */
  finish(writeStart: (bytes: Bytes) => void): Uint8Array {
    this.sections.strings.u8(0);
    const image = new Bytes();
    image.zeros(headerSize);
    writeStart(image);
    const places = this.places();
    for (const { offset, count } of places.values()) {
      image.u32(offset);
      image.u32(count);
    }
    for (const [name, { offset }] of places) {
      image.zeros(offset - image.size);
      image.bytes(this.sections[name].view());
    }
    return sealed(image);
  }

  private places(): Map<SectionName, { offset: number; count: number }> {
    let offset = headerSize + bodySize;
    const places = new Map<SectionName, { offset: number; count: number }>();
    for (const name of sectionNames) {
      places.set(name, { offset, count: this.count(name) });
      offset = Math.ceil((offset + this.sections[name].size) / alignment) * alignment;
    }
    return places;
  }
}

function sealed(image: Bytes): Uint8Array {
  const bytes = image.view();
  const header = new Bytes();
  header.bytes(new TextEncoder().encode(magic));
  header.u32(imageVersion);
  header.u32(headerSize);
  header.u64(BigInt(bytes.length));
  header.u64(apiFingerprint);
  header.bytes(createHash('sha256').update(bytes.subarray(headerSize)).digest());
  bytes.set(header.view(), 0);
  return bytes;
}

/** Little-endian bytes that grow. */
export class Bytes {
  private buffer = new Uint8Array(256);
  size = 0;

  u8(value: number): void {
    this.buffer[this.reserve(1)] = value;
  }

  u16(value: number): void {
    const at = this.reserve(2);
    this.data().setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.reserve(4);
    this.data().setUint32(at, value, true);
  }

  u32s(values: Iterable<number>): void {
    for (const value of values) this.u32(value);
  }

  u64(value: bigint): void {
    const at = this.reserve(8);
    this.data().setBigUint64(at, value, true);
  }

  range({ first, count }: Range): void {
    this.u32(first);
    this.u32(count);
  }

  bytes(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.buffer.set(bytes, at);
  }

  zeros(count: number): void {
    this.reserve(count);
  }

  view(): Uint8Array {
    return this.buffer.subarray(0, this.size);
  }

  key(): string {
    return Buffer.from(this.view()).toString('latin1');
  }

  private data(): DataView {
    return new DataView(this.buffer.buffer);
  }

  private reserve(count: number): number {
    const at = this.size;
    this.size += count;
    if (this.size > this.buffer.length) {
      const grown = new Uint8Array(Math.max(this.size, this.buffer.length * 2));
      grown.set(this.buffer);
      this.buffer = grown;
    }
    return at;
  }
}
