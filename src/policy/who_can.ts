/** Who may do something, by which rules, and on what it depends. */
import { functionsByName } from '../generated/api.js';
import type { NativeExplainedRule, NativeRequest } from '../native.js';
import type { CallDocument } from './call.js';
import { writeImage } from './compile.js';
import type { Effect, Mode } from './document.js';
import { explainCall } from './evaluate.js';
import { type NameService, systemNames } from './name_service.js';
import type { Need } from './needs.js';
import { sightOf } from './resource_sight.js';
import type { Rule } from './rule.js';
import { conditionsOf, type WrittenCondition, without } from './rule_conditions.js';
import { placeOf, type RulePlace, type UsablePolicy, usablePolicy } from './usable_policy.js';
import { type CallForm, callsOf } from './who_can_calls.js';
import { type Subject, subjectsOf } from './who_can_subjects.js';
import { xmlArgumentOf } from './xml_argument.js';

export type { Subject } from './who_can_subjects.js';

export interface WhoCan {
  readonly policy: { readonly name: string; readonly file: string; readonly mode: Mode };
  readonly action: string;
  /** The calls that the action stands for, together where the answer is the same. */
  readonly answers: readonly Answer[];
}

export interface Answer {
  readonly calls: readonly AnsweredCall[];
  readonly needs: readonly Need[];
  readonly who: readonly SubjectAnswer[];
}

export interface AnsweredCall {
  readonly function: string;
  /** Flags that make the call need what it does. */
  readonly arguments: Readonly<Record<string, bigint>>;
}

export interface SubjectAnswer {
  readonly subject: Subject;
  /** depends: on what was not told, and the rules ask for. */
  readonly may: 'always' | 'depends' | 'never';
  /** Allow rules that hold, whatever else is the case or where their open conditions do. */
  readonly allowedBy: readonly RuleUse[];
  /** Deny rules, likewise. */
  readonly deniedBy: readonly RuleUse[];
  /** What defaults allow without a rule; null for a call that needs no permission. */
  readonly allowedByDefault: readonly (string | null)[];
  /** What nothing allows. */
  readonly lacking: readonly (string | null)[];
}

export interface RuleUse extends RulePlace {
  readonly rule: string;
  /** Conditions on what was not told. Without any, the rule holds. */
  readonly open: readonly WrittenCondition[];
}

export interface WhoCanOptions {
  /** What is known of the call but its caller; all that is left out is open. */
  readonly call?: Omit<CallDocument, 'function' | 'user' | 'uid' | 'groups' | 'gids'>;
  readonly names?: NameService;
}

/**
 * Says who may do what the action covers (a permission, a function, a set, a glob over either): every user and group
 * that the policy names, the members of those groups where they differ, and everyone else.
 * @throws VirtshimError where the policy cannot be used, there is no such action, or the call makes no sense
 */
export function whoCan(file: string, action: string, options: WhoCanOptions = {}): WhoCan {
  const usable = usablePolicy(file, options.names);
  const names = options.names ?? systemNames();
  const { policy } = usable;
  const judge = new Judge(usable, subjectsOf(usable, names));
  const answers = callsOf(action, options.call ?? {}, policy, names).map((form) => judge.answer(form));
  return {
    policy: { name: policy.name, file: policy.source.file, mode: policy.mode },
    action,
    answers: together(answers),
  };
}

type Opens = (condition: string) => boolean;

class Judge {
  private readonly images = new Map<string, { readonly firm: Uint8Array; readonly possible: Uint8Array }>();

  constructor(
    private readonly usable: UsablePolicy,
    private readonly subjects: readonly Subject[],
  ) {}

  answer({ request, added, needs }: CallForm): Answer {
    const opens = openConditions(request);
    const judged = { ...request, arguments: { ...request.arguments, ...added } };
    const all = this.subjects.map((subject) => this.about(subject, judged, needs, opens));
    const who = all.filter(({ subject }, index) => subject.kind !== 'user' || differs(all, index));
    return { calls: [{ function: request.function, arguments: added }], needs, who };
  }

  // Two questions frame all that is open: what is certain, and what is possible.
  private about(subject: Subject, call: NativeRequest, needs: readonly Need[], opens: Opens): SubjectAnswer {
    const request = { ...call, uid: subject.uid, gids: subject.gids };
    const { firm, possible } = this.imagesFor(opens);
    const certain = explainCall(firm, request);
    const best = explainCall(possible, request);
    const may = certain.decision.effect === 'allow' ? 'always' : best.decision.effect === 'deny' ? 'never' : 'depends';
    const allowing = holding(best.rules, 'allow');
    const uncovered = needs.filter(({ permission }) => !allowing.some((rule) => coversNeed(rule, permission)));
    return {
      ...{ subject, may, allowedBy: this.uses(allowing, opens) },
      deniedBy: this.uses(holding(certain.rules, 'deny'), opens),
      allowedByDefault: uncovered.flatMap(({ permission, byDefault }) => (byDefault === 'allow' ? [permission] : [])),
      lacking: uncovered.flatMap(({ permission, byDefault }) => (byDefault === 'deny' ? [permission] : [])),
    };
  }

  private uses(rules: readonly NativeExplainedRule[], opens: Opens): RuleUse[] {
    return rules.flatMap(({ rule: id }) => {
      const rule = this.usable.policy.rules.find((known) => known.id === id);
      if (rule === undefined) return [];
      return [{ rule: id, ...placeOf(rule), open: conditionsOf(rule).filter(({ condition }) => opens(condition)) }];
    });
  }

  private imagesFor(opens: Opens) {
    const { policy, accounts } = this.usable;
    const open = new Set(
      policy.rules.flatMap(conditionsOf).flatMap(({ condition }) => (opens(condition) ? condition : [])),
    );
    const key = [...open].sort().join(' ');
    const known = this.images.get(key);
    if (known !== undefined) return known;
    const image = (holds: Effect) =>
      writeImage(
        { ...policy, rules: policy.rules.map((rule) => settled(rule, opens, rule.effect === holds)) },
        accounts,
      );
    const images = { firm: image('deny'), possible: image('allow') };
    this.images.set(key, images);
    return images;
  }
}

// The rule with its open conditions taken to hold, or, together, not to.
function settled(rule: Rule, opens: Opens, hold: boolean): Rule {
  if (hold) return without(rule, opens);
  return conditionsOf(rule).some(({ condition }) => opens(condition)) ? { ...rule, coverage: new Map() } : rule;
}

function holding(rules: readonly NativeExplainedRule[], effect: Effect): NativeExplainedRule[] {
  return rules.filter((one) => one.effect === effect && one.holds && !one.permissive);
}

function coversNeed({ permissions }: NativeExplainedRule, permission: string | null): boolean {
  return permission === null || permissions.includes(permission);
}

/** Which conditions ask for what the request does not tell. What the shim itself cannot know is not open. */
function openConditions(request: NativeRequest): Opens {
  const { connection = {}, resource = {}, arguments: args = {} } = request;
  const { uri, driver, transport, host, readOnly } = connection;
  const fn = functionsByName.get(request.function);
  const sight = fn && sightOf(fn);
  const told: Readonly<Record<string, unknown>> = {
    'connections.uris': uri,
    'connections.drivers': uri ?? driver,
    'connections.transports': uri ?? transport,
    'connections.hosts': uri ?? host,
    'connections.readOnly': readOnly,
    'resources.names': sight?.name === 'unseen' ? '' : resource.name,
    'resources.uuids': sight?.uuid === 'unseen' ? '' : resource.uuid,
    'monitor.commands': request.monitorCommand ?? args.cmd,
    ...{ times: request.time, rate: request.rateReached, require: request.reason },
    'subjects.auids': request.auid,
    'subjects.executables': request.executable,
    'subjects.commands': request.command,
    'subjects.terminals': request.terminal,
    'subjects.labels': request.label,
    'subjects.actors': request.actor,
  };
  return (condition) => {
    const place = condition.replace('.not.', '.');
    const [block, name = ''] = place.split('.');
    if (block === 'xml') return request.xml === undefined && !((xmlArgumentOf(request.function) ?? '') in args);
    if (block === 'arguments') return !(name in args);
    return place in told && told[place] === undefined;
  };
}

// Members of a group are told apart from it only where another rule concerns them.
function differs(all: readonly SubjectAnswer[], index: number): boolean {
  const one = all[index];
  if (one?.subject.kind !== 'user' || one.subject.named) return true;
  const { gids } = one.subject;
  const groups = all.filter(
    ({ subject }) => subject.kind === 'group' && subject.gids.some((gid) => gids.includes(gid)),
  );
  return !groups.some((group) => keyOf(group) === keyOf(one));
}

function keyOf({ subject: _subject, ...answer }: SubjectAnswer): string {
  return JSON.stringify(answer);
}

function together(answers: readonly Answer[]): Answer[] {
  const found = new Map<string, Answer>();
  for (const answer of answers) {
    const key = JSON.stringify([answer.needs, answer.who]);
    const same = found.get(key);
    found.set(key, same === undefined ? answer : { ...same, calls: [...same.calls, ...answer.calls] });
  }
  return [...found.values()];
}
