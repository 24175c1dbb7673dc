/** How well a policy fits traffic that it was not made from. */
import type { ApiFunction } from '../../generated/api.js';
import { given } from '../../given.js';
import { evaluateAll, type Request } from '../evaluate.js';
import { groupBy } from '../group_by.js';
import type { Seen } from './seen.js';

export interface Score {
  /** Calls that were held out. */
  readonly calls: number;
  /** How many of them the policy allows. */
  readonly allowed: number;
  /** The others, each kind of call once. */
  readonly refused: readonly RefusedCall[];
  readonly combinations: Combinations;
}

export interface RefusedCall {
  readonly function: string;
  readonly resource: string | undefined;
  readonly uid: number | undefined;
  readonly count: number;
  /** Id of the first record. */
  readonly record: string;
}

/** Each subject of the traffic, on each of its connections, with each function that was seen, on each resource of its kind. */
export interface Combinations {
  readonly known: number;
  /** As many of them were judged; all unless there are very many. */
  readonly judged: number;
  readonly allowed: number;
  /** Those of the allowed ones that occur nowhere in the traffic. */
  readonly neverOccurred: number;
}

/** Scores the policy on `heldOut`; `learnt` is what it was made from. */
export function scoreOf(image: Uint8Array, learnt: readonly Seen[], heldOut: readonly Seen[]): Score {
  const decisions = evaluateAll(
    image,
    heldOut.map(({ request }) => request),
  );
  const refused = heldOut.filter((_, index) => decisions[index]?.effect === 'deny');
  const calls = total(heldOut);
  return {
    calls,
    allowed: calls - total(refused),
    refused: refusedCalls(refused),
    combinations: combinationsOf(image, [...learnt, ...heldOut]),
  };
}

function total(seen: readonly Seen[]): number {
  return seen.reduce((sum, { count }) => sum + count, 0);
}

function refusedCalls(refused: readonly Seen[]): RefusedCall[] {
  const kinds = groupBy(refused, ({ request }) =>
    JSON.stringify([request.function, resourceName(request), request.uid]),
  );
  return [...kinds.values()].flatMap((kind) => {
    const [first] = kind;
    if (first === undefined) return [];
    const { request, record } = first;
    return [
      { function: request.function, resource: resourceName(request), uid: request.uid, count: total(kind), record },
    ];
  });
}

function resourceName({ resource }: Request): string | undefined {
  const name = String(resource?.name ?? '') || String(resource?.uuid ?? '');
  return name === '' ? undefined : name;
}

const mostCombinations = 50_000;
// Of the arguments that a function was seen with, the first are tried.
const mostArguments = 4;

function combinationsOf(image: Uint8Array, seen: readonly Seen[]): Combinations {
  const space = spaceOf(seen);
  const occurred = new Set(seen.map(({ request }) => keyOf(request)));
  // The same share of every part, and the same ones each time.
  const stride = Math.max(1, Math.ceil(space.length / mostCombinations));
  const judged = space.filter((_, index) => index % stride === 0);
  const tries = judged.flatMap((one, index) => one.calls.map((request) => ({ request, index })));
  const decisions = evaluateAll(
    image,
    tries.map(({ request }) => request),
  );
  const allowed = new Set(tries.flatMap(({ index }, at) => (decisions[at]?.effect === 'allow' ? [index] : [])));
  const never = [...allowed].filter((index) => !occurred.has(judged[index]?.key ?? ''));
  return { known: space.length, judged: judged.length, allowed: allowed.size, neverOccurred: never.length };
}

interface Combination {
  readonly key: string;
  readonly calls: readonly Request[];
}

function spaceOf(seen: readonly Seen[]): Combination[] {
  const where = unique(seen.map(({ request }) => request.connection));
  const functions = groupBy(seen, ({ fn }) => fn);
  return [...functions].flatMap(([fn, calls]) => {
    const args = unique(calls.map(({ request }) => request.arguments)).slice(0, mostArguments);
    return subjectsOf(seen).flatMap((subject) =>
      where.flatMap((connection) =>
        resourcesFor(fn, calls, seen).map((resource) => {
          const base = { ...withoutCall(subject), function: fn.name, ...given({ connection, resource }) };
          return { key: keyOf(base), calls: args.map((one) => ({ ...base, ...given({ arguments: one }) })) };
        }),
      ),
    );
  });
}

// Functions on lists or on the host have nothing to choose from.
function resourcesFor(fn: ApiFunction, calls: readonly Seen[], seen: readonly Seen[]): Request['resource'][] {
  const named = calls.some(({ request }) => resourceName(request) !== undefined);
  const kind = calls[0]?.request.resource?.kind;
  const alike = named
    ? seen.filter((one) => one.request.resource?.kind === kind && resourceName(one.request) !== undefined)
    : [];
  return unique(
    (alike.length > 0 ? alike : calls.filter((one) => one.fn === fn)).map(({ request }) => request.resource),
  );
}

function withoutCall({ arguments: _arguments, connection: _connection, resource: _resource, ...subject }: Request) {
  return subject;
}

// A user as it was seen first.
function subjectsOf(seen: readonly Seen[]): Request[] {
  return [...groupBy(seen, ({ request }) => request.uid).values()].flatMap(([first]) => first?.request ?? []);
}

function keyOf({ uid, connection, function: name, resource }: Request): string {
  return JSON.stringify([uid, connection?.uri ?? connection?.driver, name, resource]);
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [textOf(value), value])).values()];
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item)) ?? '';
}
