// Layout of libvirt's structs by the rules of the C ABI, and what each field is in JavaScript.
import type { RawArg, RawFacts, RawStruct } from '../facts.js';
import { objectKind } from '../types.js';
import { pointerSize, scalar } from './c-types.js';
import type { ConstantValue } from './constants.js';
import type { FfiOverrides } from './raw.js';

export interface StructField {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  /** Constructor and further arguments: "field.text", ["32"]. Null where the field is only another one's length. */
  readonly descriptor: { readonly codec: string; readonly args: readonly string[] } | null;
  readonly tsType: string;
}

export interface Struct {
  readonly name: string;
  readonly since: string;
  readonly size: number;
  readonly fields: readonly StructField[];
}

interface Meaning {
  readonly size: number;
  readonly align: number;
  readonly codec: string;
  readonly args?: readonly string[];
  readonly tsType: string;
}

interface Context {
  readonly overrides: FfiOverrides;
  readonly constants: ReadonlyMap<string, ConstantValue>;
  readonly typedefs: ReadonlyMap<string, string>;
  readonly enums: ReadonlySet<string>;
  readonly structs: ReadonlySet<string>;
  readonly callbacks: ReadonlySet<string>;
}

/** All structs that have fields, those first that others are made of. Throws on a field of an unknown type. */
export function buildStructs(
  facts: RawFacts,
  overrides: FfiOverrides,
  constants: ReadonlyMap<string, ConstantValue>,
): readonly Struct[] {
  const raw = facts.structs.filter((struct) => struct.fields.length > 0 && !isTypedParameter(struct));
  const context: Context = {
    overrides,
    constants,
    typedefs: new Map(facts.typedefs.map(({ name, type }) => [name, type])),
    enums: new Set(Object.keys(facts.enums)),
    structs: new Set(raw.map(({ name }) => name)),
    callbacks: new Set(facts.callbacks.map(({ name }) => name)),
  };
  return inOrderOfUse(raw.map((struct) => buildStruct(struct, context)));
}

/** Typed parameters have a codec of their own, for whole lists of them. */
function isTypedParameter({ type }: RawStruct): boolean {
  return type === 'struct _virTypedParameter';
}

function inOrderOfUse(structs: readonly Struct[]): readonly Struct[] {
  const ordered = new Set<Struct>();
  const add = (struct: Struct): void => {
    for (const used of structs) if (used !== struct && uses(struct, used)) add(used);
    ordered.add(struct);
  };
  for (const struct of structs) add(struct);
  return [...ordered];
}

function uses({ fields }: Struct, other: Struct): boolean {
  return fields.some(({ descriptor }) => descriptor?.args.includes(other.name));
}

function buildStruct(raw: RawStruct, context: Context): Struct {
  const meanings = raw.fields.map((field) => meaningOf(raw, field, context));
  const offsets = offsetsOf(meanings);
  const align = Math.max(...meanings.map((meaning) => meaning.align));
  const end = (offsets.at(-1) ?? 0) + (meanings.at(-1)?.size ?? 0);
  const counts = new Map(raw.fields.map((field) => [field.name, countOf(raw, field, context)]));
  const hidden = new Set(counts.values());
  const fields = raw.fields.map(({ name }, i): StructField => {
    const { size, codec, args = [], tsType } = meanings[i] ?? unknownType(raw, name);
    const count = counts.get(name);
    const countText = count === undefined ? [] : [describeCount(raw, count, meanings, offsets)];
    const descriptor = hidden.has(name) ? null : { codec, args: [...args, ...countText] };
    return { name, offset: offsets[i] ?? 0, size, descriptor, tsType };
  });
  return { name: raw.name, since: raw.since ?? '', size: roundUp(end, align), fields };
}

function offsetsOf(meanings: readonly Meaning[]): readonly number[] {
  let end = 0;
  return meanings.map(({ size, align }) => {
    const offset = roundUp(end, align);
    end = offset + size;
    return offset;
  });
}

function roundUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}

const listFields: ReadonlySet<string> = new Set(['field.strings', 'field.bytes', 'field.structs', 'field.typedParams']);

/** The field that holds the length of the list that `field` points to. */
function countOf(struct: RawStruct, field: RawArg, context: Context): string | undefined {
  if (!listFields.has(meaningOf(struct, field, context).codec)) return undefined;
  const candidates = [context.overrides.count(struct.name, field.name), `n${field.name}`, `${field.name}len`];
  const found = candidates.find((name) => struct.fields.some((other) => other.name === name));
  if (found === undefined) throw new Error(`nothing tells the length of \`${struct.name}.${field.name}\``);
  return found;
}

function describeCount(
  struct: RawStruct,
  name: string,
  meanings: readonly Meaning[],
  offsets: readonly number[],
): string {
  const index = struct.fields.findIndex((field) => field.name === name);
  return `{ offset: ${offsets[index]}, type: '${meanings[index]?.codec.slice('field.'.length)}' }`;
}

function meaningOf(struct: RawStruct, { name, type }: RawArg, context: Context): Meaning {
  const array = /^char \w+\[(\w+)\]$/.exec(type);
  if (array) return textField(struct, name, array[1] ?? '', context);
  const resolved = context.enums.has(type) ? 'int' : (context.typedefs.get(type) ?? type);
  const known = scalar(resolved);
  if (known) return { ...known, align: known.size, codec: `field.${known.codec}` };
  const pointer = pointerMeaning(type, resolved, context);
  return pointer ? { ...pointer, size: pointerSize, align: pointerSize } : unknownType(struct, name);
}

function textField(struct: RawStruct, name: string, length: string, { constants }: Context): Meaning {
  const size = /^\d+$/.test(length) ? Number(length) : constants.get(length);
  if (typeof size !== 'number') return unknownType(struct, name);
  return { size, align: 1, codec: 'field.text', args: [String(size)], tsType: 'string' };
}

function pointerMeaning(
  type: string,
  resolved: string,
  { structs, callbacks }: Context,
): Pick<Meaning, 'codec' | 'args' | 'tsType'> | undefined {
  if (type === 'char *' || type === 'const char *') return { codec: 'field.string', tsType: 'string | null' };
  if (type === 'char **') return { codec: 'field.strings', tsType: 'readonly string[]' };
  if (type === 'unsigned char *') return { codec: 'field.bytes', tsType: 'Uint8Array' };
  if (type === 'virTypedParameterPtr') return { codec: 'field.typedParams', tsType: 'TypedParameterValues' };
  if (objectKind(type) !== 'None') return { codec: 'field.pointer', tsType: `${type} | null` };
  const struct = resolved.endsWith(' *') ? resolved.slice(0, -2) : '';
  if (structs.has(struct)) return { codec: 'field.structs', args: [struct], tsType: `readonly ${struct}[]` };
  if (resolved.endsWith('*') || callbacks.has(type)) return { codec: 'field.pointer', tsType: 'bigint | null' };
  return undefined;
}

function unknownType(struct: RawStruct, field: string): never {
  throw new Error(`the type of \`${struct.name}.${field}\` is unknown`);
}
