/** By which conditions the evaluator can find a rule: those that need a fact to begin with a literal, end in it or be it. */
import type { ArgumentCondition } from './argument.js';
import type { Condition } from './condition.js';
import type { Glob } from './glob.js';
import type { LiteralForm } from './hash.js';
import { type Fact, maxLiteral } from './image_layout.js';
import type { Rule } from './rule.js';

export interface Literal {
  readonly form: LiteralForm;
  readonly bytes: Uint8Array;
}

/** One alternative of a condition. */
export interface IndexEntry {
  /** Each holds for all that the alternative matches, so that any of them will do; at least one. */
  readonly literals: readonly Literal[];
  /** The glob that alone is to be tried where the entry led to the rule. */
  readonly glob: Glob | undefined;
}

/** A condition on one fact: the rule can match only where some of the entries does. */
export interface IndexOption {
  readonly fact: Fact;
  /** The id of the argument's name, else 0. */
  readonly argument: number;
  readonly entries: readonly IndexEntry[];
}

/**
 * In the order of preference among equals: first what costs no look-up; users behind names, because asking for them is a
 * system call; last the connection, which may be unknown where a call opens it.
 */
export function indexOptions(rule: Rule, uids: readonly number[]): IndexOption[] {
  const options = [
    ...rule.arguments.map(argumentOption),
    option('name', rule.names.map(globEntry)),
    option('uuid', rule.uuids.map(globEntry)),
    option('uid', uids.map(uidEntry)),
    option('driver', rule.drivers.map(globEntry)),
    option('uri', rule.uris.map(globEntry)),
    ...rule.conditions.flatMap(conditionOption),
  ];
  return options.filter(({ entries }) => entries.length > 0 && entries.every(({ literals }) => literals.length > 0));
}

const factOf = {
  auids: 'auid',
  executables: 'executable',
  commands: 'command',
  terminals: 'terminal',
  labels: 'label',
  actors: 'actor',
  transports: 'transport',
  hosts: 'host',
  monitor: 'monitor',
} as const;

// What is negated holds for nearly everything.
function conditionOption(condition: Condition): IndexOption[] {
  if (condition.negated) return [];
  if (condition.kind === 'auids') return [option(factOf.auids, condition.ids.map(uidEntry))];
  if (!('globs' in condition) || !(condition.kind in factOf)) return [];
  return [option(factOf[condition.kind as keyof typeof factOf], condition.globs.map(globEntry))];
}

function option(fact: Fact, entries: readonly IndexEntry[]): IndexOption {
  return { fact, argument: 0, entries };
}

// Every comparison of an argument must hold, so any `equal` one can serve.
function argumentOption({ nameId, operator, operand }: ArgumentCondition): IndexOption {
  if (operator !== 'equal') return option('argument', []);
  const entry = typeof operand === 'bigint' ? numberEntry(operand) : { literals: literalsOf(operand), glob: undefined };
  return { fact: 'argument', argument: nameId, entries: [entry] };
}

function numberEntry(value: bigint): IndexEntry {
  return wholeEntry(8, (view) => view.setBigUint64(0, BigInt.asUintN(64, value), true));
}

function uidEntry(uid: number): IndexEntry {
  return wholeEntry(4, (view) => view.setUint32(0, uid, true));
}

function wholeEntry(size: number, write: (view: DataView) => void): IndexEntry {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return { literals: [{ form: 'whole', bytes }], glob: undefined };
}

function globEntry(glob: Glob): IndexEntry {
  return { literals: literalsOf(glob), glob };
}

function literalsOf({ form, literal, rest }: Glob): Literal[] {
  if (form === 'exact' && literal.length <= maxLiteral) return nonEmpty('whole', literal);
  const suffix = form === 'general' ? finalLiteral(rest) : new Uint8Array();
  return [
    ...nonEmpty('prefix', literal.subarray(0, maxLiteral)),
    ...nonEmpty('suffix', suffix.subarray(Math.max(0, suffix.length - maxLiteral))),
  ];
}

function nonEmpty(form: LiteralForm, bytes: Uint8Array): Literal[] {
  return bytes.length > 0 ? [{ form, bytes }] : [];
}

const star = 0x2a;
const questionMark = 0x3f;
const backslash = 0x5c;

/** What a glob has behind its last wildcard, without escapes. */
function finalLiteral(rest: Uint8Array): Uint8Array {
  let literal: number[] = [];
  for (let at = 0; at < rest.length; at++) {
    if (rest[at] === star || rest[at] === questionMark) {
      literal = [];
      continue;
    }
    if (rest[at] === backslash) at++;
    literal.push(rest[at] ?? backslash);
  }
  return Uint8Array.from(literal);
}
