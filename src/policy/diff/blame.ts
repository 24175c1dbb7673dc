/** Which part of two policies makes a difference: the one that, undone alone, undoes it, or that alone makes it. */
import { writeImage } from '../compile.js';
import type { Request } from '../evaluate.js';
import type { Policy } from '../load.js';
import type { PartDetails } from './parts.js';
import { type Judged, judge, type Side } from './side.js';
import type { Numbers } from './values.js';

/** A call, and what both policies say about it. */
export interface Change {
  readonly call: Request;
  readonly before: Judged;
  readonly after: Judged;
}

/** Those of the changes that are due to the part. */
export function dueTo<T extends Change>(
  changes: readonly T[],
  part: PartDetails,
  before: Side,
  after: Side,
  accounts: Numbers,
): T[] {
  if (changes.length === 0) return [];
  const [old, now] = [before.source?.policy, after.source?.policy];
  if (old === undefined || now === undefined)
    return changes.filter((change) => isNamed(part, change, now === undefined));
  const calls = changes.map(({ call }) => call);
  const undone = judge(sideOf(transplant(now, old, part), accounts), calls);
  const alone = judge(sideOf(transplant(old, now, part), accounts), calls);
  return changes.filter(
    (change, index) =>
      undone[index]?.verdict === change.before.verdict || alone[index]?.verdict === change.after.verdict,
  );
}

// Of an image nobody knows the rules: what the other policy names has to do.
function isNamed({ what, id }: PartDetails, { before, after }: Change, imageIsNew: boolean): boolean {
  const { rule } = imageIsNew ? before : after;
  return what === 'mode' || (what === 'rule' ? rule === id : rule === null);
}

function sideOf(policy: Policy, { users, groups }: Numbers): Pick<Side, 'image' | 'mode'> {
  return { image: writeImage(policy, { users, groups }), mode: policy.mode };
}

/** The policy with this part as the other one has it. */
function transplant(policy: Policy, other: Policy, { what, id }: PartDetails): Policy {
  if (what === 'mode') return { ...policy, mode: other.mode };
  if (what === 'default') {
    const set = id as keyof Policy['defaults'];
    return { ...policy, defaults: { ...policy.defaults, [set]: other.defaults[set] } };
  }
  const rest = policy.rules.filter((rule) => rule.id !== id);
  const rules = [...rest, ...other.rules.filter((rule) => rule.id === id)];
  return { ...policy, rules: rules.map((rule, index) => ({ ...rule, index })) };
}
