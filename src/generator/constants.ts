// Values of libvirt's enum constants, aliases resolved.
import type { RawFacts } from './facts.js';

/** Enum name -> constant name -> value. Throws where an alias leads nowhere. */
export function resolveEnums(facts: RawFacts): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const raw = new Map<string, number | string>();
  for (const { values } of Object.values(facts.enums)) for (const { name, value } of values) raw.set(name, value);
  const enums = new Map<string, ReadonlyMap<string, number>>();
  for (const [name, { values }] of Object.entries(facts.enums)) {
    enums.set(name, new Map(values.map((value) => [value.name, resolve(raw, value.name)])));
  }
  return enums;
}

function resolve(raw: ReadonlyMap<string, number | string>, name: string): number {
  let value: number | string | undefined = name;
  for (let steps = 0; typeof value === 'string' && steps < 10; steps++) value = raw.get(value);
  if (typeof value !== 'number') throw new Error(`constant \`${name}\` has no value`);
  return value;
}

/** All constants of all enums: libvirt's constant names are unique. */
export function flatConstants(enums: ReadonlyMap<string, ReadonlyMap<string, number>>): ReadonlyMap<string, number> {
  return new Map([...enums.values()].flatMap((values) => [...values]));
}

/** The value of `A|B|C`. Throws on a name that no enum has. */
export function maskOf(text: string, constants: ReadonlyMap<string, number>): number {
  let mask = 0;
  for (const name of text.split('|')) {
    const value = constants.get(name);
    if (value === undefined) throw new Error(`unknown flag \`${name}\``);
    mask |= value;
  }
  return mask >>> 0;
}
