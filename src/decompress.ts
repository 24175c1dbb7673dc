/** Files as blocks of bytes, unpacked where their name says that they are packed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { systemReason, VirtshimError } from './errors.js';

const BLOCK = 2 << 20;

/** What unpacks a file of that name; Node itself can only unpack the first. */
const UNPACKERS: readonly { readonly ending: string; readonly program?: string }[] = [
  { ending: '.gz' },
  { ending: '.xz', program: 'xz' },
  { ending: '.zst', program: 'zstd' },
  { ending: '.bz2', program: 'bzip2' },
];

/** Whether a name has one of the endings that `fileBlocks` unpacks. */
export function isPacked(file: string): boolean {
  return UNPACKERS.some(({ ending }) => file.endsWith(ending));
}

/**
 * The bytes of a file, unpacked (.gz, .xz, .zst, .bz2). A block is good until the next one is asked for.
 * @throws VirtshimError VIRTSHIM_FILE where it cannot be read or unpacked
 */
export async function* fileBlocks(file: string): AsyncGenerator<Buffer> {
  const unpacker = UNPACKERS.find(({ ending }) => file.endsWith(ending));
  try {
    if (unpacker === undefined) yield* plainBlocks(file);
    else if (unpacker.program === undefined) yield* gunzipped(file);
    else yield* unpackedBy(unpacker.program, file);
  } catch (error) {
    throw error instanceof VirtshimError ? error : unreadable(file, error);
  }
}

function unreadable(file: string, cause: unknown): VirtshimError {
  const denied = cause instanceof Error && 'code' in cause && cause.code === 'EACCES';
  return new VirtshimError('VIRTSHIM_FILE', `cannot read \`${file}\`: ${systemReason(cause)}`, {
    cause,
    ...(denied && { hint: 'read it as root, or copy it to where you may read it' }),
  });
}

/** Two buffers take turns: while the reader is busy with one, the system fills the other. */
async function* plainBlocks(file: string): AsyncGenerator<Buffer> {
  const handle = await open(file);
  let reading: Promise<Buffer> | undefined;
  try {
    const buffers = [Buffer.allocUnsafe(BLOCK), Buffer.allocUnsafe(BLOCK)];
    for (let turn = 0; ; turn++) {
      const block = await (reading ?? readInto(handle, buffers[0]));
      if (block.length === 0) return;
      reading = readInto(handle, buffers[(turn + 1) % 2]);
      yield block;
    }
  } finally {
    await reading?.catch(() => undefined);
    await handle.close();
  }
}

async function readInto(handle: FileHandle, buffer: Buffer = Buffer.allocUnsafe(BLOCK)): Promise<Buffer> {
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
  return buffer.subarray(0, bytesRead);
}

async function* gunzipped(file: string): AsyncGenerator<Buffer> {
  const source = createReadStream(file, { highWaterMark: 1 << 18 });
  const unzip = createGunzip({ chunkSize: 1 << 18 });
  source.once('error', (error) => unzip.destroy(error));
  try {
    yield* source.pipe(unzip) as AsyncIterable<Buffer>;
  } finally {
    source.destroy();
  }
}

async function* unpackedBy(program: string, file: string): AsyncGenerator<Buffer> {
  const handle = await open(file);
  const child = spawn(program, ['-dc'], { stdio: [handle.fd, 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr?.on('data', (text: Buffer) => {
    if (complaint.length < 1000) complaint += text.toString();
  });
  const ended = once(child, 'close');
  ended.catch(() => undefined);
  try {
    yield* child.stdout as Readable as AsyncIterable<Buffer>;
    const [status] = (await ended.catch((error: unknown) => {
      throw cannotUnpack(program, file, error);
    })) as [number | null];
    if (status !== 0) throw new Error(complaint.trim().split('\n')[0] ?? `${program} failed`);
  } finally {
    child.kill();
    await handle.close();
  }
}

function cannotUnpack(program: string, file: string, cause: unknown): VirtshimError {
  return new VirtshimError('VIRTSHIM_FILE', `cannot unpack \`${file}\`: ${program} cannot be started`, {
    cause,
    hint: `install the program ${program}, or unpack the file by hand`,
  });
}
