/** In what two policies differ as they are written. */
import { functions } from '../../generated/api.js';
import { resolveAction, setsOfFunction } from '../action.js';
import type { Policy } from '../load.js';
import type { Rule } from '../rule.js';
import { documentOf } from '../rule_conditions.js';
import { setNames } from '../sets.js';
import type { Side } from './side.js';

/** A rule or a default that one policy has and the other has not, or has otherwise. */
export interface Part {
  readonly what: 'rule' | 'default' | 'mode';
  /** Id of the rule, name of the set. */
  readonly id: string;
  readonly change: 'added' | 'removed' | 'changed';
}

export interface PartDetails extends Part {
  /** The rule in both policies, as far as it is there. */
  readonly rules: readonly Rule[];
  /** What it is about, action by action, with the ids of their functions. */
  readonly actions: readonly { readonly action: string; readonly functions: readonly number[] }[];
}

/** Where only one side's source is known, each of its rules may be what differs. */
export function partsOf(before: Side, after: Side): PartDetails[] {
  const [old, now] = [before.source?.policy, after.source?.policy];
  const mode: PartDetails[] =
    before.mode === after.mode
      ? []
      : [{ what: 'mode', id: `${before.mode} to ${after.mode}`, change: 'changed', rules: [], actions: [all] }];
  if (old === undefined || now === undefined) return [...mode, ...allOf(old, 'removed'), ...allOf(now, 'added')];
  return [...mode, ...defaultsOf(old, now), ...rulesOf(old, now)];
}

const all = { action: '*', functions: functions.map(({ id }) => id) };

function allOf(policy: Policy | undefined, change: Part['change']): PartDetails[] {
  if (policy === undefined) return [];
  const defaults = setNames.map((set) => defaultPart(set, change));
  return [...defaults, ...policy.rules.map((rule) => rulePart([rule], change))];
}

function defaultsOf(old: Policy, now: Policy): PartDetails[] {
  return setNames.filter((set) => old.defaults[set] !== now.defaults[set]).map((set) => defaultPart(set, 'changed'));
}

function defaultPart(set: (typeof setNames)[number], change: Part['change']): PartDetails {
  const concerned = functions.filter((fn) => setsOfFunction(fn).some(([name]) => name === set)).map(({ id }) => id);
  return { what: 'default', id: set, change, rules: [], actions: [{ action: set, functions: concerned }] };
}

function rulesOf(old: Policy, now: Policy): PartDetails[] {
  const ids = [...new Set([...old.rules, ...now.rules].map(({ id }) => id))];
  return ids.flatMap((id) => {
    const [was, is] = [old, now].map(({ rules }) => rules.find((rule) => rule.id === id));
    if (was !== undefined && is !== undefined)
      return meaning(was) === meaning(is) ? [] : [rulePart([was, is], 'changed')];
    const only = was ?? is;
    return only === undefined ? [] : [rulePart([only], was === undefined ? 'added' : 'removed')];
  });
}

// What is said about a rule is not what it says. Its operands are read exactly only when they are resolved.
function meaning(rule: Rule): string {
  const { id: _id, description: _description, comment: _comment, ...written } = documentOf(rule);
  const operands = [...rule.arguments, ...rule.conditions.map((one) => ('test' in one ? one.test : undefined))];
  return JSON.stringify([written, operands.map((one) => one?.operand)], plainly);
}

// In whatever order the properties stand.
function plainly(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  const isBlock = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isBlock ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
}

function rulePart(rules: readonly Rule[], change: Part['change']): PartDetails {
  const actions = [...new Set(rules.flatMap((rule) => rule.actions.map(({ text }) => text)))].map((action) => {
    const resolved = resolveAction(action);
    const covered = 'action' in resolved ? [...resolved.action.coverage.keys()] : [];
    return { action, functions: covered.filter((id) => rules.some((rule) => rule.coverage.has(id))) };
  });
  return { what: 'rule', id: rules[0]?.id ?? '', change, rules, actions };
}
