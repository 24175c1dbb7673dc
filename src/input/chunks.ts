/** Files as rotation leaves them: plain, or compressed by gzip, xz, zstd or bzip2. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { access, type FileHandle, open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { systemReason, VirtshimError } from '../errors.js';

const CHUNK = 1 << 20;
const BLOCK = 2 << 20;

interface Compression {
  readonly magic: Buffer;
  /** The program that undoes it, and Debian's package of it; Node itself has no code for these. */
  readonly program?: string;
  readonly from?: string;
}

const COMPRESSIONS: readonly Compression[] = [
  { magic: Buffer.from([0x1f, 0x8b]) },
  { magic: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), program: 'xz', from: 'xz-utils' },
  { magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), program: 'zstd', from: 'zstd' },
  { magic: Buffer.from('BZh'), program: 'bzip2', from: 'bzip2' },
];

const COMPRESSED_ENDINGS = ['.gz', '.xz', '.zst', '.bz2'];

/** What rotation adds to the names of compressed files. */
export const COMPRESSED_NAME = new RegExp(`(${COMPRESSED_ENDINGS.map((ending) => `\\${ending}`).join('|')})$`);

/** Compressors remove the file only when the compressed one is complete: while both are there, the other one counts. */
export function isHalfCompressed(name: string, all: readonly string[]): boolean {
  return COMPRESSED_NAME.test(name) && all.includes(name.replace(COMPRESSED_NAME, ''));
}

/**
 * The bytes of a file, decompressed where its first bytes say that it is compressed, whatever it is called. `-` is
 * standard input. The file is read as fast as the chunks are taken, and closed when no more of them are. Of one that is
 * not there any more, what rotation made of it is read: FILE.gz and the like.
 * @throws VirtshimError VIRTSHIM_FILE where it cannot be read or decompressed, also after some chunks
 */
export async function* readChunks(path: string): AsyncGenerator<Buffer> {
  if (path === '-') return yield* process.stdin as AsyncIterable<Buffer>;
  const file = await presentName(path);
  const compression = await compressionOf(file);
  try {
    if (compression === undefined) yield* createReadStream(file, { highWaterMark: CHUNK });
    else if (compression.program === undefined) yield* gunzip(file);
    else yield* decompressBy(compression.program, compression.from ?? '', file);
  } catch (error) {
    if (error instanceof VirtshimError) throw error;
    const what = compression === undefined ? 'read' : 'decompress';
    throw new VirtshimError('VIRTSHIM_FILE', `cannot ${what} \`${file}\`: ${systemReason(error)}`, { cause: error });
  }
}

/**
 * The same, faster for long logs: a chunk is good only until the next one is asked for.
 * @throws VirtshimError VIRTSHIM_FILE where it cannot be read or decompressed, also after some chunks
 */
export async function* readBlocks(path: string): AsyncGenerator<Buffer> {
  const file = path === '-' ? path : await presentName(path);
  if (file === '-' || (await compressionOf(file)) !== undefined) return yield* readChunks(file);
  try {
    yield* blocksAhead(file);
  } catch (cause) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${file}\`: ${systemReason(cause)}`, { cause });
  }
}

/** How many reads of a file are under way at once: one alone leaves the reader waiting. */
const AHEAD = 3;

/** While the reader is busy with one block, the system fills others. */
async function* blocksAhead(file: string): AsyncGenerator<Buffer> {
  const handle = await open(file, 'r');
  const ahead = (await handle.stat()).isFile() ? AHEAD : 1;
  const reads = new ReadsAhead(handle, ahead);
  try {
    for (let block = await reads.next(); block.length > 0; block = await reads.next()) yield block;
  } finally {
    await reads.settled();
    await handle.close();
  }
}

/** The blocks of a file in their order; each is good until the next one is asked for. */
class ReadsAhead {
  readonly #handle: FileHandle;
  readonly #ahead: number;
  readonly #free: Buffer[];
  #reads: { readonly buffer: Buffer; readonly bytes: Promise<number> }[] = [];
  #busy: Buffer | undefined;
  /** Where the next read begins. */
  #at = 0;

  constructor(handle: FileHandle, ahead: number) {
    this.#handle = handle;
    this.#ahead = ahead;
    this.#free = Array.from({ length: ahead + 1 }, () => Buffer.allocUnsafe(BLOCK));
  }

  async next(): Promise<Buffer> {
    if (this.#busy !== undefined) this.#free.push(this.#busy);
    this.#begin();
    const first = this.#reads.shift();
    if (first === undefined) return Buffer.alloc(0);
    const length = await first.bytes;
    this.#busy = first.buffer;
    if (length < BLOCK && this.#ahead > 1) await this.#startOver(length);
    return first.buffer.subarray(0, length);
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#reads.map(({ bytes }) => bytes));
  }

  #begin(): void {
    while (this.#reads.length < this.#ahead) {
      const buffer = this.#free.pop();
      if (buffer === undefined) return;
      // What cannot be read from anywhere but its present place is read in turn.
      const position = this.#ahead > 1 ? this.#at : null;
      const bytes = this.#handle.read(buffer, 0, BLOCK, position).then(({ bytesRead }) => bytesRead);
      bytes.catch(() => undefined);
      this.#reads.push({ buffer, bytes });
      this.#at += BLOCK;
    }
  }

  /** A block that is not full: what was read beyond it, while the file grew, is not what comes next. */
  async #startOver(length: number): Promise<void> {
    await this.settled();
    this.#free.push(...this.#reads.map(({ buffer }) => buffer));
    this.#at += length - BLOCK * (this.#reads.length + 1);
    this.#reads = [];
  }
}

/** What a file is called by now: it may have been compressed since it was listed. */
async function presentName(file: string): Promise<string> {
  const isThere = (name: string) =>
    access(name).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
    );
  for (const name of [file, ...COMPRESSED_ENDINGS.map((ending) => file + ending)]) if (await isThere(name)) return name;
  return file;
}

async function compressionOf(file: string): Promise<Compression | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    // What a pipe gives, it gives once.
    if (!(await handle.stat()).isFile()) return undefined;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(6), 0, 6, 0);
    const start = buffer.subarray(0, bytesRead);
    return COMPRESSIONS.find(({ magic }) => start.subarray(0, magic.length).equals(magic));
  } catch (error) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${file}\`: ${systemReason(error)}`, { cause: error });
  } finally {
    await handle?.close();
  }
}

async function* gunzip(file: string): AsyncGenerator<Buffer> {
  const source = createReadStream(file);
  const plain = createGunzip({ chunkSize: CHUNK });
  source.on('error', (error) => plain.destroy(error));
  try {
    yield* source.pipe(plain) as AsyncIterable<Buffer>;
  } finally {
    source.destroy();
  }
}

async function* decompressBy(program: string, from: string, file: string): AsyncGenerator<Buffer> {
  const handle = await open(file, 'r');
  const child = spawn(program, ['-dc'], { stdio: [handle.fd, 'pipe', 'pipe'] });
  const ended = endOf(child, program, from, file);
  // Whoever stops in the middle never asks how it ended.
  ended.catch(() => {});
  try {
    if (child.stdout !== null) yield* child.stdout as AsyncIterable<Buffer>;
    await ended;
  } finally {
    child.kill();
    await handle.close();
  }
}

function endOf(child: ChildProcess, program: string, from: string, file: string) {
  let complaint = '';
  child.stderr?.on('data', (text) => {
    if (complaint.length < 1000) complaint += text;
  });
  return new Promise<void>((resolve, reject) => {
    child.on('error', (cause) => {
      const message = `cannot decompress \`${file}\`: the program \`${program}\` cannot be started`;
      const hint = `install it (on Debian the package ${from}), or decompress the file by other means`;
      reject(new VirtshimError('VIRTSHIM_FILE', message, { hint, cause }));
    });
    child.on('close', (code) => {
      if (code === 0) return resolve();
      const reason = complaint.trim().split('\n')[0] ?? '';
      reject(new VirtshimError('VIRTSHIM_FILE', `cannot decompress \`${file}\`: ${reason || `${program} failed`}`));
    });
  });
}
