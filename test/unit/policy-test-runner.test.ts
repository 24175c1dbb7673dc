// Cases of policies: what is run, what is said of those that fail, which rules none decides, and JUnit XML.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { SaxesParser } from 'saxes';
import type { PolicyDocument } from '../../src/policy/document.js';
import { junitXml } from '../../src/policy/junit.js';
import { namesWith } from '../../src/policy/name_service.js';
import { coveredShare, testPolicies } from '../../src/policy/test.js';
import { policyMatchers, testedPolicy } from '../../src/policy/test_matchers.js';
import { testReportLines } from '../../src/policy/test_text.js';
import { temporaryFolder } from '../support/paths.js';

const policy: Partial<PolicyDocument> = {
  defaults: { '*': 'deny', read: 'allow' },
  rules: [
    { id: 'no-stop', effect: 'deny', actions: ['domain.stop'] },
    { id: 'start', effect: 'allow', actions: ['domain.start'] },
    { id: 'watched', effect: 'deny', actions: ['domain.suspend'], mode: 'permissive' },
    { id: 'suspend', effect: 'allow', actions: ['domain.suspend'] },
    { id: 'off', effect: 'deny', actions: ['*'], mode: 'disabled' },
  ],
};

const one = (name: string, expected: object, more: object = {}) => ({
  call: { function: name, ...more },
  expect: expected,
});

interface Files {
  readonly [name: string]: unknown;
}

/** A folder with these files; texts stay as they are. */
function folderWith(files: Files): string {
  const folder = temporaryFolder('cases');
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  }
  return folder;
}

const passing = { policy: 'p.json', cases: [one('virDomainDestroy', { effect: 'deny', rule: 'no-stop' })] };
const failing = { policy: 'p.json', cases: [one('virDomainCreate', { effect: 'deny', rule: 'no-start' })] };
const named = { ...policy, name: 'p' };

describe('what is run', () => {
  test('a file of cases, a policy with one beside it, a folder with all in it', () => {
    const folder = folderWith({
      ...{ 'p.json': named, 'p.cases.json': passing, 'sub/q.cases.json': { ...failing, policy: '../p.json' } },
      ...{ 'node_modules/x/y.cases.json': failing, 'notes.txt': 'no cases' },
    });
    const files = (path: string) =>
      testPolicies([join(folder, path)]).suites.map(({ file }) => file.slice(folder.length + 1));
    expect(files('p.cases.json')).toEqual(['p.cases.json']);
    expect(files('p.json')).toEqual(['p.cases.json']);
    expect(files('')).toEqual(['p.cases.json', 'sub/q.cases.json']);
  });

  test('by another policy, whatever the cases name', () => {
    const folder = folderWith({ 'p.json': named, 'p.cases.json': passing, 'new.json': { name: 'new' } });
    expect(testPolicies([folder], { policy: join(folder, 'new.json') })).toMatchObject({ passed: 0, failed: 1 });
  });

  test.each([
    ['nowhere', /`.*nowhere` does not exist/],
    ['empty', /`.*empty` holds no cases/],
    ['p.json', /policy `.*p.json` has no cases/],
  ])('%s is an error', (path, message) => {
    const folder = folderWith({ 'p.json': named, 'empty/notes.txt': '' });
    expect(() => testPolicies([join(folder, path)])).toThrow(
      expect.objectContaining({ code: 'VIRTSHIM_FILE', message: expect.stringMatching(message) }),
    );
  });
});

describe('a case that fails', () => {
  const folder = folderWith({ 'p.json': named, 'p.cases.json': failing });
  const report = testPolicies([join(folder, 'p.json')]);

  test('says what was decided instead, and why', () => {
    expect(report).toMatchObject({ ok: false, passed: 0, failed: 1 });
    expect(report.suites[0]?.cases[0]).toMatchObject({
      ...{ line: 4, title: 'virDomainCreate', passed: false },
      explanation: { verdict: 'permitted', decidedBy: { rule: 'start', line: 15 } },
    });
    expect(testReportLines(report)).toEqual(
      expect.arrayContaining([
        `FAIL ${folder}/p.cases.json:4: virDomainCreate`,
        '     expected: deny by rule `no-start`',
        '     got:      allow by rule `start`',
        `     by allow rule \`start\` (${folder}/p.json:15)`,
      ]),
    );
  });

  test.each([
    [
      { effect: 'deny', permission: 'domain.write' },
      'deny for `domain.write`',
      'deny by rule `no-stop` for no permission',
    ],
    [
      { effect: 'deny', reasonMissing: true },
      'deny with a reason missing',
      'deny by rule `no-stop` with no reason missing',
    ],
    [
      { effect: 'deny', wouldDeny: 'x' },
      'deny with permissive rule `x` against it',
      'with no permissive rule against it',
    ],
    [{ effect: 'deny', rule: null }, 'deny by default', 'deny by rule `no-stop`'],
  ])('on %j', (expected, wanted, got) => {
    const cases = { policy: 'p.json', cases: [one('virDomainDestroy', expected)] };
    const lines = testReportLines(testPolicies([folderWith({ 'p.json': named, 'p.cases.json': cases })]));
    expect(lines).toContain(`     expected: ${wanted}`);
    expect(lines.find((line) => line.includes('got:'))).toContain(got);
  });
});

describe('coverage', () => {
  const cases = {
    policy: 'p.json',
    cases: [
      one('virDomainDestroy', { effect: 'deny' }),
      one('virDomainSuspend', { effect: 'allow', wouldDeny: 'watched' }),
    ],
  };

  test('counts the cases that a rule decides, or would; rules that are disabled do not count', () => {
    const folder = folderWith({
      'p.json': named,
      'a.cases.json': cases,
      'b.cases.json': { ...passing, policy: join('.', 'p.json') },
    });
    const report = testPolicies([folder]);
    expect(report.coverage).toHaveLength(1);
    expect(report.coverage[0]?.rules.map(({ rule, cases: count, line }) => [rule, count, line])).toEqual([
      ['no-stop', 2, 8],
      ['start', 0, 15],
      ['watched', 1, 22],
      ['suspend', 1, 30],
    ]);
    expect(coveredShare(report.coverage)).toBe(0.75);
    expect(testReportLines(report).slice(-3)).toEqual([
      'no case decides these rules of `p`:',
      `  \`start\` (${folder}/p.json:15)`,
      '3 passed, 0 failed; cases decide 75% of the rules',
    ]);
  });

  test('of no rules is whole', () => {
    expect(coveredShare([])).toBe(1);
  });
});

describe('files that cannot be run', () => {
  test.each([
    [
      'a misspelt fact',
      { cases: [{ call: { function: 'virDomainDestroy', usr: 'x' }, expect: { effect: 'deny' } }], policy: 'p.json' },
      'unknown property `usr`',
    ],
    ['no JSON', '{ "cases": [', 'p.cases.json:1:'],
    ['a policy with an error', { ...passing, policy: 'broken.json' }, 'unknown action `domain.stp`'],
  ])('%s: a failure, not a pass', (_, cases, complaint) => {
    const broken = { name: 'b', rules: [{ id: 'a', effect: 'deny', actions: ['domain.stp'] }] };
    const folder = folderWith({ 'p.json': named, 'p.cases.json': cases, 'broken.json': broken });
    const report = testPolicies([join(folder, 'p.cases.json')]);
    expect(report).toMatchObject({ ok: false, passed: 0, failed: 0 });
    const lines = testReportLines(report);
    expect(lines[0]).toContain(complaint);
    expect(lines).toContain(`FAIL ${folder}/p.cases.json: no case was run`);
  });
});

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

/** The elements in their order; throws where it is not well-formed. */
function elementsOf(xml: string): Element[] {
  const elements: Element[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => elements.push({ name, attributes, text: '' }));
  parser.on('text', (text) => {
    const last = elements.at(-1);
    if (last !== undefined && text.trim() !== '') last.text += text;
  });
  parser.write(xml).close();
  return elements;
}

describe('JUnit XML', () => {
  test('has a suite a file, its counts, and what failed', () => {
    const folder = folderWith({
      'p.json': named,
      'a.cases.json': passing,
      'b.cases.json': failing,
      'c.cases.json': '[',
    });
    const elements = elementsOf(junitXml(testPolicies([folder])));
    expect(elements.map(({ name }) => name)).toEqual([
      'testsuites',
      ...['testsuite', 'testcase'],
      ...['testsuite', 'testcase', 'failure'],
      ...['testsuite', 'testcase', 'error'],
    ]);
    const [all, , passed, b, failed, failure, c, , error] = elements;
    expect(all?.attributes).toMatchObject({ tests: '3', failures: '1', errors: '1' });
    expect(passed?.attributes).toMatchObject({
      name: 'virDomainDestroy (line 4)',
      classname: 'p',
      file: `${folder}/a.cases.json`,
    });
    expect(b?.attributes).toMatchObject({ name: `${folder}/b.cases.json`, tests: '1', failures: '1', errors: '0' });
    expect(failed?.attributes.line).toBe('4');
    expect(failure).toMatchObject({
      attributes: { message: 'expected deny by rule `no-start`' },
      text: expect.stringContaining('got:      allow'),
    });
    expect(c?.attributes).toMatchObject({ tests: '1', errors: '1' });
    expect(error?.text).toContain('c.cases.json:1:');
    for (const { attributes } of elements)
      if (attributes.time !== undefined) expect(attributes.time).toMatch(/^\d+\.\d{3}$/);
  });

  test('holds whatever a comment says', () => {
    const comment = '<b> & "quoted" \u001b[2J \ud800 \u{1f600} \uffff ]]>';
    const cases = { policy: 'p.json', cases: [{ comment, ...one('virDomainCreate', { effect: 'deny' }) }] };
    const report = testPolicies([folderWith({ 'p.json': named, 'p.cases.json': cases })]);
    const [, , testcase] = elementsOf(junitXml(report));
    expect(testcase?.attributes.name).toContain('<b> & "quoted" \ufffd[2J \ufffd \u{1f600} \ufffd ]]>');
  });
});

describe('matchers', () => {
  const file = join(folderWith({ 'p.json': named }), 'p.json');
  const { toAllow, toDeny } = policyMatchers;

  test('pass and fail as the policy decides', () => {
    expect(toDeny(file, 'virDomainDestroy').pass).toBe(true);
    expect(toDeny(file, 'virDomainDestroy', { rule: 'no-stop' }).pass).toBe(true);
    expect(toDeny(file, 'virDomainDestroy', { rule: 'other' }).pass).toBe(false);
    expect(toAllow(file, { function: 'virDomainCreate', resource: { name: 'web' } }).pass).toBe(true);
    expect(toAllow(file, 'virDomainDestroy').pass).toBe(false);
  });

  test('say what was decided and why, also under not', () => {
    expect(toAllow(file, 'virDomainDestroy').message()).toContain(
      'expected: allow\ngot:      deny by rule `no-stop`\n',
    );
    expect(toDeny(file, 'virDomainDestroy').message()).toContain('expected: not deny\n');
  });

  test('know accounts that the machine does not', () => {
    const rules = [
      { id: 'mia', effect: 'allow' as const, actions: ['domain.start'], subjects: { users: ['mia-of-tests'] } },
    ];
    const its = join(folderWith({ 'p.json': { name: 'p', rules } }), 'p.json');
    const tested = testedPolicy(its, { users: { 'mia-of-tests': { uid: 70001 } } });
    expect(toAllow(tested, { function: 'virDomainCreate', user: 'mia-of-tests' }).pass).toBe(true);
    expect(toAllow(tested, { function: 'virDomainCreate', uid: 5 }).pass).toBe(false);
    expect(namesWith({ users: {} }).user('mia-of-tests')).toBeUndefined();
  });

  test.each([[42], [null], [{ image: 'x' }]])('%j is no policy', (received) => {
    expect(() => toAllow(received, 'virDomainCreate')).toThrow('expected the path of a policy');
  });

  test('a misspelt call is no pass under not', () => {
    expect(() => toAllow(file, 'virDomainCreat')).toThrow(
      'unknown function `virDomainCreat` at /function (did you mean `virDomainCreate`?)',
    );
  });
});
