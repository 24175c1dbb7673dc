// Layout of libvirt's structs by the rules of the C ABI, and what each field is in JavaScript.
import type { RawArg, RawFacts, RawStruct } from '../facts.js';
import { objectKind } from '../types.js';
import { pointerSize, type Scalar, scalar } from './c-types.js';
import type { ConstantValue } from './constants.js';
import { buildEach } from './problems.js';
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

/** All structs that have fields, those first that others are made of. A field of an unknown type is a problem. */
export function buildStructs(
  facts: RawFacts,
  overrides: FfiOverrides,
  constants: ReadonlyMap<string, ConstantValue>,
  problems: string[],
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
  return inOrderOfUse(buildEach(raw, problems, (struct) => buildStruct(struct, context)));
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

interface PlacedField extends Meaning {
  readonly name: string;
  readonly offset: number;
}

function buildStruct(raw: RawStruct, context: Context): Struct {
  const placed = place(raw.fields.map((field) => ({ name: field.name, ...meaningOf(field, context) })));
  const counts = new Map(placed.filter(isList).map((field) => [field.name, countOf(raw.name, field, placed, context)]));
  const hidden = new Set([...counts.values()].map(({ name }) => name));
  const fields = placed.map(({ name, offset, size, codec, args = [], tsType }): StructField => {
    const count = counts.get(name);
    const descriptor = { codec, args: count ? [...args, describeCount(count)] : args };
    return { name, offset, size, tsType, descriptor: hidden.has(name) ? null : descriptor };
  });
  const end = Math.max(...placed.map(({ offset, size }) => offset + size));
  const align = Math.max(...placed.map((field) => field.align));
  return { name: raw.name, since: raw.since ?? '', size: roundUp(end, align), fields };
}

/** Each field at the next offset that its alignment allows. */
function place(fields: readonly (Meaning & { readonly name: string })[]): readonly PlacedField[] {
  let end = 0;
  return fields.map((field) => {
    const offset = roundUp(end, field.align);
    end = offset + field.size;
    return { ...field, offset };
  });
}

function roundUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}

const lists: ReadonlySet<string> = new Set(['field.strings', 'field.bytes', 'field.structs', 'field.typedParams']);

function isList({ codec }: Meaning): boolean {
  return lists.has(codec);
}

/** The field that holds the length of the list that `field` points to. */
function countOf(
  struct: string,
  field: PlacedField,
  fields: readonly PlacedField[],
  { overrides }: Context,
): PlacedField {
  const candidates = [overrides.count(struct, field.name), `n${field.name}`, `${field.name}len`];
  const found = fields.find(({ name }) => candidates.includes(name));
  if (found === undefined) throw new Error(`nothing tells the length of \`${field.name}\``);
  return found;
}

function describeCount({ offset, codec }: PlacedField): string {
  return `{ offset: ${offset}, type: '${codec.slice('field.'.length)}' }`;
}

function meaningOf({ name, type }: RawArg, context: Context): Meaning {
  const [, length] = /^char \w+\[(\w+)\]$/.exec(type) ?? [];
  const resolved = context.enums.has(type) ? 'int' : (context.typedefs.get(type) ?? type);
  const known = scalar(resolved);
  const meaning = length === undefined ? undefined : textMeaning(length, context);
  const found = meaning ?? (known ? scalarMeaning(known) : pointerMeaning(type, resolved, context));
  if (!found) throw new Error(`the type \`${type}\` of \`${name}\` is unknown`);
  return found;
}

function scalarMeaning({ codec, size, tsType }: Scalar): Meaning {
  return { size, align: size, codec: `field.${codec}`, tsType };
}

function textMeaning(length: string, { constants }: Context): Meaning | undefined {
  const size = /^\d+$/.test(length) ? Number(length) : constants.get(length);
  if (typeof size !== 'number') return undefined;
  return { size, align: 1, codec: 'field.text', args: [String(size)], tsType: 'string' };
}

function pointerMeaning(type: string, resolved: string, { structs, callbacks }: Context): Meaning | undefined {
  const pointer = (codec: string, tsType: string, args: readonly string[] = []): Meaning => ({
    ...{ size: pointerSize, align: pointerSize, codec, tsType, args },
  });
  if (type === 'char *' || type === 'const char *') return pointer('field.string', 'string | null');
  if (type === 'char **') return pointer('field.strings', 'readonly string[]');
  if (type === 'unsigned char *') return pointer('field.bytes', 'Uint8Array');
  if (type === 'virTypedParameterPtr') return pointer('field.typedParams', 'TypedParameterValues');
  if (objectKind(type) !== 'None') return pointer('field.pointer', `${type} | null`);
  const struct = resolved.endsWith(' *') ? resolved.slice(0, -2) : '';
  if (structs.has(struct)) return pointer('field.structs', `readonly ${struct}[]`, [struct]);
  const isPointer = resolved.endsWith('*') || callbacks.has(type);
  return isPointer ? pointer('field.pointer', 'bigint | null') : undefined;
}
