import { auditLine } from './audit_text.js';
import { readTrail } from './read.js';
import type { TrailLine, TrailRecord } from './record.js';

export type ShowFormat = 'table' | 'json' | 'xml' | 'audit';

/** What a cell of the table is about, for colours. */
export type ShowTone = 'head' | 'success' | 'failure' | 'denied' | 'warning' | 'plain';

export interface ShowOptions {
  /** The trail's folder. */
  readonly dir: string;
  /** Default: table. */
  readonly format?: ShowFormat;
  /** Takes finished output; what it returns is waited for, so a slow reader holds the work back. */
  readonly write: (text: string) => void | Promise<void>;
  /** Only the newest so many. */
  readonly last?: number;
  /** Table: also the methodcall records of calls that were answered. */
  readonly calls?: boolean;
  /** Only records of this libvirt function (`virDomainSuspend`) or, with a `*`, of those that match. */
  readonly event?: string;
  /** Only records about this resource, by name or UUID. */
  readonly resource?: string;
  /** Only these outcomes. */
  readonly outcome?: readonly ShowOutcome[];
  /** Table: paints a cell. */
  readonly paint?: (tone: ShowTone, text: string) => string;
}

export type ShowOutcome = 'success' | 'failed' | 'denied' | 'would-deny' | 'unanswered' | 'called' | 'notice';

export interface ShowSummary {
  /** Records shown. */
  readonly shown: number;
  /** Lines that are not records, shown or not. */
  readonly problems: readonly TrailLine[];
}

/**
 * Writes the records of a trail in one of four formats: `table` for people, `json` with one object a line, `xml` as
 * they stand in the trail, `audit` as audit text that `ausearch -if` reads.
 * @throws VirtshimError where there is no trail or it cannot be read
 */
export async function showTrail(options: ShowOptions): Promise<ShowSummary> {
  const { entries, problems } = await select(options);
  const output = new Output(options.write);
  for (const text of render(entries, options)) await output.add(text);
  await output.flush();
  return { shown: entries.length, problems };
}

interface Entry {
  readonly line: TrailLine;
  readonly record: TrailRecord;
  readonly outcome: ShowOutcome;
}

/** What a record says about its call; `called` where the response is another record. */
export function outcomeOf(record: TrailRecord): Exclude<ShowOutcome, 'unanswered'> {
  if (record.type === 'notice') return 'notice';
  if (record.type === 'methodcall') return 'called';
  if (record.decision?.effect === 'denied') return 'denied';
  if (record.decision?.effect === 'would-deny') return 'would-deny';
  return record.success ? 'success' : 'failed';
}

async function select(options: ShowOptions): Promise<{ entries: Entry[]; problems: TrailLine[] }> {
  const problems: TrailLine[] = [];
  const entries: Entry[] = [];
  const answered = new Set<string>();
  const limit = options.last ?? Number.POSITIVE_INFINITY;
  for await (const line of readTrail(options.dir)) {
    if (line.record === undefined) {
      problems.push(line);
      continue;
    }
    const { record } = line;
    if (record.type === 'methodresponse') answered.add(record.rid);
    if (!matches(record, options)) continue;
    entries.push({ line, record, outcome: outcomeOf(record) });
    if (entries.length > 4 * limit + 1000) entries.splice(0, entries.length - 2 * limit - 500);
  }
  const settled = entries.map((entry) => settle(entry, answered));
  const wanted = settled.filter(({ outcome }) => isWanted(outcome, options));
  return { entries: options.last === undefined ? wanted : wanted.slice(-options.last), problems };
}

function settle(entry: Entry, answered: ReadonlySet<string>): Entry {
  return entry.outcome === 'called' && !answered.has(entry.record.rid) ? { ...entry, outcome: 'unanswered' } : entry;
}

function isWanted(outcome: ShowOutcome, options: ShowOptions): boolean {
  if (options.outcome !== undefined) return options.outcome.includes(outcome);
  return outcome !== 'called' || options.calls === true || (options.format ?? 'table') !== 'table';
}

function matches(record: TrailRecord, { event, resource }: ShowOptions): boolean {
  if (event !== undefined && !globMatches(event, record.event ?? '')) return false;
  return resource === undefined || record.resource?.name === resource || record.resource?.uuid === resource;
}

function globMatches(glob: string, text: string): boolean {
  const [first = '', ...rest] = glob.split('*');
  if (rest.length === 0) return text === glob;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const [index, part] of rest.entries()) {
    const found = index === rest.length - 1 ? text.length - part.length : text.indexOf(part, at);
    if (found < at || !text.startsWith(part, found)) return false;
    at = found + part.length;
  }
  return true;
}

function render(entries: readonly Entry[], options: ShowOptions): Iterable<string> {
  switch (options.format ?? 'table') {
    case 'json':
      return entries.map(({ record, outcome }) => `${JSON.stringify({ ...record, outcome })}\n`);
    case 'xml':
      return entries.map(({ line }) => `${line.raw.toString('utf8')}\n`);
    case 'audit':
      return entries.flatMap(({ record }) => auditLine(record) ?? []).map((line) => `${line}\n`);
    default:
      return tableOf(entries, options.paint ?? ((_tone, text) => text));
  }
}

const HEAD = ['TIME', 'UID', 'PROGRAM', 'CALL', 'ON', 'OUTCOME', 'WHY'] as const;

const TONES: Readonly<Record<ShowOutcome, ShowTone>> = {
  success: 'success',
  failed: 'failure',
  denied: 'denied',
  'would-deny': 'warning',
  unanswered: 'warning',
  called: 'plain',
  notice: 'plain',
};

function tableOf(entries: readonly Entry[], paint: (tone: ShowTone, text: string) => string): string[] {
  if (entries.length === 0) return [];
  const rows = entries.map((entry) => cellsOf(entry).map(printable));
  const widths = HEAD.map((name, column) => Math.max(name.length, ...maximum(rows, column)));
  const outcomeColumn = HEAD.indexOf('OUTCOME');
  const format = (row: readonly string[], tone: (column: number) => ShowTone) =>
    `${row
      .map((cell, column) => paint(tone(column), column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()}\n`;
  const body = rows.map((row, index) => {
    const outcome = entries[index]?.outcome ?? 'called';
    return format(row, (column) => (column === outcomeColumn ? TONES[outcome] : 'plain'));
  });
  return [format(HEAD, () => 'head'), ...body];
}

// Not Math.max(...rows): a trail may have more rows than a call has room for arguments.
function maximum(rows: readonly (readonly string[])[], column: number): number[] {
  return [rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0)];
}

function cellsOf({ record, outcome }: Entry): string[] {
  const time = `${record.time.slice(0, 10)} ${record.time.slice(11, 23)}`;
  const call = record.event === undefined ? (record.notice?.kind ?? '') : `${record.nested ? '. ' : ''}${record.event}`;
  return [time, String(record.uid), record.comm, call, resourceOf(record), outcome, whyOf(record)];
}

function resourceOf({ resource }: TrailRecord): string {
  if (resource === undefined) return '';
  const name = resource.name ?? resource.uuid ?? '';
  return resource.kind === 'domain' || name === '' ? name || resource.kind : `${resource.kind} ${name}`;
}

function whyOf(record: TrailRecord): string {
  if (record.notice !== undefined) return record.notice.text;
  const { decision, error } = record;
  if (decision !== undefined && decision.effect !== 'permitted') {
    return decision.rule === undefined ? decision.reason : `rule ${decision.rule}`;
  }
  return error === undefined ? '' : error.message;
}

/** Nothing that a record holds may steer the reader's terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** Gathers small pieces, so that a long trail is not a million writes. */
class Output {
  private pending = '';

  constructor(private readonly write: (text: string) => void | Promise<void>) {}

  async add(text: string): Promise<void> {
    this.pending += text;
    if (this.pending.length >= 65536) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.pending === '') return;
    const text = this.pending;
    this.pending = '';
    await this.write(text);
  }
}
