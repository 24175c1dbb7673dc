// One codec: what passes one argument of a C function, and those that belong to it, between JavaScript and C.
import type { Arg } from '../args.js';
import type { ApiFunction } from '../model.js';
import type { FfiOverrides } from './raw.js';

export interface Codec {
  /** The constructor in src/ffi: "arg.string", "out.struct". */
  readonly maker: string;
  /** Name of the C argument, which is also that of the JavaScript parameter or of the result. */
  readonly name: string;
  /** What the constructor is given after the name, as text. */
  readonly args: readonly string[];
  /** The C arguments that it fills, its own first. */
  readonly fills: readonly number[];
  /** Type of the JavaScript parameter, or null where there is none. */
  readonly paramType: string | null;
  /** null and undefined are accepted. */
  readonly optional: boolean;
  /** Type of what it adds to the result, or null. */
  readonly resultType: string | null;
  /** The C function's return value is the length of what it adds. */
  readonly counted: boolean;
}

export interface CodecContext {
  readonly overrides: FfiOverrides;
  /** Struct that a pointer type points to: virDomainInfoPtr -> virDomainInfo. */
  readonly pointedStructs: ReadonlyMap<string, string>;
}

/** One argument among the others of its function. */
export interface Place {
  readonly fn: ApiFunction;
  readonly arg: Arg;
  readonly index: number;
  readonly context: CodecContext;
}

interface Shape {
  /** Instead of the argument's index alone. */
  readonly args?: readonly (string | number)[];
  readonly fills?: readonly number[];
  readonly optional?: boolean;
  readonly counted?: boolean;
}

/** Takes a JavaScript parameter. */
export function input(maker: string, { arg, index }: Place, paramType: string, shape: Shape = {}): Codec {
  const { args = [index], fills = [index], optional = false } = shape;
  const all = args.map(String);
  return { maker, name: arg.name, args: all, fills, paramType, optional, resultType: null, counted: false };
}

/** Adds to the result. */
export function output(maker: string, { arg, index }: Place, resultType: string, shape: Shape = {}): Codec {
  const { args = [index], fills = [index], counted = false } = shape;
  const all = args.map(String);
  return { maker, name: arg.name, args: all, fills, paramType: null, optional: false, resultType, counted };
}

const optionalMakers: Readonly<Record<string, string>> = {
  'arg.object': 'arg.optionalObject',
  'arg.string': 'arg.optionalString',
  'arg.strings': 'arg.optionalStrings',
  'arg.typedParams': 'arg.optionalTypedParams',
  'arg.ulong': 'arg.longFlags',
};

/** The same codec where C takes NULL. */
export function asOptional(codec: Codec): Codec {
  const maker = optionalMakers[codec.maker];
  if (maker === undefined) throw new Error(`\`${codec.name}\` cannot be optional: ${codec.maker} has no such form`);
  return { ...codec, maker, optional: true };
}

/** Throws where the function has no such argument. */
export function argIndex(fn: ApiFunction, name: string): number {
  const index = fn.args.findIndex((arg) => arg.name === name);
  if (index < 0) throw new Error(`\`${name}\` is no argument`);
  return index;
}

export function quote(text: string): string {
  return `'${text}'`;
}
