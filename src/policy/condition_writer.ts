/** Conditions -> sections of an image. */
import { createHash } from 'node:crypto';
import { objectKinds } from '../generated/api.js';
import type { Accounts } from './accounts.js';
import type { ArgumentCondition } from './argument.js';
import { type Comparison, operators } from './comparison.js';
import type { Condition, Window } from './condition.js';
import { conditionKinds, none } from './image_layout.js';
import type { Bytes, ImageWriter, Range } from './image_writer.js';
import type { Rule } from './rule.js';
import { xmlFactNames } from './xml_facts.js';

export type KnownAccounts = Pick<Accounts, 'users' | 'groups'>;

export interface RuleContext {
  /** The policy's name. */
  readonly policy: string;
  readonly accounts: KnownAccounts;
}

/** Writes the conditions for which a rule has no ranges of its own. */
export function writeConditions(writer: ImageWriter, rule: Rule, context: RuleContext): Range {
  const parts = rule.conditions.map((condition) => ({
    condition,
    range: writePart(writer, rule, condition, context),
  }));
  return writer.pool('conditions', (out) => {
    for (const { condition, range } of parts) {
      out.u8(conditionKinds.indexOf(condition.kind));
      out.u8(condition.negated ? 1 : 0);
      out.u16(0);
      out.range(range);
    }
  });
}

function writePart(writer: ImageWriter, rule: Rule, condition: Condition, context: RuleContext): Range {
  switch (condition.kind) {
    case 'uids':
    case 'auids':
      return writer.idList(idsOf(condition.names, context.accounts.users, condition.ids));
    case 'gids':
      return writer.idList(idsOf(condition.names, context.accounts.groups, condition.ids));
    case 'kinds':
      return { first: kindMask(condition.kinds), count: 0 };
    case 'readOnly':
      return { first: readOnlyNumber(condition.value), count: 0 };
    case 'argument':
      return writeArguments(writer, [condition.test]);
    case 'parameter':
      return writeParameter(writer, condition);
    case 'time':
      return writeWindows(writer, condition.windows);
    case 'xmlFact':
      return writeXmlTest(writer, condition);
    case 'xpath':
      return { first: writer.string(condition.expression), count: 0 };
    case 'reason':
      return { first: 0, count: 0 };
    case 'rate':
      return writeRate(writer, condition, rateKey(context.policy, rule.id));
    default:
      return writer.globList(condition.globs);
  }
}

/** Numbers of accounts that were looked up, and those that were given as such. */
export function idsOf(
  names: readonly string[],
  known: ReadonlyMap<string, number>,
  more: readonly number[],
): readonly number[] {
  const ids = names.map((name) => {
    const id = known.get(name);
    if (id === undefined) throw new RangeError(`account \`${name}\` was not looked up`);
    return id;
  });
  return [...new Set([...ids, ...more])];
}

export function kindMask(kinds: readonly string[]): number {
  return kinds.reduce((mask, kind) => mask | (1 << (objectKinds as readonly string[]).indexOf(kind)), 0);
}

/** As image::ReadOnly has it. */
export function readOnlyNumber(readOnly: boolean | undefined): number {
  if (readOnly === undefined) return 0;
  return readOnly ? 1 : 2;
}

const operandSigned = 0;
const operandUnsigned = 1;
const operandGlob = 2;

/** Index of the glob that a value is compared with, or none. */
function globOf(writer: ImageWriter, { operand }: Comparison): number {
  return typeof operand === 'bigint' ? none : writer.glob(operand);
}

function writeOperator(out: Bytes, { operator, operand }: Comparison): void {
  out.u8(operators.indexOf(operator));
  if (typeof operand === 'bigint') out.u8(operand < 0n ? operandSigned : operandUnsigned);
  else out.u8(operandGlob);
}

function writeValue(out: Bytes, { operand }: Comparison): void {
  out.u64(typeof operand === 'bigint' ? BigInt.asUintN(64, operand) : 0n);
}

/** Writes comparisons of arguments. */
export function writeArguments(writer: ImageWriter, conditions: readonly ArgumentCondition[]): Range {
  const tests = conditions.map((condition) => ({ condition, glob: globOf(writer, condition) }));
  return writer.pool('arguments', (out) => {
    for (const { condition, glob } of tests) {
      out.u16(condition.nameId);
      writeOperator(out, condition);
      out.u32(glob);
      writeValue(out, condition);
    }
  });
}

function writeParameter(writer: ImageWriter, { test }: Extract<Condition, { kind: 'parameter' }>): Range {
  const field = writer.glob(test.field);
  const glob = globOf(writer, test);
  return writer.pool('parameters', (out) => {
    out.u32(field);
    out.u16(test.nameId);
    writeOperator(out, test);
    out.u32(glob);
    out.u32(0);
    writeValue(out, test);
  });
}

function writeXmlTest(writer: ImageWriter, { fact, test }: Extract<Condition, { kind: 'xmlFact' }>): Range {
  const glob = globOf(writer, test);
  return writer.pool('xmlTests', (out) => {
    out.u16(xmlFactNames.indexOf(fact));
    writeOperator(out, test);
    out.u32(glob);
    writeValue(out, test);
  });
}

function writeWindows(writer: ImageWriter, windows: readonly Window[]): Range {
  const zones = windows.map(({ transitions }) =>
    writer.pool('transitions', (out) => {
      for (const { utcSeconds, offsetSeconds } of transitions) {
        out.u64(BigInt.asUintN(64, BigInt(utcSeconds)));
        out.u32(offsetSeconds);
        out.u32(0);
      }
    }),
  );
  return writer.pool('windows', (out) => {
    for (const [index, { from, to, days }] of windows.entries()) {
      out.u16(from);
      out.u16(to);
      out.u8(days);
      out.zeros(3);
      out.range(zones[index] ?? { first: 0, count: 0 });
    }
  });
}

function writeRate(
  writer: ImageWriter,
  { calls, seconds, per }: Extract<Condition, { kind: 'rate' }>,
  key: bigint,
): Range {
  return writer.pool('rates', (out) => {
    out.u32(calls);
    out.u32(seconds);
    out.u8(per === 'subject' ? 0 : 1);
    out.zeros(7);
    out.u64(key);
  });
}

// The same for every image of the policy: what was counted outlives a new one.
function rateKey(policy: string, rule: string): bigint {
  return createHash('sha256').update(`${policy}\0${rule}`).digest().readBigUInt64LE();
}
