/** Conditions on names, as far from those that were seen as is wished. */
import { groupBy } from '../group_by.js';
import { globFor } from './seen.js';

/** prefix: names that differ only in what follows their last separator, or in their last digits, become one glob. */
export type NamesLevel = 'exact' | 'prefix' | 'any';

/** The glob for each name; undefined where any name will do. */
export function namesFor(names: ReadonlySet<string>, level: NamesLevel): (name: string) => string | undefined {
  if (level === 'any') return () => undefined;
  if (level === 'exact') return globFor;
  const stems = groupBy(names, stemOf);
  return (name) => {
    const stem = stemOf(name);
    const shared = stem !== '' && (stems.get(stem)?.length ?? 0) > 1;
    return shared ? `${globFor(stem)}*` : globFor(name);
  };
}

/** `web-1` -> `web-`, `web1` -> `web`; nothing where the name has neither. */
function stemOf(name: string): string {
  return /^(.*[-_.])[^-_.]+$/s.exec(name)?.[1] ?? /^(.*?)[0-9]+$/s.exec(name)?.[1] ?? '';
}
