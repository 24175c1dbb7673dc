/** One rule with its words resolved. */
import { type ApiFunction, functions } from '../generated/api.js';
import { type Action, type Coverage, resolveAction, unite } from './action.js';
import { type ArgumentCondition, resolveArguments } from './argument.js';
import type { Complain } from './comparison.js';
import { type Condition, sortByCost } from './condition.js';
import type { Diagnostic } from './diagnostic.js';
import type { Effect, Mode, RuleDocument } from './document.js';
import type { Complaint, Path, Source } from './source.js';
import { furtherConditions, type PlainConditions, plainConditions } from './subject.js';
import { resolveTimes } from './times.js';
import { resolveXml } from './xml_condition.js';
import { hasXml } from './xml_facts.js';

export interface Rule extends PlainConditions {
  /** Its place among all rules of the policy. */
  readonly index: number;
  readonly id: string;
  readonly description: string | undefined;
  readonly effect: Effect;
  /** permissive: recorded, not refused; disabled: covers nothing. */
  readonly mode: Mode;
  readonly actions: readonly Action[];
  /** Function id -> the checks that the rule covers; only functions that have what its conditions are about. */
  readonly coverage: Coverage;
  /** What the actions alone cover. */
  readonly actionCoverage: Coverage;
  readonly arguments: readonly ArgumentCondition[];
  /** All other conditions, cheap ones first. */
  readonly conditions: readonly Condition[];
  /** The file that it stands in, and where. */
  readonly source: Source;
  readonly path: Path;
}

/** A diagnostic about a part of the rule, in the file that the rule stands in. */
export function complainAbout(rule: Rule, steps: Path, complaint: Complaint): Diagnostic {
  return rule.source.complain([...rule.path, ...steps], complaint);
}

/** Resolves the rule at `path` of a file, which becomes the policy's rule number `index`. */
export function resolveRule(
  source: Source,
  path: Path,
  index: number,
  document: RuleDocument,
  complain: Complain,
): Rule {
  const actions = resolveActions([...path, 'actions'], document.actions, complain);
  const mode = document.mode ?? 'enforcing';
  const actionCoverage = mode === 'disabled' ? none : unite(actions.map((action) => action.coverage));
  const known = actions.length === document.actions.length && mode !== 'disabled';
  const args = resolveArgumentsOf(source, path, document, unite(actions.map((action) => action.coverage)), complain);
  complainAboutEffect(path, document, complain);
  const conditions = sortByCost([
    ...furtherConditions(path, document, complain),
    ...args.further,
    ...(document.xml === undefined ? [] : resolveXml(source, path, document.xml, complain)),
    ...(document.times === undefined ? [] : resolveTimes(path, document.times, complain)),
    ...obligations(document),
    ...rateOf(document),
  ]);
  return {
    ...{ index, id: document.id, description: document.description, effect: document.effect, mode, actions },
    ...{ actionCoverage, source, path, conditions, arguments: args.conditions },
    coverage: mode === 'disabled' ? none : narrow(path, document, args.coverage, known ? complain : undefined),
    ...plainConditions(path, document, complain),
  };
}

const none: Coverage = new Map();

function resolveArgumentsOf(
  source: Source,
  path: Path,
  { arguments: args }: RuleDocument,
  coverage: Coverage,
  complain: Complain,
) {
  if (args === undefined || coverage.size === 0) return { conditions: [], further: [], coverage };
  return resolveArguments(source, [...path, 'arguments'], args, coverage, complain);
}

// A rule on XML or on a monitor's commands concerns the functions that have such a thing.
function narrow(path: Path, document: RuleDocument, coverage: Coverage, complain: Complain | undefined): Coverage {
  let left = coverage;
  const keep = (key: 'xml' | 'monitor', what: string, has: (fn: ApiFunction) => boolean) => {
    if (document[key] === undefined || left.size === 0) return;
    left = new Map([...left].filter(([id]) => concerns(id, has)));
    if (left.size > 0) return;
    complain?.([...path, key], { code: 'never-matches', message: `none of the rule's functions ${what}`, atKey: true });
  };
  keep('xml', 'takes XML', hasXml);
  keep('monitor', 'takes a monitor command', hasMonitorCommand);
  return left;
}

const monitorFunctions: ReadonlySet<string> = new Set([
  'virDomainQemuMonitorCommand',
  'virDomainQemuMonitorCommandWithFiles',
  'virDomainQemuAgentCommand',
]);

function hasMonitorCommand({ name }: ApiFunction): boolean {
  return monitorFunctions.has(name);
}

function concerns(id: number, has: (fn: ApiFunction) => boolean): boolean {
  const fn = functions[id];
  return fn !== undefined && has(fn);
}

function complainAboutEffect(path: Path, { effect, mode, require }: RuleDocument, complain: Complain): void {
  if (effect === 'allow' && mode === 'permissive') {
    const message = 'an allow rule cannot be permissive: only what a rule refuses can be recorded instead';
    complain([...path, 'mode'], { code: 'wrong-value', message });
  }
  if (effect === 'deny' && require !== undefined) {
    const message = 'a deny rule cannot require anything: let the allow rule require it';
    complain([...path, 'require'], { code: 'wrong-value', message, atKey: true });
  }
}

function obligations({ require }: RuleDocument): Condition[] {
  return require === undefined ? [] : [{ kind: 'reason', steps: ['require'], negated: false }];
}

// An allow rule holds as long as the limit has not been reached.
function rateOf({ rate, effect }: RuleDocument): Condition[] {
  return rate === undefined ? [] : [{ kind: 'rate', steps: ['rate'], ...rate, negated: effect === 'allow' }];
}

/** True where the rule holds for every call of the functions that it covers. */
export function isUnconditional(rule: Rule): boolean {
  return (
    [
      rule.users,
      rule.uids,
      rule.groups,
      rule.uris,
      rule.drivers,
      rule.kinds,
      rule.names,
      rule.uuids,
      rule.arguments,
      rule.conditions,
    ].every((conditions) => conditions.length === 0) && rule.readOnly === undefined
  );
}

function resolveActions(path: Path, texts: readonly string[], complain: Complain): Action[] {
  return texts.flatMap((text, index) => {
    const resolved = resolveAction(text);
    if ('action' in resolved) return [resolved.action];
    complain([...path, index], resolved.complaint);
    return [];
  });
}
