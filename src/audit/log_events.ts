/** The events of one log, line after line, in the order of the file. */
import type { ReportEvent, UnreadableLine } from '../report/event.js';
import { eventOf } from './events.js';
import { logLines } from './log_lines.js';
import { type AuditRecord, parseAuditLine } from './record.js';
import { PATIENCE, type Wanted } from './wanted.js';

export interface LogEventsOptions {
  readonly wanted: Wanted;
  readonly onUnreadable: (line: UnreadableLine) => void;
  /** Records for which this is false are passed over. */
  readonly accept: (record: AuditRecord) => boolean;
  /** Numbers the records in the order in which they were read. */
  readonly nextOrder: () => number;
}

/** A record of a kernel event that waits for the one which says what process it was. */
interface Waiting {
  readonly record: AuditRecord;
  readonly order: number;
}

/** What tools print between records, and what people write there. */
const NO_RECORD = /^\s*$|^#|^----$|^time->/;

export class LogEvents {
  readonly #file: string;
  readonly #options: LogEventsOptions;
  #waiting: Waiting[] = [];
  #foreign = 0;
  #events: ReportEvent[] = [];

  private constructor(file: string, options: LogEventsOptions) {
    this.#file = file;
    this.#options = options;
  }

  /** The events of a log, as many at a time as its blocks make complete. A block may be overwritten by the next one. */
  static async *read(
    file: string,
    blocks: AsyncIterable<Buffer>,
    options: LogEventsOptions,
  ): AsyncGenerator<ReportEvent[]> {
    const log = new LogEvents(file, options);
    for await (const lines of logLines(blocks, options.wanted)) {
      for (const { text, line } of lines) log.#take(text, line);
      yield log.#takeEvents();
    }
    log.#stopWaiting();
    yield log.#takeEvents();
  }

  #takeEvents(): ReportEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #take(text: string, number: number): void {
    if (!text.startsWith('type=') && NO_RECORD.test(text)) return;
    if (this.#waiting.length > 0 && text.includes('type=SYSCALL')) {
      this.#takeSyscall(text);
      return;
    }
    const record = parseAuditLine(text);
    if (typeof record === 'string') this.#unreadable(number, record);
    else if (this.#options.accept(record)) this.#takeRecord(record, number);
  }

  #takeRecord(record: AuditRecord, number: number): void {
    const order = this.#options.nextOrder();
    if (record.type === 'AVC' || record.type.startsWith('ANOM_')) {
      this.#waiting.push({ record, order });
      this.#foreign = 0;
      return;
    }
    const event = eventOf(record, order);
    if (typeof event === 'string') this.#unreadable(number, event);
    else if (event !== undefined) this.#events.push(event);
  }

  #takeSyscall(text: string): void {
    const mine = this.#waiting.filter(({ record }) => text.includes(`(${record.stamp})`));
    if (mine.length === 0) {
      if (++this.#foreign > PATIENCE) this.#stopWaiting();
      return;
    }
    const syscall = parseAuditLine(text);
    for (const waiting of mine) this.#security(waiting, typeof syscall === 'string' ? undefined : syscall);
    this.#waiting = this.#waiting.filter((waiting) => !mine.includes(waiting));
  }

  #stopWaiting(): void {
    for (const waiting of this.#waiting) this.#security(waiting);
    this.#waiting = [];
  }

  #security({ record, order }: Waiting, syscall?: AuditRecord): void {
    const event = eventOf(record, order, syscall);
    if (event !== undefined && typeof event !== 'string') this.#events.push(event);
  }

  #unreadable(line: number, reason: string): void {
    this.#options.onUnreadable({ file: this.#file, line, reason });
  }
}
