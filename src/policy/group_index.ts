/** Groups of the image: the rules that may decide the calls of a function, and how they are found. */
import { hashLiteral, type LiteralForm } from './hash.js';
import { type Fact, facts, maxKeys, none } from './image_layout.js';
import type { Bytes, ImageWriter } from './image_writer.js';
import type { IndexEntry, IndexOption, Literal } from './index_options.js';
import type { Checks } from './sets.js';
import { SlotTable } from './slot_table.js';

export interface GroupMember {
  /** Index of the rule. */
  readonly rule: number;
  readonly checks: Checks;
  readonly options: readonly IndexOption[];
  readonly unconditional: boolean;
}

interface Candidate {
  readonly rule: number;
  readonly checks: Checks;
  readonly glob: number;
  readonly fact: Fact;
}

interface Key {
  readonly position: number;
  readonly fact: Fact;
  readonly argument: number;
  readonly firstRule: number;
  /** Bit n-1: some literal of this form has n bytes. */
  readonly lengths: Record<LiteralForm, bigint>;
  readonly candidates: Candidate[];
}

/** Writes a group of members in file order; returns its index. */
export function writeGroup(writer: ImageWriter, effect: 'allow' | 'deny', members: readonly GroupMember[]): number {
  return new GroupWriter(writer, members).write(effect);
}

class GroupWriter {
  private readonly root: Candidate[] = [];
  private readonly keys = new Map<string, Key>();
  private readonly table = new SlotTable<Candidate>((candidate) => candidate.rule);
  private readonly crowd: Crowd;

  constructor(
    private readonly writer: ImageWriter,
    private readonly members: readonly GroupMember[],
  ) {
    this.crowd = new Crowd(members);
  }

  write(effect: 'allow' | 'deny'): number {
    for (const member of this.members) this.place(member);
    const root = this.list(this.root);
    const slots = this.writeSlots();
    const keys = this.writeKeys(effect);
    const unconditional = this.members.filter((member) => member.unconditional);
    return this.writer.append('groups', (out) => {
      out.range(keys);
      for (const field of [root, slots.first, slots.mask]) out.u32(field);
      out.u32(unconditional.reduce((mask, { checks }) => mask | checks, 0));
    }).first;
  }

  private place(member: GroupMember): void {
    const possible = member.options.filter((option) => this.keys.size < maxKeys || this.keys.has(nameOf(option)));
    const option = leastBy(possible, (one) => this.crowd.ofOption(one));
    if (option === undefined) {
      this.root.push(withoutGlob(member));
      return;
    }
    const key = this.keyOf(option, member.rule);
    key.candidates.push(withoutGlob(member));
    for (const entry of option.entries) this.placeEntry(member, key, entry);
  }

  private placeEntry({ rule, checks }: GroupMember, key: Key, { literals, glob }: IndexEntry): void {
    const literal = leastBy(literals, (one) => this.crowd.ofLiteral(nameOf(key), one));
    if (literal === undefined) throw new RangeError('nothing to file a rule by');
    const { form, bytes } = literal;
    key.lengths[form] |= 1n << BigInt(bytes.length - 1);
    const index = glob === undefined ? none : this.writer.glob(glob);
    this.table.add(hashLiteral(key.position, form, bytes), { rule, checks, glob: index, fact: key.fact });
  }

  private keyOf({ fact, argument }: IndexOption, rule: number): Key {
    const name = nameOf({ fact, argument });
    const known = this.keys.get(name);
    if (known !== undefined) return known;
    const lengths = { prefix: 0n, suffix: 0n, whole: 0n };
    const key = { position: this.keys.size, fact, argument, firstRule: rule, lengths, candidates: [] };
    this.keys.set(name, key);
    return key;
  }

  private list(candidates: readonly Candidate[]): number {
    if (candidates.length === 0) return none;
    return this.writer.pool('candidates', (out) => writeCandidates(out, candidates)).first;
  }

  private writeKeys(effect: 'allow' | 'deny') {
    const keys = [...this.keys.values()];
    // Only deny rules can match what is not known.
    const unknown = keys.map(({ candidates }) => (effect === 'deny' ? this.list(candidates) : none));
    return this.writer.pool('keys', (out) => {
      for (const [index, key] of keys.entries()) writeKey(out, key, unknown[index] ?? none);
    });
  }

  private writeSlots(): { first: number; mask: number } {
    const slots = this.table.slots().map((slot) => ({ tag: slot?.tag ?? 0, first: this.list(slot?.items ?? []) }));
    const { first } = this.writer.append('slots', (out) => {
      for (const slot of slots) {
        out.u32(slot.tag);
        out.u32(slot.first);
      }
    });
    return { first, mask: Math.max(slots.length - 1, 0) };
  }
}

/** How many rules of a group would be found by the same literal: the fewer, the better it tells them apart. */
class Crowd {
  private readonly counts = new Map<string, number>();

  constructor(members: readonly GroupMember[]) {
    for (const { options } of members) {
      for (const option of options) {
        for (const literal of option.entries.flatMap(({ literals }) => literals)) this.count(nameOf(option), literal);
      }
    }
  }

  /** Of the worst entry. */
  ofOption(option: IndexOption): number {
    const name = nameOf(option);
    const ofEntry = ({ literals }: IndexEntry) => Math.min(...literals.map((literal) => this.ofLiteral(name, literal)));
    return option.entries.reduce((most, entry) => Math.max(most, ofEntry(entry)), 0);
  }

  ofLiteral(key: string, literal: Literal): number {
    return this.counts.get(textOf(key, literal)) ?? 0;
  }

  private count(key: string, literal: Literal): void {
    const text = textOf(key, literal);
    this.counts.set(text, (this.counts.get(text) ?? 0) + 1);
  }
}

function nameOf({ fact, argument }: Pick<Key, 'fact' | 'argument'>): string {
  return `${fact} ${argument}`;
}

function textOf(key: string, { form, bytes }: Literal): string {
  return `${key} ${form} ${Buffer.from(bytes).toString('latin1')}`;
}

/** The first of those with the least rank. */
function leastBy<T>(items: readonly T[], rank: (item: T) => number): T | undefined {
  const ranks = items.map(rank);
  return items[ranks.indexOf(Math.min(...ranks))];
}

function writeKey(out: Bytes, key: Key, unknown: number): void {
  for (const form of ['prefix', 'suffix', 'whole'] as const) out.u64(key.lengths[form]);
  out.u32(key.firstRule);
  out.u32(unknown);
  out.u16(key.argument);
  out.u8(facts.indexOf(key.fact));
  out.u8(0);
  out.u32(0);
}

function withoutGlob({ rule, checks }: GroupMember): Candidate {
  return { rule, checks, glob: none, fact: 'uid' };
}

function writeCandidates(out: Bytes, candidates: readonly Candidate[]): void {
  for (const [index, { rule, glob, checks, fact }] of candidates.entries()) {
    out.u32(rule);
    out.u32(glob);
    out.u16(checks);
    out.u8(index === candidates.length - 1 ? 1 : 0);
    out.u8(facts.indexOf(fact));
  }
}
