/** Which records of a trail are wanted, found out by as little reading as possible. */
import type { LineTest } from '../input/lines.js';
import { escapeXml } from './escape.js';
import type { TrailRecord } from './record.js';
import { guestOf, type Verdict, verdictOf } from './verdict.js';

/** All that is given has to hold. Notices pass only where nothing is asked for that they do not have. */
export interface TrailFilter {
  /** Name of the guest, also of those whose snapshots and checkpoints the call was about. */
  readonly vm?: string;
  /** UUID of what the call was about. */
  readonly uuid?: string;
  readonly uid?: number;
  /** 4294967295 for none. */
  readonly auid?: number;
  /** Calls of one of these functions. */
  readonly functions?: ReadonlySet<string>;
  /** Responses that ended so. */
  readonly verdict?: Verdict;
  /** The rule that decided. */
  readonly rule?: string;
  /** Name of the program, the path of its file, or the last part of that path. */
  readonly program?: string;
  readonly rid?: string;
  /** For whom the program said that it called. */
  readonly actor?: string;
  /** From this moment on, as records have it: `2026-11-23T05:30:01.123456789Z`, or a shorter beginning of that. */
  readonly since?: string;
  /** Up to this moment. */
  readonly until?: string;
}

export interface RecordTest {
  readonly matches: (record: TrailRecord) => boolean;
  /** False for lines that need not be parsed. A test is for one file: it remembers where it looked. */
  readonly lineTest: () => LineTest | undefined;
}

/** One condition: what to look for in the bytes, and what the record has to say. */
interface Condition {
  readonly matches: (record: TrailRecord) => boolean;
  /** What the writers write wherever the condition holds: one text, since looking for it is what takes the time. */
  readonly needle: string;
  /** Whether what follows the needle will do; asked about the first one in a line. */
  readonly follows?: (bytes: Buffer, at: number) => boolean;
}

export function recordTest(filter: TrailFilter): RecordTest {
  const conditions = conditionsOf(filter);
  return {
    matches: (record) => conditions.every(({ matches }) => matches(record)),
    lineTest: () => (conditions.length === 0 ? undefined : lineTest(conditions)),
  };
}

function conditionsOf(filter: TrailFilter): Condition[] {
  const { rid, vm, uuid, actor, rule, program } = filter;
  return [
    ...optional(rid?.toLowerCase(), (id) => ({ matches: (record) => record.rid === id, needle: `rid="${id}"` })),
    ...optional(vm, (name) => ({
      matches: (record) => guestOf(record) === name,
      needle: `="${escapeXml(name)}"`,
    })),
    ...optional(uuid?.toLowerCase(), (id) => ({
      matches: (record) => record.resource?.uuid === id,
      needle: attribute('uuid', id),
    })),
    ...optional(actor, (user) => ({
      matches: (record) => record.asserted?.actor === user,
      needle: attribute('actor', user),
    })),
    ...optional(rule, (id) => ({
      matches: (record) => record.decision?.rule === id,
      needle: attribute('rule', id),
    })),
    ...optional(program, programCondition),
    ...numbers(filter),
    ...optional(filter.verdict, verdictCondition),
    ...optional(filter.functions, functionCondition),
    ...optional(filter.since, (moment) => timeCondition((time) => time >= moment)),
    ...optional(filter.until, (moment) => timeCondition((time) => time.slice(0, moment.length) <= moment)),
  ];
}

function optional<T>(value: T | undefined, make: (value: T) => Condition): Condition[] {
  return value === undefined ? [] : [make(value)];
}

function attribute(name: string, value: string): string {
  return ` ${name}="${escapeXml(value)}"`;
}

function numbers({ uid, auid }: TrailFilter): Condition[] {
  return [
    ...optional(uid, (id) => ({ matches: (record) => record.uid === id, needle: ` uid="${id}"` })),
    ...optional(auid, (id) => ({ matches: (record) => record.auid === id, needle: ` auid="${id}"` })),
  ];
}

function programCondition(program: string): Condition {
  return {
    matches: ({ comm, exe }) => comm === program || exe === program || exe.endsWith(`/${program}`),
    needle: `${escapeXml(program)}"`,
  };
}

function verdictCondition(verdict: Verdict): Condition {
  const ended = { permitted: '<state>1</state>', failed: '<state>0</state>' };
  return {
    matches: (record) => record.type === 'methodresponse' && verdictOf(record) === verdict,
    needle: verdict === 'permitted' || verdict === 'failed' ? ended[verdict] : ` effect="${verdict}"`,
  };
}

function functionCondition(functions: ReadonlySet<string>): Condition {
  return {
    matches: ({ event }) => event !== undefined && functions.has(event),
    needle: '<event>',
    follows: (bytes, at) => functions.has(bytes.toString('latin1', at, bytes.indexOf('<', at))),
  };
}

/** Times compare as text. */
function timeCondition(holds: (time: string) => boolean): Condition {
  return {
    matches: ({ time }) => holds(time),
    needle: ' time="',
    follows: (bytes, at) => holds(bytes.toString('latin1', at, bytes.indexOf('"', at))),
  };
}

/**
 * Lines without the needle are turned down unread, but only where they begin and end as records do: a line that is
 * none has to be reported.
 */
function lineTest(conditions: readonly Condition[]): LineTest {
  const searches = conditions.map((condition) => new Search(condition));
  return (bytes, from, end) => searches.every((search) => search.finds(bytes, from, end)) || !isWhole(bytes, from, end);
}

/** Looks for the needle of one condition, in each chunk once, however many lines it holds. */
class Search {
  readonly #needle: Buffer;
  readonly #follows: Condition['follows'];
  #chunk: Buffer | undefined;
  #next = 0;

  constructor({ needle, follows }: Condition) {
    this.#needle = Buffer.from(needle);
    this.#follows = follows;
  }

  finds(bytes: Buffer, from: number, end: number): boolean {
    if (bytes !== this.#chunk || this.#next < from) this.#search(bytes, from);
    if (this.#next >= end) return false;
    return this.#follows === undefined || this.#follows(bytes, this.#next + this.#needle.length);
  }

  #search(bytes: Buffer, from: number): void {
    const at = bytes.indexOf(this.#needle, from);
    this.#chunk = bytes;
    this.#next = at === -1 ? Number.POSITIVE_INFINITY : at;
  }
}

const ROOTS = ['methodcall', 'methodresponse', 'notice'].map((name) => ({
  start: Buffer.from(`<${name} rid="`),
  end: Buffer.from(`</${name}>`),
}));

function isWhole(bytes: Buffer, from: number, end: number): boolean {
  return ROOTS.some((root) => standsAt(root.start, bytes, from) && standsAt(root.end, bytes, end - root.end.length));
}

function standsAt(what: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < what.length; i++) if (bytes[at + i] !== what[i]) return false;
  return true;
}
