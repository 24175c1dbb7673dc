/** Facts that most records of a log have in common are made once: it saves time, and memory for what is kept. */

const MOST = 4096;

/** Remembers what `make` returned for a key, unless that is undefined; when there are too many, it begins anew. */
export function shared<Value>(): (key: string, make: () => Value) => Value {
  const known = new Map<string, Value>();
  return (key, make) => {
    const value = known.get(key);
    if (value !== undefined) return value;
    if (known.size >= MOST) known.clear();
    const made = make();
    if (made !== undefined) known.set(key, made);
    return made;
  };
}
