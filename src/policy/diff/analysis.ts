/** Calls whose verdict changes, found without any traffic. */
import { type ApiFunction, functionsByName } from '../../generated/api.js';
import type { Request } from '../evaluate.js';
import { explainCommand } from '../explain_command.js';
import { groupBy } from '../group_by.js';
import { accountsIn } from '../named_accounts.js';
import type { UsablePolicy } from '../usable_policy.js';
import { type Change, dueTo } from './blame.js';
import { type Candidate, candidatesFor, type Material, representativesAmong } from './candidates.js';
import type { Part, PartDetails } from './parts.js';
import { type Judged, judge, type Side } from './side.js';
import { type Numbers, valuesIn } from './values.js';

/** A call whose verdict changes because of a part in which the policies differ. */
export interface Counterexample {
  readonly part: Part;
  /** As it stands in the rule. */
  readonly action: string;
  /** As cases have it, too. */
  readonly call: Request;
  /** A command line that explains the call, all of it but the contents of XML. */
  readonly command: string;
  readonly before: Judged;
  readonly after: Judged;
}

export interface Analysis {
  readonly counterexamples: readonly Counterexample[];
  /** Parts that change the verdict of no call that was tried or recorded. */
  readonly withoutEffect: readonly Part[];
  /** How many calls were tried. */
  readonly tried: number;
}

// Some 15 microseconds each, for each of the two policies.
const budget = 60_000;
const most = 400;
const least = 12;

/** `recorded` are calls of the traffic whose verdict changes: what they show needs no made-up call. */
export function analyse(
  before: Side,
  after: Side,
  parts: readonly PartDetails[],
  recorded: readonly Change[],
): Analysis {
  const search = new Search(before, after, parts);
  const found = groupBy(search.changes(), ({ question }) => question.part);
  const counterexamples: Counterexample[] = [];
  const withoutEffect: Part[] = [];
  for (const part of parts) {
    const mine = found.get(part) ?? [];
    const concerned = new Set(part.actions.flatMap(({ functions }) => functions));
    const shown = recorded.filter(({ call }) => concerned.has(functionsByName.get(call.function)?.id ?? -1));
    const due = new Set(dueTo<Change>([...mine, ...shown], part, before, after, search.accounts));
    if (due.size === 0) withoutEffect.push(plainPart(part));
    const directions = new Set(shown.filter((change) => due.has(change)).map(directionOf));
    const unseen = mine.filter((change) => due.has(change) && !directions.has(directionOf(change)));
    counterexamples.push(...plainest(unseen).map((change) => search.counterexample(change)));
  }
  // Where one is an image nobody knows in which parts they differ.
  const known = before.source !== undefined && after.source !== undefined;
  return { counterexamples, withoutEffect: known ? withoutEffect : [], tried: search.tried };
}

const directionOf = ({ before, after }: Change): string => `${before.verdict} ${after.verdict}`;

function plainPart({ what, id, change }: PartDetails): Part {
  return { what, id, change };
}

/** What is looked for: a call with this action that the part makes a difference to. */
interface Question {
  readonly part: PartDetails;
  readonly action: string;
  readonly functions: readonly ApiFunction[];
}

interface FoundChange extends Change {
  readonly question: Question;
  readonly oddity: number;
}

/** Of each question and direction one. */
function plainest(changes: readonly FoundChange[]): FoundChange[] {
  const kinds = groupBy(changes, (change) => `${change.question.action} ${directionOf(change)}`);
  return [...kinds.values()].map((kind) => kind.reduce((best, one) => (one.oddity < best.oddity ? one : best)));
}

const batch = 4000;
// Of many that are alike: they are judged by two more policies each to find out who is to blame.
const mostAlike = 25;

class Search {
  tried = 0;
  readonly accounts: Numbers;
  private readonly stranger: number;
  private readonly all: Material['all'];
  private readonly questions: readonly Question[];
  /** How many calls of each function are tried. */
  private readonly each: number;

  constructor(
    private readonly before: Side,
    private readonly after: Side,
    parts: readonly PartDetails[],
  ) {
    const sources = [before, after].flatMap(({ source }) => source ?? []);
    const rules = sources.flatMap(({ policy }) => policy.rules);
    this.accounts = {
      users: new Map(sources.flatMap(({ accounts }) => [...accounts.users])),
      groups: new Map(sources.flatMap(({ accounts }) => [...accounts.groups])),
    };
    this.stranger = strangerTo(sources);
    this.all = valuesIn(rules, this.accounts, this.stranger);
    const differing = representativesAmong(rules);
    this.questions = parts.flatMap((part) =>
      part.actions.map(({ action, functions }) => ({ part, action, functions: differing(functions) })),
    );
    const functionCount = this.questions.reduce((sum, { functions }) => sum + functions.length, 0);
    this.each = Math.max(least, Math.min(most, Math.floor(budget / Math.max(1, functionCount))));
  }

  /** The plainest calls whose verdict changes, whatever the reason. */
  changes(): FoundChange[] {
    const found: FoundChange[] = [];
    let waiting: Asked[] = [];
    for (const question of this.questions) {
      waiting.push(...this.candidates(question).map((candidate) => ({ question, candidate })));
      if (waiting.length < batch) continue;
      found.push(...this.judged(waiting));
      waiting = [];
    }
    return [...found, ...this.judged(waiting)];
  }

  counterexample({ question: { part, action }, call, before, after }: FoundChange): Counterexample {
    const { groups } = this.accounts;
    const file = this.after.source === undefined ? this.before.file : this.after.file;
    const command = explainCommand(file, call, (gid) => [...groups].find(([, known]) => known === gid)?.[0]);
    return { part: plainPart(part), action, call, command, before, after };
  }

  private candidates({ part, functions }: Question): Candidate[] {
    const own = valuesIn(part.rules, this.accounts, this.stranger);
    const material = { own, all: this.all, stranger: this.stranger };
    return functions.flatMap((fn) => candidatesFor(fn, material, this.each));
  }

  private judged(asked: readonly Asked[]): FoundChange[] {
    this.tried += asked.length;
    const calls = asked.map(({ candidate }) => candidate.request);
    const [old, now] = [judge(this.before, calls), judge(this.after, calls)];
    const changes = asked.flatMap(({ question, candidate: { request: call, oddity } }, index): FoundChange[] => {
      const [before, after] = [old[index], now[index]];
      const differs = before !== undefined && after !== undefined && before.verdict !== after.verdict;
      return differs ? [{ question, call, oddity, before, after }] : [];
    });
    const questions = groupBy(changes, ({ question }) => question);
    return [...questions.values()].flatMap((some) =>
      [...groupBy(some, directionOf).values()].flatMap((alike) =>
        alike.sort((a, b) => a.oddity - b.oddity).slice(0, mostAlike),
      ),
    );
  }
}

interface Asked {
  readonly question: Question;
  readonly candidate: Candidate;
}

/** A number that no rule has. */
function strangerTo(sources: readonly UsablePolicy[]): number {
  const named = new Set(sources.flatMap((source) => accountsIn(source).map(({ id }) => id)));
  let stranger = 60_000;
  while (named.has(stranger)) stranger++;
  return stranger;
}
