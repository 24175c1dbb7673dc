// The policies that ship do what their cases say, and nothing in them is doubtful.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { functions } from '../../src/generated/api.js';
import { native } from '../../src/native.js';
import { runCases } from '../../src/policy/cases.js';
import { checkPolicyFile } from '../../src/policy/check.js';
import { compilePolicy } from '../../src/policy/compile.js';
import { formatDiagnostic } from '../../src/policy/diagnostic.js';
import { loadPolicy, loadPolicyFile } from '../../src/policy/load.js';
import { ROOT } from '../support/paths.js';

const folder = join(ROOT, 'policies');
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.cases.json'))
  .map((file) => file.slice(0, -'.cases.json'.length));

describe('the policies that ship', () => {
  test('are these', () => {
    expect(names.sort()).toEqual([
      'blast-radius',
      'change-window',
      'cpu-protections',
      'encrypted-images',
      'encrypted-remote-only',
      'guarded-network',
      'least-privilege',
      'no-host-escape',
      'operator',
      'permissive-learn',
      'read-only',
      'require-confinement',
      'resource-limits',
    ]);
  });

  test.each(names)('%s says whom it serves', (name) => {
    expect(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))).toMatchObject({
      name,
      comment: expect.stringMatching(/^For /),
    });
  });

  test.each(names)('every rule of %s decides one of its cases', (name) => {
    const { judgedBy, results } = runCases(join(folder, `${name}.cases.json`));
    const decided = new Set(results.map((result) => result.decision.rule));
    expect(judgedBy?.policy.rules.map((rule) => rule.id).filter((id) => !decided.has(id))).toEqual([]);
  });

  test('compose: the guards of every policy in one', async () => {
    const guards = readdirSync(join(folder, 'guards')).map((file) => join(folder, 'guards', file));
    const document = { name: 'all', defaults: { '*': 'allow' }, include: guards };
    const { policy, diagnostics } = loadPolicy(JSON.stringify(document), 'all.json');
    expect(diagnostics.map(formatDiagnostic)).toEqual([]);
    expect(policy?.rules.length).toBeGreaterThan(50);
  });

  test.each(names)('%s has neither errors nor warnings', async (name) => {
    const diagnostics = await checkPolicyFile(join(folder, `${name}.json`));
    expect(diagnostics.map(formatDiagnostic)).toEqual([]);
  });

  test.each(names)('%s decides its cases', (name) => {
    const { diagnostics, results } = runCases(join(folder, `${name}.cases.json`));
    expect(diagnostics.map(formatDiagnostic)).toEqual([]);
    expect(results.length).toBeGreaterThan(5);
    expect(results.filter((result) => !result.passed)).toEqual([]);
  });
});

describe('permissive-learn', () => {
  test('can refuse nothing and records every call that is not a helper', async () => {
    const { policy } = loadPolicyFile(join(folder, 'permissive-learn.json'));
    if (policy === undefined) throw new Error('permissive-learn does not load');
    const { image } = await compilePolicy(policy);
    if (image === undefined) throw new Error('permissive-learn does not compile');
    for (const fn of functions) {
      const about = native().functionPolicy(image, fn.name);
      expect([fn.name, about.mayRefuse, about.mayRefuseNested]).toEqual([fn.name, false, false]);
      const pair = fn.stateChanging || fn.class === 'admin';
      const expected = fn.class === 'helper' ? 'none' : pair ? 'request-response' : 'response';
      expect([fn.name, about.auditLevel]).toEqual([fn.name, expected]);
    }
  });
});

test('a case that does not hold is reported with its line', () => {
  const { results } = runCases(join(ROOT, 'test/fixtures/policy/wrong.cases.json'));
  expect(results.map(({ line, title, passed, decision }) => ({ line, title, passed, rule: decision.rule }))).toEqual([
    { line: 4, title: 'virDomainDestroy', passed: false, rule: 'operator-no-destroy' },
    { line: 8, title: 'virDomainSuspend: holds', passed: true, rule: 'operator-suspend' },
  ]);
});

test('a misspelt case is an error, not a pass', () => {
  const { diagnostics, results } = runCases(join(ROOT, 'test/fixtures/policy/misspelt.cases.json'));
  expect(results).toEqual([]);
  expect(diagnostics.map((diagnostic) => [diagnostic.line, diagnostic.message, diagnostic.suggestion])).toEqual([
    [4, 'unknown function `virDomainDestory`', 'virDomainDestroy'],
    [7, '`virDomainDestroyFlags` has no argument `flag` that could be given here', 'flags'],
    [11, 'unknown constant `VIR_DOMAIN_DESTROY_GRACEFULL`', 'VIR_DOMAIN_DESTROY_GRACEFUL'],
  ]);
});
