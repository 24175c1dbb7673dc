/** What is wrong or doubtful in a policy file, and where. */

export type Severity = 'error' | 'warning';

export type DiagnosticCode =
  | 'syntax'
  | 'duplicate-key'
  | 'unknown-property'
  | 'missing-property'
  | 'wrong-type'
  | 'wrong-value'
  | 'duplicate-rule'
  | 'unknown-action'
  | 'unjudged-function'
  | 'unknown-argument'
  | 'unknown-constant'
  | 'unknown-driver'
  | 'unknown-user'
  | 'unknown-group'
  | 'unknown-xml-fact'
  | 'unknown-zone'
  | 'include'
  | 'contradiction'
  | 'bad-xpath'
  | 'bad-glob'
  | 'bad-number'
  | 'bad-string'
  | 'glob-matches-nothing'
  | 'never-matches'
  | 'shadowed'
  | 'no-effect'
  | 'twins-differ'
  | 'argument-missing'
  | 'unknown-resource'
  | 'unknown-function';

/** A place in a text: line and column count from 1, columns in UTF-16 units as editors do; the pointer is RFC 6901. */
export interface Place {
  readonly line: number;
  readonly column: number;
  readonly pointer: string;
}

export interface Diagnostic extends Place {
  readonly code: DiagnosticCode;
  readonly severity: Severity;
  readonly file: string;
  /** Lower-case, no final period, the author's words in backticks. */
  readonly message: string;
  /** What was probably meant. */
  readonly suggestion?: string;
}

/** `policies/x.json:12:7: error: unknown action ... at /rules/0/actions/1 (did you mean ...?)` */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, severity, message, pointer, suggestion } = diagnostic;
  const where = pointer === '' ? '' : ` at ${pointer}`;
  const hint = suggestion === undefined ? '' : ` (did you mean \`${suggestion}\`?)`;
  return `${file}:${line}:${column}: ${severity}: ${message}${where}${hint}`;
}

/** In the order of each file, the files as they come first. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const files = [...new Set(diagnostics.map(({ file }) => file))];
  const order = (a: Diagnostic, b: Diagnostic) => files.indexOf(a.file) - files.indexOf(b.file);
  return [...diagnostics].sort((a, b) => order(a, b) || a.line - b.line || a.column - b.column);
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error');
}
