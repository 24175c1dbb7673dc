/** What each function leaves in the trail when it is permitted. */
import { type ApiFunction, functions } from '../generated/api.js';
import { type Action, actionKinds, matchesNothing, resolveAction } from './action.js';
import type { AuditLevel } from './document.js';
import { setOf } from './sets.js';
import type { Complaint, Path } from './source.js';

/** In the order of the image's numbers, which is that of how much is recorded. */
export const auditLevels: readonly AuditLevel[] = ['none', 'response', 'request-response'];

/** The level of a function that no action of `audit.levels` covers. */
export function defaultLevel(fn: ApiFunction): AuditLevel {
  return fn.stateChanging ? 'request-response' : 'none';
}

/** Levels by function id. The most specific action decides; between equals, the one that records more. */
export function resolveAuditLevels(
  levels: Readonly<Record<string, AuditLevel>>,
  complain: (path: Path, complaint: Complaint) => void,
): readonly AuditLevel[] {
  const result = functions.map(defaultLevel);
  const entries = Object.entries(levels).flatMap(([text, level]) => {
    const resolved = resolveAction(text);
    if ('action' in resolved) {
      if (resolved.action.coverage.size === 0) complain(['audit', 'levels', text], matchesNothing(text));
      return [{ action: resolved.action, level }];
    }
    complain(['audit', 'levels', text], { ...resolved.complaint, atKey: true });
    return [];
  });
  entries.sort((a, b) => specificity(b.action) - specificity(a.action) || rank(a.level) - rank(b.level));
  for (const { action, level } of entries) {
    for (const fn of functions) if (concerns(action, fn)) result[fn.id] = level;
  }
  return result;
}

// A level is one for all calls of a function: `secret` does not mean every reader of XML that could ask for passwords.
function concerns(action: Action, fn: ApiFunction): boolean {
  return action.kind === 'set' ? setOf(fn) === action.text : action.coverage.has(fn.id);
}

// Higher is more general.
function specificity(action: Action): number {
  return actionKinds.indexOf(action.kind);
}

function rank(level: AuditLevel): number {
  return auditLevels.indexOf(level);
}
