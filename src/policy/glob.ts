/** Globs over bytes: `*` any bytes, `?` one byte, `\` takes the next byte literally. */

export type GlobForm = 'exact' | 'prefix' | 'general';

/** A glob split at its first wildcard: `literal` without escapes, `rest` with them. */
export interface Glob {
  readonly text: string;
  readonly form: GlobForm;
  readonly literal: Uint8Array;
  readonly rest: Uint8Array;
}

/** What is wrong with the text as a glob, or undefined. */
export function globProblem(text: string): string | undefined {
  if (/(^|[^\\])(\\\\)*\\$/.test(text)) return `glob \`${text}\` ends in a lone backslash`;
  return stringProblem(text);
}

/** What keeps the text from being a C string in UTF-8, or undefined. */
export function stringProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'a string holds a NUL character';
  return /\p{Surrogate}/u.test(text) ? 'a string holds half a surrogate pair' : undefined;
}

export function hasWildcard(text: string): boolean {
  return /[*?]/.test(text.replaceAll(/\\./gs, ''));
}

/** Splits a glob that has no problem. */
export function parseGlob(text: string): Glob {
  let literal = '';
  let at = 0;
  while (at < text.length && text[at] !== '*' && text[at] !== '?') {
    if (text[at] === '\\') at++;
    literal += text[at];
    at++;
  }
  const rest = text.slice(at);
  return { text, form: formOf(rest), literal: bytes(literal), rest: bytes(formOf(rest) === 'general' ? rest : '') };
}

/** A glob that matches this text only. */
export function exactGlob(text: string): Glob {
  return { text, form: 'exact', literal: bytes(text), rest: bytes('') };
}

/** Whether `wide` matches all that `glob` matches. Says yes only where that is certain. */
export function globCovers(wide: Glob, glob: Glob): boolean {
  if (glob.form === 'exact') return wide.form === 'exact' ? sameBytes(wide, glob) : matchesLiteral(wide, glob);
  if (wide.form === 'prefix') return startsWith(glob.literal, wide.literal);
  return wide.form === glob.form && wide.text === glob.text;
}

function sameBytes(a: Glob, b: Glob): boolean {
  return a.literal.length === b.literal.length && startsWith(a.literal, b.literal);
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return start.length <= bytes.length && start.every((byte, index) => byte === bytes[index]);
}

// As latin1, so that `?` stands for a byte.
function matchesLiteral(wide: Glob, { literal }: Glob): boolean {
  const asLatin1 = (text: Uint8Array) => Buffer.from(text).toString('latin1');
  return globToRegExp(asLatin1(bytes(wide.text))).test(asLatin1(literal));
}

function formOf(rest: string): GlobForm {
  if (rest === '') return 'exact';
  return /^\*+$/.test(rest) ? 'prefix' : 'general';
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A regular expression for globs over libvirt's own names, which are ASCII. */
export function globToRegExp(text: string): RegExp {
  const parts = text.match(/\\.|./gs) ?? [];
  const source = parts.map((part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    return (part.length === 2 ? part.slice(1) : part).replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`, 's');
}
