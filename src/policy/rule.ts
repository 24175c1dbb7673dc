/** One rule with its words resolved. */
import { type Action, type Coverage, resolveAction, unite } from './action.js';
import { type ArgumentCondition, resolveArguments } from './argument.js';
import type { Effect, RuleDocument } from './document.js';
import { drivers } from './drivers.js';
import { exactGlob, type Glob, globProblem, parseGlob } from './glob.js';
import type { Complaint, Path, Source } from './source.js';
import { suggest } from './suggest.js';

export interface Rule {
  readonly index: number;
  readonly id: string;
  readonly description: string | undefined;
  readonly effect: Effect;
  readonly actions: readonly Action[];
  /** Function id -> the checks that the rule covers; only functions that take the arguments of its comparisons. */
  readonly coverage: Coverage;
  /** What the actions alone cover. */
  readonly actionCoverage: Coverage;
  /** Accounts by name, to be looked up on the machine that compiles. */
  readonly users: readonly string[];
  readonly uids: readonly number[];
  readonly groups: readonly string[];
  readonly uris: readonly Glob[];
  readonly drivers: readonly Glob[];
  readonly readOnly: boolean | undefined;
  readonly kinds: readonly string[];
  readonly names: readonly Glob[];
  readonly uuids: readonly Glob[];
  readonly arguments: readonly ArgumentCondition[];
}

type Complain = (path: Path, complaint: Complaint) => void;

export function resolveRule(source: Source, index: number, document: RuleDocument, complain: Complain): Rule {
  const path: Path = ['rules', index];
  const actions = resolveActions([...path, 'actions'], document.actions, complain);
  const actionCoverage = unite(actions.map((action) => action.coverage));
  const args = document.arguments;
  const resolved =
    args === undefined || actionCoverage.size === 0
      ? { conditions: [], coverage: actionCoverage }
      : resolveArguments(source, [...path, 'arguments'], args, actionCoverage, complain);
  const { subjects, connections, resources } = document;
  return {
    ...{ index, id: document.id, description: document.description, effect: document.effect, actions, actionCoverage },
    ...{ coverage: resolved.coverage, arguments: resolved.conditions },
    ...{ users: subjects?.users ?? [], uids: subjects?.uids ?? [], groups: subjects?.groups ?? [] },
    uris: globs([...path, 'connections', 'uris'], connections?.uris, complain),
    drivers: checkDrivers([...path, 'connections', 'drivers'], connections?.drivers ?? [], complain),
    readOnly: connections?.readOnly,
    kinds: resources?.kinds ?? [],
    names: globs([...path, 'resources', 'names'], resources?.names, complain),
    uuids: (resources?.uuids ?? []).map((uuid) => exactGlob(uuid.toLowerCase())),
  };
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

function globs(path: Path, texts: readonly string[] | undefined, complain: Complain): Glob[] {
  return (texts ?? []).flatMap((text, index) => {
    const problem = globProblem(text);
    if (problem === undefined) return [parseGlob(text)];
    complain([...path, index], { code: 'bad-glob', message: problem });
    return [];
  });
}

// A driver that does not exist is a misspelling: a deny rule that never matches would go unnoticed.
function checkDrivers(path: Path, names: readonly string[], complain: Complain): Glob[] {
  return names.map((name, index) => {
    if (!drivers.has(name)) {
      const suggestion = suggest(name, drivers);
      complain([...path, index], { code: 'unknown-driver', message: `unknown driver \`${name}\``, suggestion });
    }
    return exactGlob(name);
  });
}
