/** What passes between JavaScript and C. */

/** What is handed to C: an integer, a string, memory that C may write to, an address or NULL. */
export type RawValue = number | bigint | string | Uint8Array | null;

/** What C gave back: 64-bit integers as number where that is exact, strings copied, addresses as bigint, NULL as null. */
export type RawResult = number | bigint | string | null | undefined;

declare const kind: unique symbol;

/** An address of libvirt's. Who owns it is as libvirt documents; nothing here releases it by itself. */
export type Pointer<Kind extends string> = bigint & { readonly [kind]: Kind };

/** An integer of 64 bits as it comes from C: a number where that is exact. */
export type Integer64 = number | bigint;

export type TypedValueType = 'int' | 'uint' | 'llong' | 'ullong' | 'double' | 'boolean' | 'string';

/** A value with the type that libvirt shall see, for fields whose type is not known here. */
export interface TypedValue {
  readonly type: TypedValueType;
  readonly value: number | bigint | boolean | string;
}

export type TypedScalar = number | bigint | boolean | string;
export type TypedInput = TypedScalar | TypedValue;

/** Typed parameters to be set. An array stands for a field that is repeated. */
export type TypedParameters = Readonly<Record<string, TypedInput | readonly TypedInput[]>>;

/** Typed parameters that libvirt gave. Fields that came several times are arrays. */
export type TypedParameterValues = Record<string, TypedScalar | TypedScalar[]>;
