// native/api/ffi.json: what the C prototypes do not say about how JavaScript calls them, each entry with its reason.
import type { RawFacts, RawFunction } from '../facts.js';

interface Reasoned {
  readonly reason: string;
}

interface OfFunctions extends Reasoned {
  readonly functions: readonly string[];
}

/** A codec by name; `other` is the argument that it needs beside: a length, or the room there is. */
export interface RawCodec extends OfFunctions {
  readonly arg: string;
  readonly codec: string;
  readonly other?: string;
  readonly room?: number;
}

/** Written by hand: the JavaScript parameters as `name: type`, and the type of the result. */
export interface RawByHand extends OfFunctions {
  readonly params: readonly string[];
  readonly result: string;
}

/** Which callback each value of an enum stands for, where the function `register` takes any of them. */
export interface RawEvents extends Reasoned {
  readonly register: string;
  readonly enum: string;
  readonly listeners: Readonly<Record<string, string>>;
}

export interface RawFfi {
  readonly optional: readonly (OfFunctions & { readonly arg: string })[];
  readonly args: readonly RawCodec[];
  readonly returns: readonly (OfFunctions & { readonly codec: string })[];
  readonly borrowed: readonly OfFunctions[];
  readonly byHand: readonly RawByHand[];
  readonly events: readonly RawEvents[];
  readonly counts: readonly (Reasoned & { readonly struct: string; readonly field: string; readonly count: string })[];
  readonly flags: readonly (Reasoned & { readonly enums: readonly string[] })[];
}

/** ffi.json, indexed. */
export interface FfiOverrides {
  isOptional(fn: string, arg: string): boolean;
  codec(fn: string, arg: string): RawCodec | undefined;
  returns(fn: string): string | undefined;
  isBorrowed(fn: string): boolean;
  byHand(fn: string): RawByHand | undefined;
  count(struct: string, field: string): string | undefined;
  isFlags(enumName: string): boolean;
  isRegister(fn: string): boolean;
}

export function indexFfi(raw: RawFfi): FfiOverrides {
  const key = (fn: string, arg: string) => `${fn}(${arg})`;
  const optional = new Set(raw.optional.flatMap(({ functions, arg }) => functions.map((fn) => key(fn, arg))));
  const codecs = new Map(raw.args.flatMap((entry) => entry.functions.map((fn) => [key(fn, entry.arg), entry])));
  const returns = new Map(raw.returns.flatMap(({ functions, codec }) => functions.map((fn) => [fn, codec])));
  const borrowed = new Set(raw.borrowed.flatMap(({ functions }) => functions));
  const byHand = new Map(raw.byHand.flatMap((entry) => entry.functions.map((fn) => [fn, entry])));
  const counts = new Map(raw.counts.map(({ struct, field, count }) => [key(struct, field), count]));
  const registers = new Set(raw.events.map(({ register }) => register));
  const flags = new Set(raw.flags.flatMap(({ enums }) => enums));
  return {
    isOptional: (fn, arg) => optional.has(key(fn, arg)),
    codec: (fn, arg) => codecs.get(key(fn, arg)),
    returns: (fn) => returns.get(fn),
    isBorrowed: (fn) => borrowed.has(fn),
    byHand: (fn) => byHand.get(fn),
    count: (struct, field) => counts.get(key(struct, field)),
    isFlags: (enumName) => flags.has(enumName),
    isRegister: (fn) => registers.has(fn),
  };
}

/** Problems of ffi.json itself: names of nothing, entries without a reason, things said twice. */
export function checkFfi(raw: RawFfi, facts: RawFacts): readonly string[] {
  const byName = new Map(facts.functions.map((fn) => [fn.name, fn]));
  const problems = [
    ...(['optional', 'args', 'returns', 'borrowed', 'byHand'] as const).flatMap((section) =>
      checkFunctions(section, raw[section], byName),
    ),
    ...raw.byHand.flatMap((entry) => checkUsed(entry, raw)),
    ...raw.events.flatMap((entry) => checkEvents(entry, byName, facts)),
    ...raw.counts.flatMap((entry) => checkCount(entry, facts)),
    ...raw.flags.flatMap(({ enums }) => enums.filter((name) => !(name in facts.enums)).map(unknown)),
    ...Object.entries(raw).flatMap(([section, entries]: [string, readonly Reasoned[]]) =>
      entries.filter(({ reason }) => !reason).map(() => `an entry of ${section} has no reason`),
    ),
  ];
  return problems.map((problem) => `ffi.json: ${problem}`);
}

const unknown = (name: string): string => `\`${name}\` is unknown`;

function checkFunctions(
  section: string,
  entries: readonly (OfFunctions & { readonly arg?: string })[],
  byName: ReadonlyMap<string, RawFunction>,
): readonly string[] {
  const seen = new Set<string>();
  return entries.flatMap(({ functions, arg }) =>
    functions.flatMap((name) => {
      const fn = byName.get(name);
      const key = arg === undefined ? name : `${name}(${arg})`;
      const exists = fn !== undefined && (arg === undefined || fn.args.some((each) => each.name === arg));
      const problems = [
        ...(exists ? [] : [`${section}: ${unknown(key)}`]),
        ...(seen.has(key) ? [`${section}: \`${key}\` stands there twice`] : []),
      ];
      seen.add(key);
      return problems;
    }),
  );
}

/** What is said about a function that is written by hand is never read. */
function checkUsed({ functions }: RawByHand, raw: RawFfi): readonly string[] {
  const others = [...raw.optional, ...raw.args, ...raw.returns, ...raw.borrowed].flatMap((entry) => entry.functions);
  return functions.filter((name) => others.includes(name)).map((name) => `\`${name}\` is written by hand: say no more`);
}

function checkEvents(
  { register, enum: enumName, listeners }: RawEvents,
  byName: ReadonlyMap<string, RawFunction>,
  facts: RawFacts,
): readonly string[] {
  const callbacks = new Set(facts.callbacks.map(({ name }) => name));
  const ids = (facts.enums[enumName]?.values ?? []).map(({ name }) => name).filter((name) => !name.endsWith('_LAST'));
  return [
    ...(byName.has(register) ? [] : [unknown(register)]),
    ...Object.values(listeners)
      .filter((name) => !callbacks.has(name))
      .map(unknown),
    ...Object.keys(listeners)
      .filter((name) => !ids.includes(name))
      .map(unknown),
    ...ids.filter((name) => !(name in listeners)).map((name) => `no listener is known for \`${name}\``),
  ];
}

function checkCount({ struct, field, count }: RawFfi['counts'][number], facts: RawFacts): readonly string[] {
  const fields = facts.structs.find(({ name }) => name === struct)?.fields.map(({ name }) => name) ?? [];
  return [field, count].filter((name) => !fields.includes(name)).map((name) => unknown(`${struct}.${name}`));
}
