/** A type while a value of it is being made: readonly afterwards. */
export type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
