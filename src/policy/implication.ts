/** Whether one rule holds wherever another does. Says yes only where that is certain. */
import type { Coverage } from './action.js';
import type { ArgumentCondition } from './argument.js';
import { comparisonImplies } from './comparison_logic.js';
import type { Condition } from './condition.js';
import { type Glob, globCovers } from './glob.js';
import type { Rule } from './rule.js';

/** All conditions of the rule but its comparisons of arguments, those that the image has places of their own for too. */
export function allConditions(rule: Rule): readonly Condition[] {
  const lists: Condition[] = [
    about('uids', ['subjects', rule.users.length > 0 ? 'users' : 'uids'], { names: rule.users, ids: rule.uids }),
    about('gids', ['subjects', 'groups'], { names: rule.groups, ids: [] }),
    about('uris', ['connections', 'uris'], { globs: rule.uris }),
    about('drivers', ['connections', 'drivers'], { globs: rule.drivers }),
    about('kinds', ['resources', 'kinds'], { kinds: rule.kinds }),
    about('names', ['resources', 'names'], { globs: rule.names }),
    about('uuids', ['resources', 'uuids'], { globs: rule.uuids }),
  ];
  const given = lists.filter((condition) => (valuesOf(condition)?.length ?? 0) > 0);
  if (rule.readOnly !== undefined) {
    given.push({ kind: 'readOnly', steps: ['connections', 'readOnly'], value: rule.readOnly, negated: false });
  }
  return [...given, ...rule.conditions];
}

function about<K extends Condition['kind'], T extends object>(kind: K, steps: Condition['steps'], rest: T) {
  return { kind, steps, negated: false as const, ...rest };
}

/** One value of a list; globs stand for many. */
export type Value = string | Glob;

/** The values that a condition lists, undefined where it is no list. */
export function valuesOf(condition: Condition): readonly Value[] | undefined {
  if ('names' in condition) return [...condition.names.map((name) => `name ${name}`), ...condition.ids.map(String)];
  if ('globs' in condition) return condition.globs;
  if (condition.kind === 'kinds') return condition.kinds;
  return condition.kind === 'readOnly' ? [String(condition.value)] : undefined;
}

/** Whether each of the values is one of `wide`, or stands for some of what one of them stands for. */
export function allWithin(values: readonly Value[], wide: readonly Value[]): boolean {
  return values.every((value) =>
    wide.some((other) => {
      return typeof value === 'string' || typeof other === 'string' ? value === other : globCovers(other, value);
    }),
  );
}

/** Whether `wide` holds for every call for which `narrow` does. What they cover is not looked at. */
export function holdsWherever(wide: Rule, narrow: Rule): boolean {
  const known = allConditions(narrow);
  return (
    allConditions(wide).every((condition) => known.some((other) => implies(other, condition))) &&
    wide.arguments.every((test) => impliesComparison(narrow.arguments, test))
  );
}

function implies(condition: Condition, wide: Condition): boolean {
  if (condition.kind !== wide.kind || condition.negated !== wide.negated) return false;
  const [values, wideValues] = [valuesOf(condition), valuesOf(wide)];
  if (values !== undefined && wideValues !== undefined) {
    return wide.negated ? allWithin(wideValues, values) : allWithin(values, wideValues);
  }
  // A limit on how often is a count of its own.
  return wide.kind !== 'rate' && essence(condition) === essence(wide);
}

function essence(condition: Condition): string {
  return JSON.stringify({ ...condition, steps: [] }, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

function impliesComparison(known: readonly ArgumentCondition[], wide: ArgumentCondition): boolean {
  return comparisonImplies(
    known.filter(({ name }) => name === wide.name),
    wide,
  );
}

/** Rules by what they are about, so that those that can be wider than a rule are few. */
export class RuleIndex {
  private readonly byName = new Map<string, Rule[]>();
  private readonly others: Rule[] = [];

  constructor(rules: Iterable<Rule>) {
    for (const rule of rules) {
      const exact = rule.names.length > 0 && rule.names.every(({ form }) => form === 'exact');
      if (!exact) this.others.push(rule);
      for (const { text } of exact ? rule.names : []) this.byName.set(text, [...(this.byName.get(text) ?? []), rule]);
    }
  }

  /** Those among the rules that may hold wherever `rule` does. */
  *wider(rule: Rule): Generator<Rule> {
    yield* this.others;
    const first = rule.names[0];
    if (first?.form === 'exact') yield* this.byName.get(first.text) ?? [];
  }
}

/** What of `coverage` the other one leaves over. */
export function uncovered(coverage: Coverage, other: Coverage): Coverage {
  const left = new Map<number, number>();
  for (const [id, checks] of coverage) {
    const rest = checks & ~(other.get(id) ?? 0);
    if (rest !== 0) left.set(id, rest);
  }
  return left;
}
