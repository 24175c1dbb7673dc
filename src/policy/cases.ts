/** Test cases of a policy: calls and what it says about them. */
import { dirname, resolve } from 'node:path';
import { type ApiArg, constants, functionsByName } from '../generated/api.js';
import type { LookUp } from './accounts.js';
import { valueKindOf } from './argument.js';
import { compilePolicy } from './compile.js';
import { type Diagnostic, hasErrors, sortDiagnostics } from './diagnostic.js';
import { type Decision, evaluate, type Request } from './evaluate.js';
import { loadPolicyFile, readText } from './load.js';
import { validateAgainstSchema } from './schema.js';
import { type Path, parseSource, type Source } from './source.js';
import { suggest } from './suggest.js';

type Value = number | string | null | readonly (number | string)[];

interface CasesDocument {
  readonly policy: string;
  readonly cases: readonly CaseDocument[];
}

interface CaseDocument {
  readonly comment?: string;
  readonly call: Omit<Request, 'arguments'> & { readonly arguments?: Readonly<Record<string, Value>> };
  readonly expect: Expectation;
}

interface Expectation {
  readonly effect: 'allow' | 'deny';
  readonly rule?: string | null;
  readonly permission?: string | null;
}

export interface CaseResult {
  readonly index: number;
  readonly line: number;
  /** The function, and the comment where there is one. */
  readonly title: string;
  readonly expected: Expectation;
  readonly decision: Decision;
  readonly passed: boolean;
}

export interface CasesRun {
  /** What is wrong with the files; no case was run where there is an error. */
  readonly diagnostics: readonly Diagnostic[];
  readonly results: readonly CaseResult[];
}

/** Runs every case of a file. Throws VIRTSHIM_FILE where it or its policy cannot be read. */
export async function runCases(file: string, lookUp?: LookUp): Promise<CasesRun> {
  const { source, diagnostics } = parseSource(readText(file), file);
  const problems = diagnostics.length > 0 ? diagnostics : sortDiagnostics(validateAgainstSchema(source, 'cases'));
  if (problems.length > 0) return { diagnostics: problems, results: [] };
  const { policy, cases } = source.value as CasesDocument;
  const compiled = await compileFile(resolve(dirname(file), policy), lookUp);
  const { image } = compiled;
  const found: Diagnostic[] = [...compiled.diagnostics];
  const requests = cases.map(({ call }, index) => toRequest(source, ['cases', index, 'call'], call, found));
  if (image === undefined || hasErrors(found)) return { diagnostics: found, results: [] };
  const results = cases.map((one, index) => {
    const request = requests[index] ?? { function: one.call.function };
    return judge(source, index, one, evaluate(image, request));
  });
  return { diagnostics: found, results };
}

async function compileFile(file: string, lookUp?: LookUp) {
  const { policy, diagnostics } = loadPolicyFile(file);
  if (policy === undefined) return { image: undefined, diagnostics };
  const compiled = await compilePolicy(policy, lookUp);
  return { image: compiled.image, diagnostics: [...diagnostics, ...compiled.diagnostics] };
}

function judge(source: Source, index: number, { comment, call, expect }: CaseDocument, decision: Decision): CaseResult {
  const { line } = source.complain(['cases', index], { code: 'wrong-value', message: '' });
  const title = comment === undefined ? call.function : `${call.function}: ${comment}`;
  const passed =
    decision.effect === expect.effect &&
    (expect.rule === undefined || decision.rule === expect.rule) &&
    (expect.permission === undefined || decision.permission === expect.permission);
  return { index, line, title, expected: expect, decision, passed };
}

function toRequest(source: Source, path: Path, call: CaseDocument['call'], found: Diagnostic[]): Request {
  const fn = functionsByName.get(call.function);
  if (fn === undefined) {
    const suggestion = suggest(call.function, functionsByName.keys());
    const message = `unknown function \`${call.function}\``;
    found.push(source.complain([...path, 'function'], { code: 'unknown-function', message, suggestion }));
    return { function: call.function };
  }
  const values: Record<string, bigint | string | null> = {};
  for (const [name, value] of Object.entries(call.arguments ?? {})) {
    const at = [...path, 'arguments', name];
    const arg = fn.args.find((known) => known.name === name);
    if (arg === undefined || valueKindOf(arg) === undefined) {
      const suggestion = suggest(
        name,
        fn.args.map((known) => known.name),
      );
      const message = `\`${fn.name}\` has no argument \`${name}\` that could be given here`;
      found.push(source.complain(at, { code: 'unknown-argument', message, suggestion, atKey: true }));
    } else {
      values[name] = toValue(source, at, arg, value, found);
    }
  }
  return { ...call, arguments: values };
}

function toValue(source: Source, path: Path, arg: ApiArg, value: Value, found: Diagnostic[]): bigint | string | null {
  if (value === null) return null;
  if (valueKindOf(arg) === 'string') return String(value);
  if (Array.isArray(value)) {
    const bits = value.map((item, index) => toNumber(source, [...path, index], item, found));
    return bits.reduce((mask, bit) => mask | bit, 0n);
  }
  return toNumber(source, path, value as number | string, found);
}

function toNumber(source: Source, path: Path, value: number | string, found: Diagnostic[]): bigint {
  // From the text where that is possible: the JavaScript number is exact up to 2^53 only.
  const text = source.textOf(path);
  if (typeof value === 'number') return BigInt(/^-?[0-9]+$/.test(text) ? text : value);
  const constant = constants.get(value);
  if (constant !== undefined) return BigInt(constant);
  const suggestion = suggest(value, constants.keys());
  found.push(source.complain(path, { code: 'unknown-constant', message: `unknown constant \`${value}\``, suggestion }));
  return 0n;
}
