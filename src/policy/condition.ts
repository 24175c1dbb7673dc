/** Conditions beyond those that a rule of the image has places of its own for: new kinds, and all that is negated. */
import type { ArgumentCondition, ParameterCondition } from './argument.js';
import type { Comparison } from './comparison.js';
import type { Glob } from './glob.js';
import { type ConditionKind, conditionKinds } from './image_layout.js';
import type { Path } from './source.js';
import type { Transition } from './time_zones.js';

/** Kinds whose facts are texts that globs are tried on. */
export type TextKind = (typeof textKinds)[number];
export const textKinds = [
  'names',
  'uuids',
  'drivers',
  'uris',
  'executables',
  'commands',
  'terminals',
  'labels',
  'actors',
  'transports',
  'hosts',
  'monitor',
] as const;

/** A part of a day on some days of the week, in a zone's own time. */
export interface Window {
  /** Minutes from midnight. */
  readonly from: number;
  readonly to: number;
  /** Bit 0 is Monday. */
  readonly days: number;
  readonly transitions: readonly Transition[];
}

type About =
  /** Accounts by name, to be looked up on the machine that compiles, and by number. */
  | { readonly kind: 'uids' | 'gids' | 'auids'; readonly names: readonly string[]; readonly ids: readonly number[] }
  | { readonly kind: TextKind; readonly globs: readonly Glob[] }
  | { readonly kind: 'kinds'; readonly kinds: readonly string[] }
  | { readonly kind: 'readOnly'; readonly value: boolean }
  /** Those under `not` only. */
  | { readonly kind: 'argument'; readonly test: ArgumentCondition }
  | { readonly kind: 'parameter'; readonly test: ParameterCondition }
  | { readonly kind: 'time'; readonly windows: readonly Window[] }
  | { readonly kind: 'xmlFact'; readonly fact: string; readonly test: Comparison }
  | { readonly kind: 'xpath'; readonly expression: string }
  | { readonly kind: 'reason' }
  | { readonly kind: 'rate'; readonly calls: number; readonly seconds: number; readonly per: 'subject' | 'host' };

export type Condition = About & {
  readonly negated: boolean;
  /** Where it stands in the rule. */
  readonly steps: Path;
};

/** Cheap ones first, what counts calls last. Stable. */
export function sortByCost(conditions: readonly Condition[]): Condition[] {
  const cost = ({ kind }: Condition) => conditionKinds.indexOf(kind satisfies ConditionKind);
  return [...conditions].sort((a, b) => cost(a) - cost(b));
}
