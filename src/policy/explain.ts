/** Why a call is decided as it is: the rules that came close, what is not known, and what more would decide. */
import { defaultTrail } from '../folders.js';
import { functionsByName } from '../generated/api.js';
import type { NativeExplainedRule, NativeFailedCondition } from '../native.js';
import type { TrailRecord } from '../trail/record.js';
import { type CallDocument, requestOf } from './call.js';
import { writeImage } from './compile.js';
import type { Effect, Mode } from './document.js';
import { type Decision, evaluateAll, explainCall, type Request } from './evaluate.js';
import { type NameService, systemNames } from './name_service.js';
import { accountsIn, strangerTo } from './named_accounts.js';
import { type Need, needsOf } from './needs.js';
import { findRecord, requestOfRecord } from './recorded_call.js';
import type { Rule } from './rule.js';
import { placeOf, type RulePlace, type UsablePolicy, usablePolicy } from './usable_policy.js';

export type { Need } from './needs.js';

export interface Explanation {
  readonly policy: { readonly name: string; readonly file: string; readonly mode: Mode };
  /** The call as it was judged. */
  readonly call: Request;
  /** What the policy makes of it in its mode: one that is not enforcing refuses nothing. */
  readonly verdict: 'permitted' | 'would-deny' | 'denied';
  readonly decision: Decision;
  /** The rule that decided. */
  readonly decidedBy: ExplainedRule | null;
  readonly needs: readonly ExplainedNeed[];
  /** Every rule that covers something the call needs, as they stand in the policy. */
  readonly rules: readonly ExplainedRule[];
  /** Facts that are not known and could change the decision, with the rules that ask for them. */
  readonly undecided: readonly UndecidedFact[];
  /** Where no user was told: who would be judged otherwise than somebody whom no rule names. */
  readonly otherwise: readonly OtherSubject[];
  /** What a call like it has to bring along. */
  readonly obligations: readonly 'reason'[];
  /** What the reader has to know about how the call was made up. */
  readonly notes: readonly string[];
}

export interface ExplainedNeed extends Need {
  /** Ids of the allow rules that hold and cover it. */
  readonly allowedBy: readonly string[];
}

export interface ExplainedRule extends NativeExplainedRule, RulePlace {
  readonly description: string | undefined;
  /** What a deny rule that holds only assumes: the first fact that is not known. */
  readonly assumed: NativeFailedCondition | null;
}

export interface UndecidedFact {
  /** As in a rule: `connections.uris`. */
  readonly fact: string;
  readonly rules: readonly string[];
}

export interface OtherSubject {
  readonly kind: 'user' | 'group';
  /** By name, where the policy has it by name. */
  readonly account: string | number;
  readonly effect: Effect;
}

export interface ExplainOptions {
  /** Who is who; this machine's name service unless told. */
  readonly names?: NameService;
}

/**
 * Explains what a policy says about a call. Throws VIRTSHIM_FILE or VIRTSHIM_POLICY_MEANING where the policy cannot be
 * used, VIRTSHIM_USAGE where the call makes no sense.
 */
export function explain(file: string, call: CallDocument, options: ExplainOptions = {}): Explanation {
  const usable = usablePolicy(file, options.names);
  const request = requestOf(call, options.names ?? systemNames());
  return explainRequest(usable, request, argumentNotes(request));
}

/**
 * Explains what a policy says about a call that was recorded, whichever policy judged it then. `trail` is the folder.
 * Throws VIRTSHIM_TRAIL_MISSING where there is no such trail, VIRTSHIM_USAGE where it has no such record.
 */
export async function explainRecord(
  file: string,
  recordId: string,
  trail: string = defaultTrail(),
  options: ExplainOptions = {},
): Promise<Explanation & { readonly record: TrailRecord }> {
  const usable = usablePolicy(file, options.names);
  const record = await findRecord(trail, recordId);
  const { request, notes } = requestOfRecord(record, options.names ?? systemNames());
  return { ...explainRequest(usable, request, notes), record };
}

function argumentNotes({ function: name, arguments: given = {} }: Request): string[] {
  const left = (functionsByName.get(name)?.args ?? []).filter(
    (arg) => !['Object', 'Out', 'Callback', 'Opaque'].includes(arg.type) && !(arg.name in given),
  );
  if (left.length === 0) return [];
  return [`arguments that were not given are 0 or NULL: ${left.map((arg) => arg.name).join(', ')}`];
}

function groupNotes(usable: UsablePolicy, { uid, gids }: Request): string[] {
  const told = uid === undefined || gids !== undefined || accountsIn(usable).every(({ kind }) => kind === 'user');
  return told ? [] : ['no groups were told: the caller is taken to be in none'];
}

/** The same for a request and a policy that is compiled already. */
export function explainRequest(usable: UsablePolicy, request: Request, notes: readonly string[] = []): Explanation {
  const { policy, image } = usable;
  // Where nobody is told, somebody whom no rule names: 0 would be root.
  const known = request.uid !== undefined;
  const judged = known ? request : { ...request, uid: strangerTo(usable), gids: request.gids ?? [] };
  const { decision, rules } = explainCall(image, judged);
  const assumptions = assumptionsOf(usable, judged);
  const explained = rules.map((one) => explainRule(usable, one, assumptions.get(one.rule) ?? null));
  const otherwise = known ? [] : othersThan(usable, judged, decision.effect);
  return {
    policy: { name: policy.name, file: policy.source.file, mode: policy.mode },
    call: request,
    verdict: verdictOf(policy.mode, decision),
    decision,
    decidedBy: explained.find(({ rule }) => rule === decision.rule) ?? null,
    needs: needsOf(policy, judged).map((need) => ({ ...need, allowedBy: allowing(need, explained) })),
    rules: explained,
    undecided: undecidedFacts(decision, explained),
    otherwise,
    obligations: decision.reasonMissing ? ['reason'] : [],
    notes: [...notes, ...groupNotes(usable, request)],
  };
}

export function verdictOf(mode: Mode, { effect, wouldDeny }: Decision): Explanation['verdict'] {
  if (mode === 'disabled') return 'permitted';
  if (effect === 'allow') return wouldDeny === null ? 'permitted' : 'would-deny';
  return mode === 'enforcing' ? 'denied' : 'would-deny';
}

function explainRule(
  usable: UsablePolicy,
  one: NativeExplainedRule,
  assumed: NativeFailedCondition | null,
): ExplainedRule {
  const rule = usable.policy.rules.find(({ id }) => id === one.rule);
  if (rule === undefined) throw new RangeError(`no rule ${one.rule}`);
  const failed = one.failed && withNames(one.failed, usable);
  const supposed = one.holds && assumed ? withNames(assumed, usable) : null;
  return { ...one, ...placeOf(rule), failed, description: rule.description, assumed: supposed };
}

// The evaluator knows accounts by number only.
function withNames(failed: NativeFailedCondition, usable: UsablePolicy): NativeFailedCondition {
  const [, block, last] = /^(subjects\.(?:not\.)?)(uids|groups)$/.exec(failed.condition) ?? [];
  if (block === undefined) return failed;
  const kind = last === 'uids' ? 'user' : 'group';
  const named = new Map(accountsIn(usable).flatMap((one) => (one.kind === kind ? [[one.id, one.name]] : [])));
  const wanted = failed.wanted.map((id) => named.get(Number(id)) ?? id);
  const byName = kind === 'user' && wanted.some((account) => typeof account === 'string');
  return { ...failed, wanted, condition: byName ? `${block}users` : failed.condition };
}

// What is not known lets deny rules hold and allow rules fail: asked as allow rules, they say what they assumed.
function assumptionsOf({ policy, accounts }: UsablePolicy, request: Request): Map<string, NativeFailedCondition> {
  const asAllow = policy.rules.map((rule): Rule => (rule.effect === 'deny' ? { ...rule, effect: 'allow' } : rule));
  const { rules } = explainCall(writeImage({ ...policy, rules: asAllow }, accounts), request);
  const denied = new Set(policy.rules.filter(({ effect }) => effect === 'deny').map(({ id }) => id));
  return new Map(
    rules.flatMap(({ rule, failed }) => (denied.has(rule) && failed?.unknown === true ? [[rule, failed]] : [])),
  );
}

function allowing({ permission }: Need, rules: readonly ExplainedRule[]): string[] {
  const covers = ({ permissions }: ExplainedRule) => permission === null || permissions.includes(permission);
  return rules.filter((one) => one.effect === 'allow' && one.holds && covers(one)).map(({ rule }) => rule);
}

// Where the call is allowed, or refused by a rule that assumes nothing, no fact can change it.
function undecidedFacts({ effect }: Decision, rules: readonly ExplainedRule[]): UndecidedFact[] {
  const certain = (one: ExplainedRule) => one.effect === 'deny' && one.holds && one.assumed === null && !one.permissive;
  if (effect === 'allow' || rules.some(certain)) return [];
  const facts = new Map<string, string[]>();
  for (const { rule, failed, assumed } of rules) {
    const condition = assumed ?? (failed?.unknown === true ? failed : null);
    if (condition === null) continue;
    const fact = condition.condition.replace('.not.', '.');
    facts.set(fact, [...(facts.get(fact) ?? []), rule]);
  }
  return [...facts].map(([fact, of]) => ({ fact, rules: of }));
}

function othersThan(usable: UsablePolicy, judged: Request, effect: Effect): OtherSubject[] {
  const named = accountsIn(usable);
  const requests = named.map(({ kind, id }) =>
    kind === 'user' ? { ...judged, uid: id } : { ...judged, gids: [...(judged.gids ?? []), id] },
  );
  const decisions = evaluateAll(usable.image, requests);
  return named.flatMap(({ kind, id, name }, index) => {
    const other = decisions[index]?.effect ?? effect;
    return other === effect ? [] : [{ kind, account: name ?? id, effect: other }];
  });
}
