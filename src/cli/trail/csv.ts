/** Records as CSV (RFC 4180), for spreadsheets and databases. */
import type { TrailRecord } from '../../trail/record.js';
import { verdictOf } from '../../trail/verdict.js';
import { type Cell, csvLine } from '../csv.js';
import type { Printer, RecordLine } from './formats.js';

/** In the order of the columns. */
const COLUMNS: Readonly<Record<string, (record: TrailRecord) => Cell>> = {
  time: ({ time }) => time,
  type: ({ type }) => type,
  rid: ({ rid }) => rid,
  seq: ({ seq }) => seq,
  uid: ({ uid }) => uid,
  auid: ({ auid }) => auid,
  ses: ({ ses }) => ses,
  pid: ({ pid }) => pid,
  tid: ({ tid }) => tid,
  tty: ({ tty }) => tty,
  comm: ({ comm }) => comm,
  exe: ({ exe }) => exe,
  subj: ({ subj }) => subj,
  function: ({ event }) => event,
  verdict: (record) => (record.type === 'methodresponse' ? verdictOf(record) : record.decision?.effect),
  success: ({ success }) => success,
  rule: ({ decision }) => decision?.rule,
  reason: ({ decision, notice }) => decision?.reason ?? notice?.text,
  notice: ({ notice }) => notice?.kind,
  driver: ({ connection }) => connection?.driver,
  uri: ({ connection }) => connection?.uri,
  readonly: ({ connection }) => connection?.readOnly,
  'resource-kind': ({ resource }) => resource?.kind,
  'resource-name': ({ resource }) => resource?.name,
  'resource-uuid': ({ resource }) => resource?.uuid,
  'resource-parent': ({ resource }) => resource?.parent,
  actor: ({ asserted }) => asserted?.actor,
  'actor-via': ({ asserted }) => asserted?.via,
  'actor-reason': ({ asserted }) => asserted?.reason,
  'error-code': ({ error }) => error?.code,
  'error-domain': ({ error }) => error?.domain,
  'error-message': ({ error }) => error?.message,
  'duration-ns': ({ durationNs }) => durationNs,
  policy: ({ policy }) => policy,
  nested: ({ nested }) => nested,
  arguments: ({ params }) => (params.length === 0 ? undefined : JSON.stringify(params)),
  chain: ({ chain }) => chain,
};

export class CsvPrinter implements Printer {
  #begun = false;

  print({ record }: RecordLine): string {
    const row = csvLine(Object.values(COLUMNS).map((cell) => cell(record)));
    if (this.#begun) return row;
    this.#begun = true;
    return heading() + row;
  }

  end(): string {
    return this.#begun ? '' : heading();
  }
}

const heading = () => csvLine(Object.keys(COLUMNS));
