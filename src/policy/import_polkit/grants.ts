/** When polkit would say yes, and when not, action by action. */
import { groupBy } from '../group_by.js';
import { isAllowedByDefault } from './actions.js';
import { type Interpreter, type Outcome, Untranslatable } from './interpreter.js';
import { extend, type Path, type Place, simplify } from './path.js';

export interface Verdicts {
  /** Each where the answer is yes; the place is that of the statement that says so, undefined for libvirt's default. */
  readonly yes: readonly Grant[];
  /** Paths to all other answers. */
  readonly no: readonly Path[];
}

export interface Grant {
  readonly path: Path;
  readonly place: Place | undefined;
}

export interface Note {
  readonly place: Place;
  readonly message: string;
  /** Calls that polkit might permit are refused by the policy because of it. */
  readonly leftOut: boolean;
}

/** The answers about an action. What could not be followed is among `yes` with a test that is unknown. */
export function verdictsOf(interpreter: Interpreter, action: string, note: (note: Note) => void): Verdicts {
  const yes: Grant[] = [];
  const no: Path[] = [];
  let pending: readonly Path[] = [[]];
  for (const rule of interpreter.rules) {
    const outcomes = pending.flatMap((path) => outcomesOf(interpreter, rule, action, path));
    const by = groupBy(outcomes, answerOf);
    const answered = (answer: Answer) => by.get(answer) ?? [];
    yes.push(...answered('yes').map(({ path, place }) => ({ path, place })));
    yes.push(...answered('unknown').map((outcome) => withUnknown(outcome, rule.place)));
    no.push(...[...answered('no'), ...answered('password')].map(({ path }) => path));
    for (const { place } of answered('password')) note({ place: place ?? rule.place, ...passwords });
    pending = simplify(answered('none').map(({ path }) => path));
  }
  if (isAllowedByDefault(action)) yes.push(...pending.map((path) => ({ path, place: undefined })));
  else no.push(...pending);
  return { yes, no };
}

const passwords = { message: 'asks for a password, which nobody can be asked for here: refused', leftOut: true };

type Answer = 'yes' | 'no' | 'password' | 'none' | 'unknown';

// polkit goes on to the next rule where the answer is nothing, and takes an error or a strange word for a no.
function answerOf({ value, thrown }: Outcome): Answer {
  if (thrown) return 'no';
  if (value.is === 'unknown') return 'unknown';
  if (value.is !== 'plain') return value.is === 'test' || value.is === 'text' ? 'unknown' : 'no';
  if (!value.value) return 'none';
  if (value.value === 'yes') return 'yes';
  return /^auth_(self|admin)(_keep)?$/.test(String(value.value)) ? 'password' : 'no';
}

function outcomesOf(
  interpreter: Interpreter,
  rule: Interpreter['rules'][number],
  action: string,
  path: Path,
): Outcome[] {
  try {
    return interpreter.run(rule, action, path);
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    const { place, why } = error;
    return [{ path, value: { is: 'unknown', place, why }, thrown: false, place }];
  }
}

function withUnknown({ path, value, place }: Outcome, rule: Place): Grant {
  const blind = value.is === 'unknown' ? value : { place: place ?? rule, why: 'what it returns' };
  const longer = extend(path, { about: 'unknown', place: blind.place, why: blind.why }, true);
  return { path: longer ?? path, place };
}

/** The grants without what holds either way. */
export function simplifyGrants(grants: readonly Grant[]): Grant[] {
  const literals = (path: Path) => path.map(({ key, holds }) => `${holds} ${key}`);
  const originals = grants.map(({ path, place }) => ({ said: new Set(literals(path)), place }));
  // What libvirt's default and a rule grant together stands under the default.
  originals.sort((a, b) => Number(a.place !== undefined) - Number(b.place !== undefined));
  return simplify(grants.map(({ path }) => path)).map((path) => {
    const source = originals.find(({ said }) => literals(path).every((literal) => said.has(literal)));
    return { path, place: source?.place };
  });
}
