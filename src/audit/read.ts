import type { Readable } from 'node:stream';
import { systemReason, VirtshimError } from '../errors.js';
import { COMPRESSED_NAME, readBlocks } from '../input/chunks.js';
import type { ReportEvent, UnreadableLine } from '../report/event.js';
import { fileSize, firstTime } from './files.js';
import { LogEvents, type LogEventsOptions } from './log_events.js';
import type { AuditRecord } from './record.js';
import { SortWindow } from './sort_window.js';
import { EVERYTHING, type Wanted } from './wanted.js';

/** A file (compressed: .gz, .xz, .zst, .bz2) or a stream with the text of an audit log. */
export type AuditInput = string | Readable;

export interface ReadAuditOptions {
  /** Called for every line that cannot be read. Lines that begin as records of unwanted types are not looked at. */
  readonly onUnreadable?: (line: UnreadableLine) => void;
  /** Called now and then with the bytes read so far, and how many there are; 0 where that is not known. */
  readonly onProgress?: (read: number, total: number) => void;
  /** Less is faster. By default everything that reports know of. */
  readonly wanted?: Wanted;
  /** Records for which this is false are passed over. */
  readonly accept?: (record: AuditRecord) => boolean;
}

/** A log that is not opened yet: it will be when events of its time are due. */
interface Source {
  readonly name: string;
  readonly from: number;
  readonly blocks: () => AsyncIterable<Buffer>;
}

/**
 * The events of audit logs by time, whatever the order of the logs and, within some 20,000 events, of the lines. Logs
 * are read as fast as events are asked for, in memory that does not grow with them.
 * @throws VirtshimError VIRTSHIM_FILE where a file cannot be read
 */
export async function* readAuditLog(
  inputs: readonly AuditInput[],
  options: ReadAuditOptions = {},
): AsyncGenerator<ReportEvent> {
  for await (const events of readAuditBatches(inputs, options)) yield* events;
}

/**
 * The same, many events at a time: one at a time takes as long again as making them.
 * @throws VirtshimError VIRTSHIM_FILE where a file cannot be read
 */
export async function* readAuditBatches(
  inputs: readonly AuditInput[],
  options: ReadAuditOptions = {},
): AsyncGenerator<readonly ReportEvent[]> {
  const window = new SortWindow();
  for await (const events of mergedBatches(await sourcesOf(inputs, options.onProgress), settings(options))) {
    const sorted = window.push(events);
    if (sorted.length > 0) yield sorted;
  }
  yield window.end();
}

function settings({ wanted, accept, onUnreadable }: ReadAuditOptions): LogEventsOptions {
  let order = 0;
  return {
    wanted: wanted ?? EVERYTHING,
    accept: accept ?? (() => true),
    onUnreadable: onUnreadable ?? (() => undefined),
    nextOrder: () => order++,
  };
}

async function sourcesOf(inputs: readonly AuditInput[], onProgress: ReadAuditOptions['onProgress']): Promise<Source[]> {
  const sizes = await Promise.all(inputs.map((input) => (typeof input === 'string' ? fileSize(input) : 0)));
  const known = inputs.every((input) => typeof input === 'string' && !COMPRESSED_NAME.test(input));
  const total = known ? sizes.reduce((sum, size) => sum + size, 0) : 0;
  let read = 0;
  const counted = async function* (blocks: AsyncIterable<Buffer>) {
    for await (const block of blocks) {
      yield block;
      read += block.length;
      onProgress?.(read, total);
    }
  };
  const sources = inputs.map(async (input): Promise<Source> => {
    if (typeof input !== 'string') return { name: '-', from: -Infinity, blocks: () => counted(streamBlocks(input)) };
    const from = inputs.length === 1 ? -Infinity : ((await firstTime(input)) ?? -Infinity);
    return { name: input, from, blocks: () => counted(readBlocks(input)) };
  });
  return (await Promise.all(sources)).sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
}

async function* streamBlocks(stream: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer);
  } catch (cause) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read standard input: ${systemReason(cause)}`, { cause });
  }
}

/** A log that is being read, and the time of the last event that it gave. */
interface Reading {
  readonly batches: AsyncGenerator<ReportEvent[]>;
  last: number;
}

/** Batches of events, from whichever log is furthest behind: what is left to sort is little. */
async function* mergedBatches(sources: Source[], options: LogEventsOptions): AsyncGenerator<ReportEvent[]> {
  const readings: Reading[] = [];
  let opened = 0;
  for (;;) {
    let behind = furthestBehind(readings);
    const next = sources[opened];
    if (next !== undefined && (behind === undefined || next.from <= behind.last)) {
      behind = { batches: LogEvents.read(next.name, next.blocks(), options), last: next.from };
      readings.push(behind);
      opened++;
    }
    if (behind === undefined) return;
    const { value, done } = await behind.batches.next();
    if (done === true) readings.splice(readings.indexOf(behind), 1);
    else {
      for (const { time } of value) behind.last = Math.max(behind.last, time);
      yield value;
    }
  }
}

function furthestBehind(readings: readonly Reading[]): Reading | undefined {
  return readings.reduce<Reading | undefined>(
    (least, each) => (least && least.last <= each.last ? least : each),
    undefined,
  );
}
