/** How records are printed. */
import type { TrailLine } from '../../trail/record.js';
import { jsonText } from '../text.js';

export const FORMATS = ['table', 'xml', 'json', 'csv', 'audit'] as const;
export type Format = (typeof FORMATS)[number];

export const FORMATS_HELP = `Formats: table (one row a call), xml (the lines as they are), json (one object a line), csv (RFC 4180), audit (the
audit text of the outcomes, for ausearch -if).`;

/** A line of the trail that is a record. */
export type RecordLine = TrailLine & Required<Pick<TrailLine, 'record'>>;

/** Makes text of records, one after the other. */
export interface Printer {
  print(line: RecordLine): string | Buffer;
  /** What is left to say when no more records come. */
  end?(): string;
}

const LINE_END = Buffer.from('\n');

/** `live`: records come slowly, and each has to be seen at once. */
export async function printerOf(format: Format, live: boolean): Promise<Printer> {
  switch (format) {
    case 'xml':
      return { print: ({ raw }) => Buffer.concat([raw, LINE_END]) };
    case 'json':
      return { print: ({ record }) => `${jsonText(record)}\n` };
    case 'csv': {
      const { CsvPrinter } = await import('./csv.js');
      return new CsvPrinter();
    }
    case 'audit': {
      const { auditLine } = await import('../../trail/audit_text.js');
      return { print: ({ record }) => withLineEnd(auditLine(record)) };
    }
    case 'table': {
      const { LivePrinter, TablePrinter } = await import('./table.js');
      return live ? new LivePrinter() : new TablePrinter();
    }
  }
}

/** Attempts and notices have no audit text. */
function withLineEnd(text: string | undefined): string {
  return text === undefined ? '' : `${text}\n`;
}
