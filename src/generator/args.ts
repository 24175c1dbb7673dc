// What each argument is: by its type, by its neighbours, by overrides.json.
import type { RawArg, RawFunction } from './facts.js';
import type { Overrides } from './overrides.js';
import { argMeaning, isScalar } from './types.js';
import type { ArgType, ObjectKind } from './vocabulary.js';

export interface Arg {
  readonly name: string;
  readonly cType: string;
  readonly type: ArgType;
  readonly object: ObjectKind;
  /** Index of the argument that holds the length, or -1. */
  readonly count: number;
  readonly secret: boolean;
}

const counted: ReadonlySet<ArgType> = new Set<ArgType>(['TypedParams', 'IntList', 'Bytes']);

/** Throws on an unknown type, a variadic function, or a list whose length nothing tells. */
export function classifyArgs(fn: RawFunction, callbacks: ReadonlySet<string>, overrides: Overrides): readonly Arg[] {
  return fn.args.map((arg) => classifyArg(fn, arg, callbacks, overrides));
}

function classifyArg(fn: RawFunction, raw: RawArg, callbacks: ReadonlySet<string>, overrides: Overrides): Arg {
  if (raw.type.includes('...') || raw.name === '...') throw new Error('variadic functions cannot be wrapped');
  const meaning = argMeaning(raw.type, callbacks);
  if (!meaning) throw new Error(`unknown type \`${raw.type}\` of \`${raw.name}\``);
  const override = overrides.arg(fn.name, raw.name);
  const type = override?.type ?? filledByCallee(fn, raw, meaning.type);
  const count = countIndex(fn, type, override?.count);
  return { name: raw.name, cType: raw.type, type, object: meaning.object, count, secret: override?.secret ?? false };
}

/** Getters take room for typed parameters and its size by pointer; what stands in there is not input. */
function filledByCallee(fn: RawFunction, raw: RawArg, type: ArgType): ArgType {
  if (raw.type !== 'virTypedParameterPtr') return type;
  const size = fn.args.find((arg) => arg.name === 'nparams');
  return size && isScalar(size.type) ? type : 'Out';
}

function countIndex(fn: RawFunction, type: ArgType, override: string | undefined): number {
  const name = override ?? (type === 'TypedParams' ? 'nparams' : undefined);
  if (name === undefined) {
    if (counted.has(type)) throw new Error(`no length is known for an argument of type ${type}`);
    return -1;
  }
  const index = fn.args.findIndex((arg) => arg.name === name);
  const holder = fn.args[index];
  if (!holder || !isScalar(holder.type)) throw new Error(`\`${name}\` is no argument that holds a length`);
  return index;
}
