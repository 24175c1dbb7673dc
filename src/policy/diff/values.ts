/** Values that calls can have so that conditions of rules hold, or just not. */
import type { Comparison } from '../comparison.js';
import type { Window } from '../condition.js';
import type { Glob } from '../glob.js';
import type { Rule } from '../rule.js';

/** By the fact: `name`, `argument memory`, `field params.cpu_shares`, `fact disk-source`, `xpath //disk`, `subject`. */
export type Pool = ReadonlyMap<string, readonly Value[]>;
export type Value = Scalar | null | readonly Scalar[] | Who;
type Scalar = string | number | bigint | boolean;

/** Who calls, by number. */
export interface Who {
  readonly uid: number;
  readonly gids: readonly number[];
}

/** What the rules have of accounts, by name. */
export interface Numbers {
  readonly users: ReadonlyMap<string, number>;
  readonly groups: ReadonlyMap<string, number>;
}

/** Every value that a condition of the rules hangs on, those that make it hold first, and some next to them. */
export function valuesIn(rules: readonly Rule[], accounts: Numbers, stranger: number): Pool {
  const pool = new Gathered();
  for (const rule of rules) {
    addPlain(pool, rule);
    for (const { name, operator, operand } of rule.arguments)
      pool.add(`argument ${name}`, around({ operator, operand }));
    for (const condition of rule.conditions) pool.add(...valuesOf(condition));
    pool.add('subject', subjectsIn(rule, accounts, stranger));
    pool.add('uri', urisFor(rule));
  }
  for (const [fact, values] of pool.values) {
    if (/^(name|executable|label|actor|monitor|argument .*)$/.test(fact)) pool.add(fact, pairsOf(values));
  }
  return pool.values;
}

class Gathered {
  readonly values = new Map<string, Value[]>();

  add(fact: string, values: readonly Value[]): void {
    if (values.length === 0 || fact === '') return;
    const known = this.values.get(fact) ?? [];
    const seen = new Set(known.map(keyOf));
    this.values.set(fact, [...known, ...values.filter((value) => !seen.has(keyOf(value)))]);
  }
}

function keyOf(value: Value): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item));
}

function addPlain(pool: Gathered, rule: Rule): void {
  pool.add('name', textsFor(rule.names));
  pool.add('uuid', textsFor(rule.uuids));
  if (rule.readOnly !== undefined) pool.add('readOnly', [rule.readOnly, !rule.readOnly]);
}

const textFacts: Readonly<Record<string, string>> = {
  ...{ names: 'name', uuids: 'uuid', executables: 'executable', commands: 'command', terminals: 'terminal' },
  ...{ labels: 'label', actors: 'actor', monitor: 'monitor' },
};

/** The fact that the condition is about, and values of it. */
function valuesOf(condition: Rule['conditions'][number]): readonly [fact: string, values: readonly Value[]] {
  switch (condition.kind) {
    case 'auids':
      return ['auid', condition.ids];
    case 'readOnly':
      return ['readOnly', [condition.value, !condition.value]];
    case 'parameter':
      return [`field ${condition.test.name}.${fieldFor(condition.test.field)}`, around(condition.test)];
    case 'xmlFact':
      return [`fact ${condition.fact}`, [...around(condition.test).flatMap(several), []]];
    case 'xpath':
      return [`xpath ${condition.expression}`, [true, false]];
    case 'time':
      return ['time', condition.windows.flatMap(momentsFor)];
    case 'reason':
      return ['reason', ['ticket 1', '']];
    case 'rate':
      return ['rateReached', [true, false]];
    default:
      return [textFacts[condition.kind] ?? '', 'globs' in condition ? textsFor(condition.globs) : []];
  }
}

// What is in XML can be there several times; it is never NULL.
function several(value: Scalar | null): Value[] {
  return value === null ? [] : [[value]];
}

/** Texts that each glob matches, and that miss it by a letter. */
export function textsFor(globs: readonly Glob[]): string[] {
  const matching = globs.flatMap(({ text }) => [instance(text, ''), instance(text, 'x')]);
  return [...new Set([...matching, ...matching.map((text) => `${text}z`)])].filter((text) => text !== '');
}

const mostPairs = 12;

// What begins like one glob and ends like another may be matched by both.
function pairsOf(values: readonly Value[]): string[] {
  const texts = values.filter((value) => typeof value === 'string').slice(0, mostPairs);
  return texts.flatMap((a) => texts.filter((b) => a !== b).map((b) => a + b));
}

function instance(glob: string, filling: string): string {
  return glob.replaceAll(
    /\\(.)|\*|\?/gs,
    (wildcard, literal: string | undefined) => literal ?? (wildcard === '*' ? filling : 'x'),
  );
}

function fieldFor({ text }: Glob): string {
  return instance(text, '') || 'field';
}

/** The operand and its neighbours; of flags each alone, all and none. */
function around({ operator, operand }: Pick<Comparison, 'operator' | 'operand'>): (string | bigint | null)[] {
  if (typeof operand !== 'bigint') return [...textsFor([operand]), null];
  if (!operator.startsWith('has'))
    return [operand, operand + 1n, operand - 1n].filter((value) => value >= -(2n ** 63n));
  const bits = [...operand.toString(2)].reverse().flatMap((bit, at) => (bit === '1' ? [1n << BigInt(at)] : []));
  return [operand, ...bits, 0n];
}

const minute = 60;
const day = 24 * 60 * minute;
// A Monday, 00:00 UTC.
const monday = Date.UTC(2026, 5, 1) / 1000;

/** The first minute of the window on each day, the last, and those outside of it. */
function momentsFor({ from, to, transitions }: Window): number[] {
  const offset = transitions.findLast(({ utcSeconds }) => utcSeconds <= monday)?.offsetSeconds ?? 0;
  const minutes = [from, to - 1, from - 1, to];
  return [0, 1, 2, 3, 4, 5, 6].flatMap((weekday) => minutes.map((at) => monday + weekday * day + at * minute - offset));
}

function subjectsIn(rule: Rule, { users, groups }: Numbers, stranger: number): Who[] {
  const negated = (kind: 'uids' | 'gids') =>
    rule.conditions.flatMap((one) => (one.kind === kind && 'ids' in one ? [one] : []));
  const numbers = (names: readonly string[], known: ReadonlyMap<string, number>) =>
    names.flatMap((name) => known.get(name) ?? []);
  const uids = [
    ...numbers(rule.users, users),
    ...rule.uids,
    ...negated('uids').flatMap(({ ids, names }) => [...ids, ...numbers(names, users)]),
  ];
  const gids = [...numbers(rule.groups, groups), ...negated('gids').flatMap(({ names }) => numbers(names, groups))];
  if (uids.length + gids.length === 0) return [];
  return [...uids, stranger].flatMap((uid) => [
    ...gids.map((gid) => ({ uid, gids: [gid] })),
    { uid, gids: [] },
    ...(gids.length > 1 ? [{ uid, gids }] : []),
  ]);
}

/** Where rules ask about connections: a URI for each driver, way and host together. */
function urisFor(rule: Rule): string[] {
  const further = (kind: string) =>
    rule.conditions.flatMap((one) => (one.kind === kind && 'globs' in one ? textsFor(one.globs.slice(0, 6)) : []));
  const drivers = [
    ...rule.drivers.map(({ text }) => text),
    ...rule.conditions.flatMap((one) => (one.kind === 'drivers' ? one.globs.map(({ text }) => text) : [])),
  ];
  const transports = rule.conditions.flatMap((one) =>
    one.kind === 'transports' ? one.globs.map(({ text }) => text) : [],
  );
  const hosts = further('hosts');
  const spelled = [...textsFor(rule.uris), ...further('uris')];
  if (drivers.length + transports.length + hosts.length === 0) return spelled;
  const ways = transports.length > 0 ? [...transports, 'unix', 'tcp'] : ['unix', ...(hosts.length > 0 ? ['tls'] : [])];
  const made = (drivers.length > 0 ? [...drivers, 'qemu', 'xen'] : ['qemu', 'test']).flatMap((driver) =>
    ways.flatMap((way) => (hosts.length > 0 ? hosts : ['far']).map((host) => uriOf(driver, way, host))),
  );
  return [...spelled, ...new Set(made)];
}

function uriOf(driver: string, transport: string, host: string): string {
  if (transport === 'unix') return `${driver}:///system`;
  if (transport === 'in-process') return driver === 'test' ? 'test:///default' : `${driver}:///embed`;
  return `${driver}+${transport}://${host}/system`;
}
