/** JSON text whose values know where they stand. */
import type { Node, ParseError } from 'jsonc-parser';
import { whenNeeded } from '../when_needed.js';
import type { Diagnostic, DiagnosticCode, Place, Severity } from './diagnostic.js';

export type Path = readonly (string | number)[];

export interface Complaint {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly severity?: Severity;
  readonly suggestion?: string | undefined;
  /** Point at the property's name instead of its value. */
  readonly atKey?: boolean;
}

export class Source {
  private readonly lineStarts: readonly number[];

  constructor(
    readonly file: string,
    readonly text: string,
    private readonly root: Node | undefined,
  ) {
    this.lineStarts = findLineStarts(text);
  }

  /** The value as JSON.parse would give it, except that objects have no prototype. */
  get value(): unknown {
    return this.root === undefined ? undefined : toValue(this.root);
  }

  /** A diagnostic about the value at `path`, or about its nearest ancestor that exists. */
  complain(path: Path, complaint: Complaint): Diagnostic {
    return this.at(this.offsetOf(path, complaint.atKey === true), path, complaint);
  }

  at(offset: number, path: Path, { code, message, severity, suggestion }: Complaint): Diagnostic {
    const optional = suggestion === undefined ? {} : { suggestion };
    return { code, severity: severity ?? 'error', file: this.file, ...this.place(offset, path), message, ...optional };
  }

  /** The characters of the value at `path` as they were written. */
  textOf(path: Path): string {
    const node = find(this.root, path);
    return node === undefined ? '' : this.text.slice(node.offset, node.offset + node.length);
  }

  private offsetOf(path: Path, atKey: boolean): number {
    const node = find(this.root, path);
    if (node === undefined) return path.length === 0 ? 0 : this.offsetOf(path.slice(0, -1), false);
    const key = node.parent?.type === 'property' ? node.parent.children?.[0] : undefined;
    return atKey && key !== undefined ? key.offset : node.offset;
  }

  private place(offset: number, path: Path): Place {
    let line = 0;
    for (let high = this.lineStarts.length; high - line > 1; ) {
      const middle = (line + high) >> 1;
      if ((this.lineStarts[middle] ?? 0) <= offset) line = middle;
      else high = middle;
    }
    return { line: line + 1, column: offset - (this.lineStarts[line] ?? 0) + 1, pointer: toPointer(path) };
  }
}

export interface Parsed {
  readonly source: Source;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads strict JSON: comments, trailing commas and repeated keys are errors. */
export function parseSource(text: string, file: string): Parsed {
  const deep = findTooDeep(text);
  if (deep !== undefined) {
    const source = new Source(file, text, undefined);
    return { source, diagnostics: [source.at(deep, [], { code: 'syntax', message: 'nested too deeply' })] };
  }
  const errors: ParseError[] = [];
  const { parseTree } = whenNeeded('jsonc-parser');
  const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false });
  const source = new Source(file, text, errors.length === 0 ? root : undefined);
  const first = errors[0];
  // What follows a syntax error is mostly its echo.
  if (first !== undefined) {
    return { source, diagnostics: [source.at(first.offset, [], { code: 'syntax', message: describe(first) })] };
  }
  return { source, diagnostics: root === undefined ? [] : repeatedKeys(source, root, []) };
}

const maxDepth = 64;

// Parsers recurse: what is deeper than any policy must not reach them.
function findTooDeep(text: string): number | undefined {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (inString && char === '\\') at++;
    else if (char === '"') inString = !inString;
    else if (!inString && (char === '[' || char === '{')) depth++;
    else if (!inString && (char === ']' || char === '}')) depth--;
    if (depth > maxDepth) return at;
  }
  return undefined;
}

const useComments = 'comments are not JSON: use the properties `comment` and `description`';

const syntaxMessages: Readonly<Record<string, string>> = {
  InvalidSymbol: 'invalid symbol',
  InvalidNumberFormat: 'invalid number',
  PropertyNameExpected: 'expected the name of a property in double quotes',
  ValueExpected: 'expected a value',
  ColonExpected: 'expected a colon',
  CommaExpected: 'expected a comma',
  CloseBraceExpected: 'expected a closing brace',
  CloseBracketExpected: 'expected a closing bracket',
  EndOfFileExpected: 'expected the end of the file',
  InvalidCommentToken: useComments,
  UnexpectedEndOfComment: useComments,
  UnexpectedEndOfString: 'unexpected end of a string',
  UnexpectedEndOfNumber: 'unexpected end of a number',
  InvalidUnicode: 'invalid unicode escape in a string',
  InvalidEscapeCharacter: 'invalid escape in a string',
  InvalidCharacter: 'invalid character in a string',
};

function describe({ error }: ParseError): string {
  return syntaxMessages[whenNeeded('jsonc-parser').printParseErrorCode(error)] ?? 'not JSON';
}

function repeatedKeys(source: Source, node: Node, path: Path): Diagnostic[] {
  if (node.type === 'array') {
    return (node.children ?? []).flatMap((child, index) => repeatedKeys(source, child, [...path, index]));
  }
  const seen = new Set<string>();
  return propertiesOf(node).flatMap(({ key, offset, value }) => {
    const inner = repeatedKeys(source, value, [...path, key]);
    if (!seen.has(key)) {
      seen.add(key);
      return inner;
    }
    const message = `property \`${key}\` is given twice`;
    return [source.at(offset, [...path, key], { code: 'duplicate-key', message }), ...inner];
  });
}

interface Property {
  readonly key: string;
  readonly offset: number;
  readonly value: Node;
}

function propertiesOf(node: Node): Property[] {
  if (node.type !== 'object') return [];
  return (node.children ?? []).flatMap((property) => {
    const [key, value] = property.children ?? [];
    return key === undefined || value === undefined ? [] : [{ key: String(key.value), offset: key.offset, value }];
  });
}

// Not jsonc-parser's own: a property named `__proto__` would vanish into the prototype there.
function toValue(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(toValue);
  if (node.type !== 'object') return node.value as unknown;
  const value = Object.create(null) as Record<string, unknown>;
  for (const property of propertiesOf(node)) value[property.key] = toValue(property.value);
  return value;
}

function find(root: Node | undefined, path: Path): Node | undefined {
  let node = root;
  for (const step of path) {
    if (node === undefined) return undefined;
    if (typeof step === 'number') node = node.type === 'array' ? node.children?.[step] : undefined;
    else node = propertiesOf(node).findLast(({ key }) => key === step)?.value;
  }
  return node;
}

function toPointer(path: Path): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The path of an RFC 6901 pointer into `value`. */
export function fromPointer(pointer: string, value: unknown): Path {
  const path: (string | number)[] = [];
  let at = value;
  for (const part of pointer.split('/').slice(1)) {
    const step = part.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(at) ? Number(step) : step);
    at = (at as Record<string, unknown> | undefined)?.[step];
  }
  return path;
}

function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
