/** Calls on which two policies might differ: made of the values that their conditions hang on. */
import { type ApiFunction, functions } from '../../generated/api.js';
import type { NativeParameters, NativeScalar } from '../../native.js';
import { valueKindOf } from '../argument.js';
import type { Request } from '../evaluate.js';
import { groupBy } from '../group_by.js';
import { sightOf } from '../resource_sight.js';
import type { Rule } from '../rule.js';
import { hasXml } from '../xml_facts.js';
import type { Pool, Value, Who } from './values.js';

export interface Candidate {
  readonly request: Request;
  /** How many of its facts are not the plain ones. */
  readonly oddity: number;
}

/** What candidates are made of. */
export interface Material {
  /** Of the rules that differ. */
  readonly own: Pool;
  /** Of all rules of both policies. */
  readonly all: Pool;
  readonly stranger: number;
}

/** `count` calls of the function, the same each time. */
export function candidatesFor(fn: ApiFunction, material: Material, count: number): Candidate[] {
  const random = randomFrom(fn.id + 1);
  const found = new Map<string, Candidate>();
  for (let number = 0; number < count; number++) {
    const maker = new Maker(fn, material, random, number);
    const candidate = maker.make();
    found.set(keyOf(candidate.request), found.get(keyOf(candidate.request)) ?? candidate);
  }
  return [...found.values()];
}

const plainTexts: Readonly<Record<string, string>> = {
  ...{ executable: '/usr/bin/virsh', command: 'virsh', terminal: 'pts/0', label: '', actor: '', reason: '' },
};

const plainUuid = '4dea22b3-1d52-d8f3-2516-782e98ab3fa0';
const plainTime = Date.UTC(2026, 5, 3, 12) / 1000;

const signed: ReadonlySet<string> = new Set(['Int', 'Long', 'LongLong']);

class Maker {
  private oddity = 0;

  constructor(
    private readonly fn: ApiFunction,
    private readonly material: Material,
    private readonly random: () => number,
    private readonly number: number,
  ) {}

  make(): Candidate {
    const { fn } = this;
    const who = this.pick('subject', { uid: this.material.stranger, gids: [] }) as Who;
    const uri = String(this.pick('uri', 'qemu:///system'));
    const request: Request = {
      ...{ function: fn.name, uid: who.uid, gids: who.gids, arguments: this.arguments() },
      connection: { uri, ...(this.asks('readOnly') && { readOnly: this.pick('readOnly', false) === true }) },
      resource: this.resource(),
      ...this.facts(),
      ...this.monitor(),
      ...this.xml(),
    };
    return { request, oddity: this.oddity };
  }

  private resource(): NonNullable<Request['resource']> {
    const sight = sightOf(this.fn);
    const text = (fact: 'name' | 'uuid', plain: string) => {
      if (sight[fact] === 'absent') return { [fact]: '' };
      return sight[fact] === 'seen' ? { [fact]: String(this.pick(fact, plain)) } : {};
    };
    return { ...text('name', 'thing'), ...(this.asks('uuid') && text('uuid', plainUuid)) };
  }

  private asks(fact: string): boolean {
    return this.material.all.has(fact);
  }

  // What no rule asks for is left out: it could only confuse.
  private facts(): Partial<Request> {
    const asked = Object.entries(plainTexts).filter(([fact]) => this.asks(fact));
    const texts = Object.fromEntries(asked.map(([fact, plain]) => [fact, String(this.pick(fact, plain))]));
    return {
      ...texts,
      ...(this.asks('auid') && { auid: Number(this.pick('auid', 1000)) }),
      ...(this.asks('time') && { time: Number(this.pick('time', plainTime)) }),
      ...(this.asks('rateReached') && { rateReached: this.pick('rateReached', false) === true }),
    };
  }

  private monitor(): Partial<Request> {
    const asked = this.asks('monitor') && /Qemu(Monitor|Agent)Command/.test(this.fn.name);
    return asked ? { monitorCommand: String(this.pick('monitor', 'query-status')) } : {};
  }

  private xml(): Partial<Request> {
    if (!hasXml(this.fn)) return {};
    const named = (prefix: string) =>
      [...this.material.all.keys()]
        .filter((key) => key.startsWith(prefix))
        .map((key) => [key.slice(prefix.length), key] as const);
    const facts = named('fact ').map(([name, key]) => [name, this.pick(key, [])] as const);
    const xpath = named('xpath ').map(([expression, key]) => [expression, this.pick(key, false) === true] as const);
    if (facts.length + xpath.length === 0) return {};
    const values = facts.map(([name, value]) => [name, (value as readonly NativeScalar[]).map(asXmlValue)]);
    return { xml: { facts: Object.fromEntries(values), xpath: Object.fromEntries(xpath) } };
  }

  private arguments(): NonNullable<Request['arguments']> {
    const values: Record<string, bigint | string | null | NativeParameters> = {};
    for (const [index, arg] of this.fn.args.entries()) {
      const kind = valueKindOf(arg);
      if (arg.type === 'TypedParams') {
        const fields = this.fields(arg.name);
        if (fields.length > 0) values[arg.name] = fields;
      } else if (kind === 'number') {
        const value = this.pick(`argument ${arg.name}`, 0n, this.flagsOf(index));
        if (typeof value === 'bigint' && value !== 0n && (value > 0n || signed.has(arg.type))) values[arg.name] = value;
      } else if (kind === 'string' && this.asks(`argument ${arg.name}`)) {
        const value = this.pick(`argument ${arg.name}`, null);
        values[arg.name] = typeof value === 'string' ? value : null;
      }
    }
    return values;
  }

  // Those by which the call needs further permissions.
  private flagsOf(index: number): bigint[] {
    return this.fn.checks.flatMap(({ arg, mask, condition }) =>
      arg === index && condition !== 'Always' ? [BigInt(mask)] : [],
    );
  }

  private fields(name: string): (readonly [string, NativeScalar])[] {
    const prefix = `field ${name}.`;
    const known = [...this.material.all.keys()].filter((key) => key.startsWith(prefix));
    return known.flatMap((key) => {
      const value = this.pick(key, null);
      return value === null || typeof value === 'object' ? [] : [[key.slice(prefix.length), value] as const];
    });
  }

  /** The first candidates are plain but for what the differing rules ask; the others are drawn at random. */
  private pick(fact: string, plain: Value, more: readonly Value[] = []): Value {
    const own = this.material.own.get(fact) ?? [];
    const all = [...(this.material.all.get(fact) ?? []), ...more];
    if (own.length > 0 && (this.number === 0 || this.random() < 0.7)) {
      return this.odd(own[this.number === 0 ? 0 : Math.floor(this.random() * own.length)] ?? plain);
    }
    if (all.length === 0 || this.number === 0 || this.random() < 0.5) return plain;
    return this.odd(all[Math.floor(this.random() * all.length)] ?? plain);
  }

  private odd(value: Value): Value {
    this.oddity++;
    return value;
  }
}

function asXmlValue(value: NativeScalar): string | number | boolean {
  return typeof value === 'bigint' ? Number(value) : value;
}

// mulberry32: good enough to vary, and the same everywhere.
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function keyOf(request: Request): string {
  return JSON.stringify(request, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

/** Picks of functions those that rules tell apart: one for each way in which the rules cover them. */
export function representativesAmong(rules: readonly Rule[]): (ids: readonly number[]) => ApiFunction[] {
  const asked = new Set(rules.flatMap((rule) => rule.arguments.map(({ name }) => name)));
  const ways = functions.map((fn) => {
    const covered = rules.flatMap(({ coverage }, index) => (coverage.has(fn.id) ? [index, coverage.get(fn.id)] : []));
    const args = fn.args.flatMap(({ name }) => (asked.has(name) ? [name] : []));
    return JSON.stringify([fn.class, fn.object, sightOf(fn), args, covered]);
  });
  return (ids) => [...groupBy(ids, (id) => ways[id]).values()].flatMap(([id = -1]) => functions[id] ?? []);
}
