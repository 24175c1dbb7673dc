/** Arguments that cannot be passed to C. */
import { VirtshimError } from '../errors.js';

/** Throws VIRTSHIM_ARGUMENT: names the function, the argument, what is wanted and what came. */
export function wrongArgument(functionName: string, name: string, wanted: string, value: unknown): never {
  throw new VirtshimError(
    'VIRTSHIM_ARGUMENT',
    `\`${name}\` of ${functionName} must be ${wanted}, not ${describe(value)}`,
  );
}

// Strings are not shown: they may be secrets.
function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'number' || typeof value === 'bigint') return `\`${value}\``;
  if (typeof value === 'string') return value.includes('\0') ? 'a string with a NUL character' : 'a string';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object') return `an object of class ${value.constructor?.name ?? 'Object'}`;
  return `a ${typeof value}`;
}
