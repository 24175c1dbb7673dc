type Given<Values> = { readonly [Key in keyof Values]?: Exclude<Values[Key], undefined> };

/** The values that there are: what is undefined is left out. */
export function given<Values extends object>(values: Values): Given<Values> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<Values>;
}
