/** Runs the cases of policies, and says which rules none of them decides. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { VirtshimError } from '../errors.js';
import { type CaseResult, casesBeside, casesEnding, runCases } from './cases.js';
import { type Diagnostic, hasErrors } from './diagnostic.js';
import { type Explanation, explainRequest } from './explain.js';
import type { NameService } from './name_service.js';
import { placeOf, type RulePlace, type UsablePolicy } from './usable_policy.js';

export interface TestReport {
  readonly suites: readonly TestSuite[];
  /** One of each policy that was tested. */
  readonly coverage: readonly PolicyCoverage[];
  readonly passed: number;
  readonly failed: number;
  /** False where a case failed or a file of cases could not be run. */
  readonly ok: boolean;
}

/** A file of cases. */
export interface TestSuite {
  readonly file: string;
  /** Undefined where no case was run. */
  readonly policy: { readonly name: string; readonly file: string } | undefined;
  readonly diagnostics: readonly Diagnostic[];
  readonly cases: readonly TestedCase[];
  readonly seconds: number;
}

export interface TestedCase extends CaseResult {
  /** Of a case that failed. */
  readonly explanation: Explanation | undefined;
}

export interface PolicyCoverage {
  readonly policy: { readonly name: string; readonly file: string };
  /** Those that are in force, in the order of the policy. */
  readonly rules: readonly RuleCoverage[];
}

export interface RuleCoverage extends RulePlace {
  readonly rule: string;
  /** How many cases it decides; of a permissive rule, how many it would. */
  readonly cases: number;
}

export interface TestOptions {
  /** Judges every case by this policy, whatever the files name. */
  readonly policy?: string;
  /** Who is who, for accounts that the files do not name; this machine's name service unless told. */
  readonly names?: NameService;
}

/**
 * Runs files of cases. A path is such a file (`*.cases.json`), a policy with one beside it, or a folder, where all are
 * run, those in folders within it too.
 * @throws VirtshimError where there are no cases, or a file cannot be read
 */
export function testPolicies(paths: readonly string[], options: TestOptions = {}): TestReport {
  const targets = paths.flatMap(targetsOf);
  const runs = targets.map(({ file, policy }) => run(file, { ...(policy && { policy }), ...options }));
  const suites = runs.map(({ suite }) => suite);
  const cases = suites.flatMap((suite) => suite.cases);
  const failed = cases.filter(({ passed }) => !passed).length;
  return {
    ...{ suites, failed, passed: cases.length - failed, coverage: coverageOf(runs) },
    ok: failed === 0 && suites.every(({ diagnostics }) => !hasErrors(diagnostics)),
  };
}

/** How many of all rules some case decides: 1 where there is no rule. */
export function coveredShare(coverage: readonly PolicyCoverage[]): number {
  const rules = coverage.flatMap((one) => one.rules);
  return rules.length === 0 ? 1 : rules.filter(({ cases }) => cases > 0).length / rules.length;
}

interface Target {
  readonly file: string;
  /** Where the path was the policy's. */
  readonly policy?: string;
}

function targetsOf(path: string): Target[] {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) throw new VirtshimError('VIRTSHIM_FILE', `\`${path}\` does not exist`);
  if (!status.isDirectory()) return [path.endsWith(casesEnding) ? { file: path } : besidePolicy(path)];
  const files = casesIn(path);
  if (files.length > 0) return files.map((file) => ({ file }));
  throw new VirtshimError('VIRTSHIM_FILE', `\`${path}\` holds no cases`, {
    hint: `files of cases are *${casesEnding}`,
  });
}

function besidePolicy(policy: string): Target {
  const file = casesBeside(policy);
  if (existsSync(file)) return { file, policy };
  throw new VirtshimError('VIRTSHIM_FILE', `policy \`${policy}\` has no cases`, { hint: `write them to ${file}` });
}

function casesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name.startsWith('.') ? [] : casesIn(path);
    return entry.name.endsWith(casesEnding) ? [path] : [];
  });
}

interface Run {
  readonly suite: TestSuite;
  readonly judgedBy: UsablePolicy | undefined;
}

function run(file: string, options: TestOptions): Run {
  const start = performance.now();
  const { diagnostics, results, judgedBy } = runCases(file, options);
  const cases = results.map((result) => ({ ...result, explanation: explanationOf(result, judgedBy) }));
  const seconds = (performance.now() - start) / 1000;
  return { judgedBy, suite: { file, policy: judgedBy && identityOf(judgedBy), diagnostics, cases, seconds } };
}

function explanationOf({ passed, request }: CaseResult, judgedBy: UsablePolicy | undefined): Explanation | undefined {
  return passed || judgedBy === undefined ? undefined : explainRequest(judgedBy, request);
}

function identityOf({ policy }: UsablePolicy) {
  return { name: policy.name, file: policy.source.file };
}

function coverageOf(runs: readonly Run[]): PolicyCoverage[] {
  const policies = new Map<string, { judgedBy: UsablePolicy; results: CaseResult[] }>();
  for (const { suite, judgedBy } of runs) {
    if (judgedBy === undefined) continue;
    const file = resolve(judgedBy.policy.source.file);
    const known = policies.get(file);
    if (known === undefined) policies.set(file, { judgedBy, results: [...suite.cases] });
    else known.results.push(...suite.cases);
  }
  return [...policies.values()].map(({ judgedBy, results }) => ({
    policy: identityOf(judgedBy),
    rules: rulesOf(judgedBy, results),
  }));
}

function rulesOf({ policy }: UsablePolicy, results: readonly CaseResult[]): RuleCoverage[] {
  const inForce = policy.rules.filter(({ mode }) => mode !== 'disabled');
  return inForce.map((rule) => {
    const decided = results.filter(({ decision }) => [decision.rule, decision.wouldDeny].includes(rule.id));
    return { rule: rule.id, ...placeOf(rule), cases: decided.length };
  });
}
