/** Options that say which records a command is about. */
import { type Command, Option } from 'commander';
import { VirtshimError } from '../../errors.js';
import { defaultTrail } from '../../folders.js';
import { given } from '../../given.js';
import type { TrailFilter } from '../../trail/filter.js';
import { UNSET, VERDICTS, type Verdict } from '../../trail/verdict.js';
import { parseRecordTime } from './record_times.js';

export interface SelectionOptions {
  readonly vm?: string;
  readonly uuid?: string;
  readonly user?: string;
  readonly auid?: string;
  readonly function?: string;
  readonly action?: string;
  readonly verdict?: Verdict;
  readonly rule?: string;
  readonly program?: string;
  readonly actor?: string;
  readonly rid?: string;
  readonly since?: string;
  readonly until?: string;
}

export const SELECTION_HELP = `Times: 2026-01-31, 2026-01-31T14:30 (local; with Z or +01:00 at its end that zone), today, yesterday, now, recent, this-week,
boot and what else \`virtshim report\` takes, @1795413763 (seconds since 1970), 90s, 90m, 2h, 1d, 1w (that long ago), or a
record's own time. A day alone is the whole day.`;

export function addSelection(command: Command): Command {
  return command
    .option('--vm <name>', 'calls on this guest')
    .option('--uuid <uuid>', 'calls on the object of this UUID')
    .option('--user <user>', 'calls of processes of this user: a name or a number')
    .option('--auid <user>', 'calls of who logged in as this user: a name, a number, or `unset`')
    .option('--function <name>', 'calls of this libvirt function; * stands for anything')
    .option('--action <action>', 'calls that this action of policies covers: domain.stop, domain.*, control')
    .addOption(new Option('--verdict <verdict>', 'how the call ended').choices(VERDICTS))
    .option('--rule <id>', 'calls that this rule decided')
    .option('--program <name>', 'calls of this program: its name, or the path of its file')
    .option('--actor <user>', 'calls that a program asserts to have made for this user')
    .option('--rid <id>', 'the records of this id, as a refusal names it')
    .option('--since <time>', 'records from this time on')
    .option('--until <time>', 'records up to this time');
}

/** The trail that a command is about. */
export function trailAt(path: string | undefined): string {
  return path ?? process.env.VIRTSHIM_TRAIL ?? defaultTrail();
}

/** @throws VirtshimError VIRTSHIM_USAGE where an option makes no sense */
export async function filterOf(options: SelectionOptions, now: Date = new Date()): Promise<TrailFilter> {
  const { vm, uuid, verdict, rule, program, actor, rid, since, until } = options;
  const functions = await functionsOf(options);
  return {
    ...given({ vm, uuid, verdict, rule, program, actor, rid }),
    ...(functions && { functions }),
    ...(options.user !== undefined && { uid: await uidOf(options.user) }),
    ...(options.auid !== undefined && { auid: options.auid === 'unset' ? UNSET : await uidOf(options.auid) }),
    ...(since !== undefined && { since: parseRecordTime(since, 'start', now) }),
    ...(until !== undefined && { until: parseRecordTime(until, 'end', now) }),
  };
}

async function uidOf(user: string): Promise<number> {
  if (/^\d+$/.test(user)) return Number(user);
  const { lookUpWithGetent } = await import('../../policy/accounts.js');
  const uid = await lookUpWithGetent('passwd', user);
  if (uid !== undefined) return uid;
  throw new VirtshimError('VIRTSHIM_USAGE', `this machine knows no user \`${user}\``, {
    hint: 'give the number: records hold numbers, and the trail may be of another machine',
  });
}

/** What --function and --action both mean. */
async function functionsOf(options: SelectionOptions): Promise<ReadonlySet<string> | undefined> {
  const named = options.function === undefined ? undefined : await functionsLike(options.function);
  const covered = options.action === undefined ? undefined : await functionsOfAction(options.action);
  if (named === undefined || covered === undefined) return named ?? covered;
  return new Set([...named].filter((name) => covered.has(name)));
}

async function functionsLike(pattern: string): Promise<ReadonlySet<string>> {
  const { functions } = await import('../../generated/api.js');
  const { globToRegExp } = await import('../../policy/glob.js');
  const expression = globToRegExp(pattern);
  const names = functions.map(({ name }) => name).filter((name) => expression.test(name));
  if (names.length === 0)
    throw await unknownWord(
      'function',
      pattern,
      functions.map(({ name }) => name),
    );
  return new Set(names);
}

async function functionsOfAction(text: string): Promise<ReadonlySet<string>> {
  const { functions } = await import('../../generated/api.js');
  const { resolveAction } = await import('../../policy/action.js');
  const resolved = resolveAction(text);
  if ('complaint' in resolved) {
    const { message, suggestion } = resolved.complaint;
    throw new VirtshimError('VIRTSHIM_USAGE', message, didYouMean(suggestion));
  }
  return new Set([...resolved.action.coverage.keys()].flatMap((id) => functions[id]?.name ?? []));
}

async function unknownWord(what: string, word: string, known: readonly string[]): Promise<VirtshimError> {
  const { suggest } = await import('../../policy/suggest.js');
  return new VirtshimError('VIRTSHIM_USAGE', `unknown ${what} \`${word}\``, didYouMean(suggest(word, known)));
}

const didYouMean = (word: string | undefined) => (word === undefined ? {} : { hint: `did you mean \`${word}\`?` });
