/** Policies that tools write, as people would. */
import type { PolicyDocument, RuleDocument } from './document.js';

/** A rule whose operands may be integers that a number of JavaScript cannot hold. */
export type RuleDraft = Omit<RuleDocument, 'arguments'> & {
  readonly arguments?: Readonly<Record<string, ComparisonDraft>>;
};
export type ComparisonDraft = Readonly<Partial<Record<Operator, OperandDraft | readonly OperandDraft[]>>>;
export type OperandDraft = number | bigint | string | boolean;
type Operator = keyof NonNullable<RuleDocument['arguments']>[string];

export type PolicyDraft = Omit<PolicyDocument, 'rules'> & { readonly rules: readonly RuleDraft[] };

const width = 120;

/** JSON that is indented by two, with short lists and objects on one line. Integers of any size are exact. */
export function policyText(policy: PolicyDraft): string {
  return `${lines(policy, '')}\n`;
}

function lines(value: unknown, indent: string): string {
  const flat = flatText(value);
  const isRule = typeof value === 'object' && value !== null && 'id' in value;
  if (indent !== '' && !isRule && indent.length + flat.length < width - 20) return flat;
  const inner = `${indent}  `;
  if (Array.isArray(value))
    return block(
      '[',
      value.map((item) => lines(item, inner)),
      ']',
      indent,
    );
  if (typeof value !== 'object' || value === null) return flat;
  const members = entriesOf(value).map(([key, member]) => `${JSON.stringify(key)}: ${lines(member, inner)}`);
  return block('{', members, '}', indent);
}

function block(open: string, items: readonly string[], close: string, indent: string): string {
  if (items.length === 0) return `${open}${close}`;
  return `${open}\n${items.map((item) => `${indent}  ${item}`).join(',\n')}\n${indent}${close}`;
}

function flatText(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(flatText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = entriesOf(value).map(([key, member]) => `${JSON.stringify(key)}: ${flatText(member)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

function entriesOf(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, member]) => member !== undefined);
}
