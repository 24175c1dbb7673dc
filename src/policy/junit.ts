/** Reports of cases as JUnit XML, the form that build servers read. */
import { formatDiagnostic } from './diagnostic.js';
import type { TestedCase, TestReport, TestSuite } from './test.js';
import { expectationText, failureLines } from './test_text.js';

/** One suite a file of cases; a file that could not be run is a suite with one error. */
export function junitXml({ suites }: TestReport): string {
  const all = suites.map(countsOf);
  const sum = (of: (counts: Counts) => number) => all.reduce((total, counts) => total + of(counts), 0);
  const counts = {
    tests: sum((one) => one.tests),
    failures: sum((one) => one.failures),
    errors: sum((one) => one.errors),
  };
  const seconds = suites.reduce((total, suite) => total + suite.seconds, 0);
  const body = suites.map(suiteXml).join('');
  const root = element('testsuites', { name: 'virtshim policy test', ...counts, time: time(seconds) }, `\n${body}`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root}`;
}

interface Counts {
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
}

function countsOf({ cases }: TestSuite): Counts {
  if (cases.length === 0) return { tests: 1, failures: 0, errors: 1 };
  return { tests: cases.length, failures: cases.filter(({ passed }) => !passed).length, errors: 0 };
}

function suiteXml(suite: TestSuite): string {
  const attributes = { name: suite.file, ...countsOf(suite), skipped: 0, time: time(suite.seconds) };
  const body = suite.cases.length === 0 ? brokenXml(suite) : suite.cases.map((one) => caseXml(suite, one)).join('');
  return element('testsuite', attributes, `\n${body}`);
}

function caseXml({ file, policy, cases, seconds }: TestSuite, one: TestedCase): string {
  const attributes = {
    ...{ name: `${one.title} (line ${one.line})`, classname: policy?.name ?? file },
    ...{ file, line: one.line, time: time(seconds / cases.length) },
  };
  if (one.passed) return element('testcase', attributes, '');
  const message = `expected ${expectationText(one.expected)}`;
  return element('testcase', attributes, element('failure', { message, type: 'decision' }, text(failureLines(one))));
}

function brokenXml({ file, diagnostics }: TestSuite): string {
  const error = element(
    'error',
    { message: 'no case was run', type: 'cases' },
    text(diagnostics.map(formatDiagnostic)),
  );
  return element('testcase', { name: file, classname: file, file, time: time(0) }, error);
}

function element(name: string, attributes: Readonly<Record<string, string | number>>, content: string): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`);
  return content === '' ? `<${name}${list.join('')}/>\n` : `<${name}${list.join('')}>${content}</${name}>\n`;
}

const text = (lines: readonly string[]): string => escaped(lines.join('\n'));

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

// XML has no word at all for control characters, lone surrogates, U+FFFE and U+FFFF.
function escaped(value: string): string {
  return value
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"]/g, (character) => entities[character] ?? character);
}

const time = (seconds: number): string => seconds.toFixed(3);
