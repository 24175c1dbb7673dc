/** Streams of Node for what libvirt transfers. */
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as ffi from '../ffi/index.js';
import type { Connection, Domain, StorageVol } from './classes.js';
import { FlowDuplex, type FlowOptions, FlowReadable, FlowWritable } from './node_streams.js';
import type { Stream } from './stream.js';
import { Flow, maxReceive } from './stream_flow.js';
import { VolumeDownload } from './volume_download.js';

/** Which part of a volume is transferred, and how. */
export interface TransferOptions extends FlowOptions {
  /** Where it begins, in bytes; 0 unless told. */
  readonly offset?: number | bigint | undefined;
  /** How many bytes at most; 0, as it is unless told: all. */
  readonly length?: number | bigint | undefined;
}

/** A picture of a guest's screen. */
export type Screenshot = Readable & { readonly mimeType: string };

/** A stream that `start` has opened; freed where that fails. */
async function opened(connection: Connection, start: (stream: Stream) => Promise<unknown>): Promise<Stream> {
  const stream = await connection.newStream(ffi.VIR_STREAM_NONBLOCK);
  try {
    await start(stream);
    return stream;
  } catch (error) {
    await stream.free();
    throw error;
  }
}

export async function openDuplex(
  domain: Domain,
  start: (stream: Stream) => Promise<void>,
  options: FlowOptions,
): Promise<Duplex> {
  return new FlowDuplex(new Flow(await opened(domain.connectSync(), start)), options);
}

export async function openScreenshot(
  domain: Domain,
  screen: number,
  flags: number | undefined,
  options: FlowOptions,
): Promise<Screenshot> {
  let mimeType = '';
  const stream = await opened(domain.connectSync(), async (made) => {
    mimeType = await domain.screenshot(made, screen, flags);
  });
  return Object.assign(new FlowReadable(async () => new Flow(stream), options), { mimeType });
}

export function readVolume(volume: StorageVol, options: TransferOptions): FlowReadable {
  return new FlowReadable(() => download(volume, options), options);
}

export function writeVolume(volume: StorageVol, { offset = 0, length = 0, ...options }: TransferOptions): FlowWritable {
  const flags = options.sparse ? ffi.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM : 0;
  const start = (stream: Stream) => volume.upload(stream, offset, length, flags);
  return new FlowWritable(async () => new Flow(await opened(volume.connectSync(), start)), options);
}

/** Into a new or emptied file. With `sparse`, holes of the volume are holes of the file. */
export async function downloadFile(volume: StorageVol, path: string, options: TransferOptions): Promise<void> {
  if (!options.sparse) return pipeline(readVolume(volume, options), createWriteStream(path));
  const file = await open(path, 'w');
  try {
    await receiveSparse(await download(volume, options), file, options.signal);
  } finally {
    await file.close();
  }
}

export async function uploadFile(volume: StorageVol, path: string, options: TransferOptions): Promise<void> {
  await pipeline(createReadStream(path, { highWaterMark: maxReceive }), writeVolume(volume, options));
}

function download(volume: StorageVol, { offset = 0, length = 0, sparse }: TransferOptions): Promise<VolumeDownload> {
  const flags = sparse ? ffi.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM : 0;
  const open = async (from: bigint, size: bigint) =>
    new Flow(await opened(volume.connectSync(), (stream) => volume.download(stream, from, size, flags)));
  return VolumeDownload.begin(open, BigInt(offset), BigInt(length));
}

async function receiveSparse(flow: VolumeDownload, file: FileHandle, signal: AbortSignal | undefined): Promise<void> {
  let position = 0;
  const abort = (): void => {
    flow.close(signal?.reason).catch(() => undefined);
  };
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    for (let piece = await flow.receive(true); piece; piece = await flow.receive(true)) {
      position += 'hole' in piece ? piece.hole : await writeAll(file, piece.data, position);
    }
    await flow.finish();
    await file.truncate(position);
  } finally {
    signal?.removeEventListener('abort', abort);
    await flow.close(null);
  }
}

async function writeAll(file: FileHandle, data: Buffer, position: number): Promise<number> {
  for (let written = 0; written < data.length; ) {
    const { bytesWritten } = await file.write(data, written, data.length - written, position + written);
    written += bytesWritten;
  }
  return data.length;
}
