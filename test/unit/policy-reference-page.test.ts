// Every example of the pages on policies loads, and is nothing that `policy check` would doubt.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { checkPolicy } from '../../src/policy/check.js';
import { formatDiagnostic } from '../../src/policy/diagnostic.js';
import { conditionKinds } from '../../src/policy/image_layout.js';
import { allConditions } from '../../src/policy/implication.js';
import { loadPolicy } from '../../src/policy/load.js';
import { setNames } from '../../src/policy/sets.js';
import { ROOT } from '../support/paths.js';

const pages = ['policy.md', 'policy-limits.md', 'policy-xml.md', 'policies.md', 'policy-facts.md'].filter((page) =>
  existsSync(join(ROOT, 'docs', page)),
);

interface Example {
  readonly page: string;
  readonly line: number;
  readonly text: string;
}

function examplesOf(page: string): Example[] {
  const text = readFileSync(join(ROOT, 'docs', page), 'utf8');
  return [...text.matchAll(/```json\n(.*?)```/gs)].map((match) => {
    return { page, line: text.slice(0, match.index).split('\n').length + 1, text: match[1] ?? '' };
  });
}

/** What the example would be as a file: a policy as it is, a rule or several within one. */
function policyOf(text: string): object {
  const value = JSON.parse(text) as { name?: string } | object[];
  if (!Array.isArray(value) && value.name !== undefined) return value;
  return { name: 'example', rules: Array.isArray(value) ? value : [value] };
}

const examples = pages.flatMap(examplesOf);

describe('examples', () => {
  test.each(examples.map((example) => [`${example.page}:${example.line}`, example] as const))('%s', (_, { text }) => {
    // Beside the shipped policies, whose guards one of them includes.
    const file = join(ROOT, 'policies', 'example.json');
    const { policy, diagnostics } = loadPolicy(JSON.stringify(policyOf(text), null, 2), file);
    const doubts = policy === undefined ? [] : checkPolicy(policy);
    expect([...diagnostics, ...doubts].map(formatDiagnostic)).toEqual([]);
  });
});

describe('docs/policy.md', () => {
  const page = readFileSync(join(ROOT, 'docs/policy.md'), 'utf8');

  test('has an example for each condition', () => {
    const rules = examples
      .filter((example) => example.page === 'policy.md')
      .flatMap(
        ({ text }) => loadPolicy(JSON.stringify(policyOf(text)), join(ROOT, 'policies/x.json')).policy?.rules ?? [],
      );
    const shown = new Set(rules.flatMap((rule) => allConditions(rule).map(({ kind }) => kind)));
    expect(conditionKinds.filter((kind) => !shown.has(kind))).toEqual([]);
  });

  test('names every property of the schema and every set', () => {
    const schema = JSON.parse(readFileSync(join(ROOT, 'policies/policy.schema.json'), 'utf8')) as Schema;
    const blocks = ['rule', 'subjects', 'connections', 'resources', 'monitor', 'comparison', 'rate'];
    const names = [
      ...Object.keys(schema.properties),
      ...blocks.flatMap((block) => Object.keys(schema.$defs[block]?.properties ?? {})),
      ...Object.keys(schema.$defs.times?.items?.properties ?? {}),
      ...setNames,
    ];
    expect(names.filter((name) => !new RegExp(`[\`"]${name.replace('$', '\\$')}[\`"]`).test(page))).toEqual([]);
    expect(names.length).toBeGreaterThan(60);
  });
});

interface Schema {
  readonly properties: object;
  readonly $defs: Readonly<
    Record<string, { readonly properties?: object; readonly items?: { readonly properties?: object } }>
  >;
}
