/** The outcome of cases, for people. */
import type { Expectation } from './cases.js';
import { formatDiagnostic } from './diagnostic.js';
import type { Decision } from './evaluate.js';
import { explanationText } from './explain_text.js';
import { coveredShare, type PolicyCoverage, type TestedCase, type TestReport, type TestSuite } from './test.js';

/** The lines of a report. What files and policies say is in them as it is. */
export function testReportLines(report: TestReport): string[] {
  return [...report.suites.flatMap(suiteLines), '', ...report.coverage.flatMap(undecidedRules), summary(report)];
}

function suiteLines({ file, diagnostics, cases }: TestSuite): string[] {
  return [
    ...diagnostics.map(formatDiagnostic),
    ...(cases.length === 0 ? [`FAIL ${file}: no case was run`] : []),
    ...cases.flatMap((one) => {
      const head = `${one.passed ? 'PASS' : 'FAIL'} ${file}:${one.line}: ${one.title}`;
      return one.passed ? [head] : [head, ...failureLines(one).map((line) => `     ${line}`)];
    }),
  ];
}

type Judged = Pick<TestedCase, 'expected' | 'decision' | 'explanation'>;

/** What was expected, what was got instead, and why; `not`: it was expected not to be so. */
export function failureLines({ expected, decision, explanation }: Judged, not = false): string[] {
  return [
    `expected: ${not ? 'not ' : ''}${expectationText(expected)}`,
    `got:      ${decisionText(decision, expected)}`,
    ...(explanation === undefined ? [] : explanationText(explanation).trimEnd().split('\n')),
  ];
}

/** deny by rule `no-destroy` */
export function expectationText(expected: Expectation): string {
  const { effect, rule, permission, wouldDeny, reasonMissing } = expected;
  return [
    effect,
    ...(rule === undefined ? [] : [byText(rule)]),
    ...(permission === undefined ? [] : [permissionText(permission)]),
    ...(wouldDeny === undefined ? [] : [wouldDenyText(wouldDeny)]),
    ...(reasonMissing === undefined ? [] : [`with ${reasonMissing ? 'a' : 'no'} reason missing`]),
  ].join(' ');
}

// As much of it as was asked for, and what decided in any case.
function decisionText(decision: Decision, asked: Expectation): string {
  const { effect, rule, permission, wouldDeny, reasonMissing } = decision;
  return expectationText({
    ...{ effect, rule },
    ...(asked.permission === undefined ? {} : { permission }),
    ...(asked.wouldDeny === undefined ? {} : { wouldDeny }),
    ...(asked.reasonMissing === undefined ? {} : { reasonMissing }),
  });
}

const byText = (rule: string | null): string => (rule === null ? 'by default' : `by rule \`${rule}\``);

function permissionText(permission: string | null): string {
  return permission === null ? 'for no permission' : `for \`${permission}\``;
}

function wouldDenyText(rule: string | null): string {
  return rule === null ? 'with no permissive rule against it' : `with permissive rule \`${rule}\` against it`;
}

function undecidedRules({ policy, rules }: PolicyCoverage): string[] {
  const undecided = rules.filter(({ cases }) => cases === 0);
  if (undecided.length === 0) return [];
  return [
    `no case decides these rules of \`${policy.name}\`:`,
    ...undecided.map(({ rule, file, line }) => `  \`${rule}\` (${file}:${line})`),
  ];
}

function summary({ passed, failed, suites, coverage }: TestReport): string {
  const broken = suites.filter(({ cases }) => cases.length === 0).length;
  const files = broken === 0 ? '' : `, ${broken} ${broken === 1 ? 'file' : 'files'} not run`;
  const share = Math.floor(coveredShare(coverage) * 100);
  return `${passed} passed, ${failed} failed${files}; cases decide ${share}% of the rules`;
}
