/** The conditions of a rule as they are written, and rules without some of them. */
import type { RuleDocument } from './document.js';
import type { Rule } from './rule.js';
import type { Source } from './source.js';

export interface WrittenCondition {
  /** `subjects.not.executables`, `arguments.memory`, `rate` */
  readonly condition: string;
  /** As it stands in the file. */
  readonly wanted: unknown;
}

const blocks = ['subjects', 'connections', 'resources', 'arguments', 'xml', 'monitor'] as const;
const whole = ['times', 'rate', 'require'] as const;

export function conditionsOf(rule: Rule): WrittenCondition[] {
  const document = documentOf(rule);
  return [
    ...blocks.flatMap((block) => conditionsIn(block, document[block] ?? {})),
    ...whole.flatMap((name) => (document[name] === undefined ? [] : [{ condition: name, wanted: document[name] }])),
  ];
}

/** The rule without the conditions that `leaves` picks by their place: it holds wherever the rest does. */
export function without(rule: Rule, leaves: (condition: string) => boolean): Rule {
  const kept = <T>(condition: string, values: readonly T[]) => (leaves(condition) ? [] : values);
  return {
    ...rule,
    uris: kept('connections.uris', rule.uris),
    drivers: kept('connections.drivers', rule.drivers),
    readOnly: leaves('connections.readOnly') ? undefined : rule.readOnly,
    kinds: kept('resources.kinds', rule.kinds),
    names: kept('resources.names', rule.names),
    uuids: kept('resources.uuids', rule.uuids),
    arguments: rule.arguments.filter(({ name }) => !leaves(`arguments.${name}`)),
    conditions: rule.conditions.filter(({ steps }) => !leaves(steps.join('.'))),
  };
}

function conditionsIn(block: string, written: object): WrittenCondition[] {
  const { not = {}, ...conditions } = written as { readonly not?: object };
  const list = (at: string, of: object) =>
    Object.entries(of).map(([name, wanted]) => ({ condition: `${at}.${name}`, wanted }));
  return [...list(block, conditions), ...list(`${block}.not`, not)];
}

const documents = new WeakMap<Source, unknown>();

export function documentOf({ source, path }: Rule): RuleDocument {
  if (!documents.has(source)) documents.set(source, source.value);
  const at = (value: unknown, step: string | number) => (value as Record<string | number, unknown>)[step];
  return path.reduce(at, documents.get(source)) as RuleDocument;
}
