/** Rules that come to nothing because others come first. */
import type { Coverage } from './action.js';
import { holdsWherever, RuleIndex, uncovered } from './implication.js';
import type { Rule } from './rule.js';

/** The rules of a policy that may leave nothing to another one, by what they do. */
export class Shadows {
  private readonly denying: RuleIndex;
  private readonly recording: RuleIndex;
  private readonly allowing: RuleIndex;

  constructor(rules: readonly Rule[]) {
    const some = (wanted: (rule: Rule) => boolean) =>
      new RuleIndex(rules.filter((rule) => rule.coverage.size > 0 && wanted(rule)));
    this.denying = some(({ effect, mode }) => effect === 'deny' && mode === 'enforcing');
    this.recording = some(({ effect, mode }) => effect === 'deny' && mode === 'permissive');
    this.allowing = some(({ effect }) => effect === 'allow');
  }

  /** Why the rule comes to nothing; undefined where it may well decide. */
  over(rule: Rule): string | undefined {
    if (rule.coverage.size === 0) return undefined;
    const isEarlier = (other: Rule) => other.index < rule.index;
    // A later deny rule does not take the decision from an earlier one.
    const denied = strongerThan(rule, this.denying, rule.effect === 'allow' ? () => true : isEarlier);
    if (denied !== undefined) return `never decides: all that it covers is denied by ${denied}`;
    if (rule.effect === 'deny') {
      const recorded = rule.mode === 'permissive' && strongerThan(rule, this.recording, isEarlier);
      return recorded ? `is never recorded: all that it covers would be denied by ${recorded}` : undefined;
    }
    const allowed = strongerThan(rule, this.allowing, isBound(rule) ? () => true : isEarlier);
    return allowed && `changes nothing: all that it covers is allowed by ${allowed}`;
  }
}

// The rules that together leave nothing of this one, by their ids.
function strongerThan(rule: Rule, index: RuleIndex, comesFirst: (other: Rule) => boolean): string | undefined {
  const stronger: Rule[] = [];
  let left = rule.coverage;
  for (const other of index.wider(rule)) {
    if (other === rule || !comesFirst(other) || !overlaps(left, other.coverage) || !holdsWherever(other, rule))
      continue;
    stronger.push(other);
    left = uncovered(left, other.coverage);
    if (left.size === 0) return stronger.map(({ id }) => `\`${id}\``).join(', ');
  }
  return undefined;
}

// What it asks for is asked in vain where another rule, earlier or later, allows the same without.
function isBound(rule: Rule): boolean {
  return rule.conditions.some(({ kind }) => kind === 'reason' || kind === 'rate');
}

function overlaps(a: Coverage, b: Coverage): boolean {
  for (const [id, checks] of a) if (((b.get(id) ?? 0) & checks) !== 0) return true;
  return false;
}
