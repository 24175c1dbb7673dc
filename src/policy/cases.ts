/** Test cases of a policy: calls and what it says about them. */
import { dirname, isAbsolute, join } from 'node:path';
import { type CallDocument, resolveCall } from './call.js';
import { type Diagnostic, hasErrors, sortDiagnostics } from './diagnostic.js';
import type { Effect } from './document.js';
import { type Decision, evaluate, type Request } from './evaluate.js';
import { type AccountsDocument, type NameService, namesWith, systemNames } from './name_service.js';
import { validateAgainstSchema } from './schema.js';
import { parseSource, type Source } from './source.js';
import { readText } from './text_file.js';
import { compileFile, type UsablePolicy } from './usable_policy.js';

interface CasesDocument {
  readonly policy?: string;
  readonly accounts?: AccountsDocument;
  readonly cases: readonly CaseDocument[];
}

interface CaseDocument {
  readonly comment?: string;
  readonly call: CallDocument;
  readonly expect: Expectation;
}

/** What a case says about the decision; what is left out does not matter. */
export interface Expectation {
  readonly effect: Effect;
  /** Id of the rule that decides, null for a default. */
  readonly rule?: string | null;
  /** The first permission that nothing allows. */
  readonly permission?: string | null;
  /** The permissive rule that would have refused it. */
  readonly wouldDeny?: string | null;
  readonly reasonMissing?: boolean;
}

export interface CaseResult {
  readonly index: number;
  readonly line: number;
  /** The function, and the comment where there is one. */
  readonly title: string;
  readonly request: Request;
  readonly expected: Expectation;
  readonly decision: Decision;
  readonly passed: boolean;
}

export interface CasesRun {
  /** What is wrong with the files; no case was run where there is an error. */
  readonly diagnostics: readonly Diagnostic[];
  readonly results: readonly CaseResult[];
  /** The policy that the cases are about; undefined where none was run. */
  readonly judgedBy: UsablePolicy | undefined;
}

/** Whose word counts where a file of cases does not say it itself. */
export interface CasesOptions {
  /** Judges by this policy, whatever the file names. */
  readonly policy?: string;
  readonly names?: NameService;
}

/** How the names of files of cases end. */
export const casesEnding = '.cases.json';

/** Where the cases of a policy are looked for: beside `host.json`, `host.cases.json`. */
export function casesBeside(policyFile: string): string {
  return policyFile.replace(/(\.json)?$/, casesEnding);
}

/** Runs every case of a file. Throws VIRTSHIM_FILE where it or its policy cannot be read. */
export function runCases(file: string, options: CasesOptions = {}): CasesRun {
  const { source, diagnostics } = parseSource(readText(file), file);
  const problems = diagnostics.length > 0 ? diagnostics : sortDiagnostics(validateAgainstSchema(source, 'cases'));
  if (problems.length > 0) return notRun(problems);
  const document = source.value as CasesDocument;
  const policyFile = options.policy ?? (document.policy && besideFile(file, document.policy));
  if (policyFile === undefined) {
    const message = 'property `policy` is missing: these cases do not say whose they are';
    return notRun([source.complain([], { code: 'missing-property', message })]);
  }
  const names = document.accounts === undefined ? options.names : namesWith(document.accounts, options.names);
  const { usable: judgedBy, diagnostics: about } = compileFile(policyFile, names);
  const found: Diagnostic[] = [...about];
  const requests = requestsOf(source, document, names ?? systemNames(), found);
  if (judgedBy === undefined || hasErrors(found)) return notRun(found);
  const results = document.cases.map((one, index) => {
    const request = requests[index] ?? { function: one.call.function };
    return judge(source, index, one, request, evaluate(judgedBy.image, request));
  });
  return { diagnostics: found, results, judgedBy };
}

function besideFile(file: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path);
}

function notRun(diagnostics: readonly Diagnostic[]): CasesRun {
  return { diagnostics, results: [], judgedBy: undefined };
}

function requestsOf(source: Source, { cases }: CasesDocument, names: NameService, found: Diagnostic[]): Request[] {
  return cases.map(({ call }, index) => {
    const at = ['cases', index, 'call'] as const;
    return resolveCall(call, {
      names,
      complain: (steps, complaint) => found.push(source.complain([...at, ...steps], complaint)),
      textOf: (steps) => source.textOf([...at, ...steps]),
    });
  });
}

function judge(
  source: Source,
  index: number,
  { comment, call, expect }: CaseDocument,
  request: Request,
  decision: Decision,
): CaseResult {
  const { line } = source.complain(['cases', index], { code: 'wrong-value', message: '' });
  const title = comment === undefined ? call.function : `${call.function}: ${comment}`;
  return { index, line, title, request, expected: expect, decision, passed: isAsExpected(decision, expect) };
}

/** Whether the decision is what is said about it. */
export function isAsExpected(decision: Decision, expected: Expectation): boolean {
  return (Object.keys(expected) as (keyof Expectation)[]).every(
    (key) => expected[key] === undefined || decision[key] === expected[key],
  );
}
