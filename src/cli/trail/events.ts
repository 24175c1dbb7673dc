import { type ExportContext, type ExportFormat, exportRecord, Outcomes } from '../../trail/export/index.js';
import type { TrailRecord } from '../../trail/record.js';
import { jsonText } from '../text.js';
import type { Printer, RecordLine } from './formats.js';

/** Events of another log system, one JSON object a line. */
export class EventPrinter implements Printer {
  readonly #outcomes = new Outcomes();

  constructor(
    private readonly format: ExportFormat,
    private readonly context: ExportContext,
  ) {}

  print({ record }: RecordLine): string {
    const event = this.#outcomes.take(record);
    return event === undefined ? '' : this.#line(event);
  }

  end(): string {
    return this.#outcomes
      .unanswered()
      .map((record) => this.#line(record))
      .join('');
  }

  #line(record: TrailRecord): string {
    return `${jsonText(exportRecord(this.format, record, this.context))}\n`;
  }
}
