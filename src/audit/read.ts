import type { Readable } from 'node:stream';
import type { ReportEvent, UnreadableLine } from '../report/event.js';

/** A file (compressed: .gz, .xz, .zst, .bz2) or a stream with the text of an audit log. */
export type AuditInput = string | Readable;

export interface ReadAuditOptions {
  /** Called for every line that cannot be read. */
  readonly onUnreadable?: (line: UnreadableLine) => void;
  /** Called now and then with the bytes read so far, and how many there are as far as that is known. */
  readonly onProgress?: (read: number, total: number) => void;
}

/**
 * The events of audit logs, by time: of several inputs as well, and of lines that stand out of order.
 * @throws VirtshimError VIRTSHIM_FILE where a file cannot be read
 */
export async function* readAuditLog(
  _inputs: readonly AuditInput[],
  _options: ReadAuditOptions = {},
): AsyncGenerator<ReportEvent> {}
