/** Files as rotation leaves them: plain, or compressed by gzip, xz, zstd or bzip2. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { systemReason, VirtshimError } from '../errors.js';

const CHUNK = 1 << 20;

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

/** What rotation adds to the names of compressed files. */
export const COMPRESSED_NAME = /\.(gz|xz|zst|bz2)$/;

/**
 * The bytes of a file, decompressed where its first bytes say that it is compressed, whatever it is called. `-` is
 * standard input. The file is read as fast as the chunks are taken, and closed when no more of them are.
 * @throws VirtshimError VIRTSHIM_FILE where it cannot be read or decompressed, also after some chunks
 */
export async function* readChunks(file: string): AsyncGenerator<Buffer> {
  if (file === '-') return yield* process.stdin as AsyncIterable<Buffer>;
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

async function compressionOf(file: string): Promise<Compression | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
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
