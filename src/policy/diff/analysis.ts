/** Calls whose verdict changes, found without any traffic. */
import { type ApiFunction, functionsByName } from '../../generated/api.js';
import type { Request } from '../evaluate.js';
import { explainCommand } from '../explain_command.js';
import { accountsIn } from '../named_accounts.js';
import type { Rule } from '../rule.js';
import { type Change, dueTo } from './blame.js';
import { type Candidate, candidatesFor, type Material, representatives } from './candidates.js';
import type { Part, PartDetails } from './parts.js';
import { type Judged, judge, type Side } from './side.js';
import type { TrafficDiff } from './traffic.js';
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
const least = 40;

export function analyse(
  before: Side,
  after: Side,
  parts: readonly PartDetails[],
  traffic: TrafficDiff | undefined,
): Analysis {
  const rules = [before, after].flatMap(({ source }) => source?.policy.rules ?? []);
  const questions = parts.flatMap((part) =>
    part.actions.map((action) => ({ part, action, functions: representatives(action.functions, rules) })),
  );
  const functionCount = questions.reduce((sum, { functions }) => sum + functions.length, 0);
  const each = Math.max(least, Math.min(most, Math.floor(budget / Math.max(1, functionCount))));
  const search = new Search(before, after, rules, each);
  const counterexamples: Counterexample[] = [];
  const effective = new Set<PartDetails>();
  for (const { part, action, functions } of questions) {
    const shown = shownBy(traffic, part, action.functions);
    const found = functions.length === 0 ? [] : search.find(part, action.action, functions);
    if (found.length > 0 || shown.length > 0) effective.add(part);
    counterexamples.push(...found.filter((one) => !shown.includes(directionOf(one))));
  }
  // Where one is an image nobody knows in which parts they differ.
  const known = before.source !== undefined && after.source !== undefined;
  const withoutEffect = known ? parts.filter((part) => !effective.has(part)).map(plainPart) : [];
  return { counterexamples, withoutEffect, tried: search.tried };
}

const directionOf = ({ before, after }: Pick<Counterexample, 'before' | 'after'>) =>
  `${before.verdict} ${after.verdict}`;

// What the traffic shows needs no made-up call.
function shownBy(traffic: TrafficDiff | undefined, part: PartDetails, functions: readonly number[]): string[] {
  const changes = traffic?.actors.flatMap((actor) => actor.changes) ?? [];
  const covered = new Set(functions);
  const about = changes.filter(({ function: name, before, after }) => {
    const id = functionsByName.get(name)?.id;
    return id !== undefined && covered.has(id) && decides(part, before, after);
  });
  return about.map(directionOf);
}

function decides({ what, id }: Part, before: Judged, after: Judged): boolean {
  if (what === 'rule') return before.rule === id || after.rule === id;
  return what === 'mode' || before.rule === null || after.rule === null;
}

function plainPart({ what, id, change }: PartDetails): Part {
  return { what, id, change };
}

class Search {
  tried = 0;
  private readonly stranger: number;
  private readonly accounts: Numbers;
  private readonly all: Material['all'];

  constructor(
    private readonly before: Side,
    private readonly after: Side,
    rules: readonly Rule[],
    private readonly each: number,
  ) {
    const sources = [before, after].flatMap(({ source }) => source ?? []);
    this.accounts = {
      users: new Map(sources.flatMap(({ accounts }) => [...accounts.users])),
      groups: new Map(sources.flatMap(({ accounts }) => [...accounts.groups])),
    };
    const named = new Set(sources.flatMap((source) => accountsIn(source).map(({ id }) => id)));
    let stranger = 60_000;
    while (named.has(stranger)) stranger++;
    this.stranger = stranger;
    this.all = valuesIn(rules, this.accounts, stranger);
  }

  /** The plainest call for each way in which the verdict changes. */
  find(part: PartDetails, action: string, functions: readonly ApiFunction[]): Counterexample[] {
    const own = valuesIn(part.rules, this.accounts, this.stranger);
    const material = { own, all: this.all, stranger: this.stranger };
    const candidates = functions.flatMap((fn) => candidatesFor(fn, material, this.each));
    this.tried += candidates.length;
    const changes = dueTo(this.changesAmong(candidates), part, this.before, this.after, this.accounts);
    const best = new Map<string, (typeof changes)[number]>();
    for (const change of changes) {
      const known = best.get(directionOf(change));
      if (known === undefined || change.oddity < known.oddity) best.set(directionOf(change), change);
    }
    return [...best.values()].map(({ call, before, after }) => {
      return { part: plainPart(part), action, call, command: this.commandFor(call), before, after };
    });
  }

  private changesAmong(candidates: readonly Candidate[]): (Change & { readonly oddity: number })[] {
    const calls = candidates.map(({ request }) => request);
    const [old, now] = [judge(this.before, calls), judge(this.after, calls)];
    return candidates.flatMap(({ request: call, oddity }, index) => {
      const [before, after] = [old[index], now[index]];
      const differs = before !== undefined && after !== undefined && before.verdict !== after.verdict;
      return differs ? [{ call, oddity, before, after }] : [];
    });
  }

  private commandFor(call: Request): string {
    const { groups } = this.accounts;
    const file = this.after.source === undefined ? this.before.file : this.after.file;
    return explainCommand(file, call, (gid) => [...groups].find(([, known]) => known === gid)?.[0]);
  }
}
