// Known facts and those of an installed libvirt, together: nothing that either knows is lost.
//
// Where both describe the same thing, the newer libvirt is believed. An older installation therefore adds what has
// gone since and changes nothing else.
import type { RawEnum, RawFacts, RawFunction } from '../facts.js';
import { byteOrder } from '../order.js';
import { type Library, libraries } from '../vocabulary.js';

export interface Summary {
  /** Functions that were not known. */
  readonly added: readonly string[];
  /** Functions whose facts are others now. */
  readonly changed: readonly string[];
  /** Functions that the imported libvirt describes otherwise, while the known facts are newer and stay. */
  readonly differing: readonly string[];
  /** Known functions that the imported libvirt lacks. */
  readonly kept: readonly string[];
}

export interface Merged {
  readonly facts: RawFacts;
  readonly summary: Summary;
}

export function mergeFacts(known: RawFacts, imported: RawFacts): Merged {
  const completed = { ...imported, functions: withKnownChecks(imported.functions, known.functions) };
  const importedWins = !isOlder(imported.libvirtVersion, known.libvirtVersion);
  const [older, newer] = importedWins ? [known, completed] : [completed, known];
  const facts: RawFacts = {
    libvirtVersion: newer.libvirtVersion,
    functions: union(older.functions, newer.functions),
    callbacks: union(older.callbacks, newer.callbacks),
    structs: union(older.structs, newer.structs),
    typedefs: union(older.typedefs, newer.typedefs),
    enums: unionOfEnums(older.enums, newer.enums),
    constants: sortRecord({ ...older.constants, ...newer.constants }, (name, { library }) => [library, name]),
  };
  return { facts, summary: summarise(known.functions, completed.functions, importedWins) };
}

/** libvirt before 9.1 describes no checks at all: what is known about them stays. */
function withKnownChecks(imported: readonly RawFunction[], known: readonly RawFunction[]): readonly RawFunction[] {
  if (imported.some((fn) => fn.aclChecks)) return imported;
  const byName = new Map(known.map((fn) => [fn.name, fn]));
  return imported.map((fn) => {
    const { aclChecks, aclFilters } = byName.get(fn.name) ?? {};
    return { ...fn, ...(aclChecks && { aclChecks }), ...(aclFilters && { aclFilters }) };
  });
}

function isOlder(version: string, other: string): boolean {
  return version.localeCompare(other, 'en', { numeric: true }) < 0;
}

interface Named {
  readonly name: string;
  readonly library: Library;
}

/** In the order of the facts: library by library, each by name. */
function union<T extends Named>(older: readonly T[], newer: readonly T[]): readonly T[] {
  const byName = new Map([...older, ...newer].map((entry) => [entry.name, entry]));
  return [...byName.values()].sort((a, b) => compare([a.library, a.name], [b.library, b.name]));
}

function unionOfEnums(older: RawFacts['enums'], newer: RawFacts['enums']): RawFacts['enums'] {
  const names = [...new Set([...Object.keys(older), ...Object.keys(newer)])];
  const merged = names.map((name): [string, RawEnum] => {
    const values = [...(older[name]?.values ?? []), ...(newer[name]?.values ?? [])];
    const byName = new Map(values.map((value) => [value.name, value]));
    const library = newer[name]?.library ?? older[name]?.library ?? 'libvirt';
    return [name, { library, values: [...byName.values()].sort((a, b) => byteOrder(a.name, b.name)) }];
  });
  return sortRecord(Object.fromEntries(merged), (_, { library, values }) => [library, values[0]?.name ?? '']);
}

function sortRecord<T>(
  record: Readonly<Record<string, T>>,
  key: (name: string, value: T) => readonly [Library, string],
): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(record).sort((a, b) => compare(key(...a), key(...b))));
}

function compare(a: readonly [Library, string], b: readonly [Library, string]): number {
  return libraries.indexOf(a[0]) - libraries.indexOf(b[0]) || byteOrder(a[1], b[1]);
}

function summarise(known: readonly RawFunction[], imported: readonly RawFunction[], importedWins: boolean): Summary {
  const knownByName = new Map(known.map((fn) => [fn.name, JSON.stringify(fn)]));
  const importedNames = new Set(imported.map((fn) => fn.name));
  const added = imported.filter((fn) => !knownByName.has(fn.name));
  const others = imported.filter((fn) => knownByName.has(fn.name) && knownByName.get(fn.name) !== JSON.stringify(fn));
  const names = (functions: readonly RawFunction[]) => functions.map((fn) => fn.name);
  return {
    added: names(added),
    changed: importedWins ? names(others) : [],
    differing: importedWins ? [] : names(others),
    kept: names(known.filter((fn) => !importedNames.has(fn.name))),
  };
}
