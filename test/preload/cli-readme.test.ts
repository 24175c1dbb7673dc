// What the README and the documents say exists, does.
import { copyFileSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { command, virtshim } from '../support/cli.js';
import { makeApp } from '../support/node_apps.js';
import { ROOT, temporaryFolder } from '../support/paths.js';

const documents = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((file) => `docs/${file}`),
];
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

describe.each(documents)('%s', (document) => {
  const text = textOf(document);

  test('links to files that exist', () => {
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, target]) => target ?? '');
    expect(targets.filter((target) => !existsSync(join(ROOT, dirname(document), target)))).toEqual([]);
  });

  test('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm run (?:--silent )?([a-z:]+)/g)].map(([, name]) => name ?? '');
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  test('names commands and options that exist', () => {
    const named = new Set(
      [...text.matchAll(/virtshim ((?:policy|trail) [a-z-]+|run|env|doctor|completion)\b([^\n`]*)/g)].map(
        ([, command = '', rest = '']) =>
          `${command}|${(rest.split(' -- ')[0] ?? '').match(/--[a-z][a-z-]+/g)?.join(' ') ?? ''}`,
      ),
    );
    for (const use of named) {
      const [command = '', options = ''] = use.split('|');
      const help = virtshim([...command.split(' '), '--help']);
      expect(help.status).toBe(0);
      for (const option of options.split(' ')) expect(help.stdout).toContain(option);
    }
  });
});

test("the README's policy has nothing to complain about", () => {
  const [, policy = ''] = /```json\n([^`]+)```/.exec(textOf('README.md')) ?? [];
  const file = join(temporaryFolder('readme'), 'policy.json');
  writeFileSync(file, policy);
  expect(virtshim(['policy', 'check', file]).stdout).toMatch(/: 0 errors, 0 warnings\n$/);
});

/** The blocks of JavaScript in a document that are whole programs, on the test driver. */
function programsOf(document: string): string[] {
  const blocks = [...textOf(document).matchAll(/```js\n([^`]+)```/g)].map(([, block = '']) => block);
  return blocks.filter((block) => block.startsWith('import ') && block.includes("'test:///default'"));
}

describe('programs for Node', () => {
  test("the README's does what the README says", () => {
    const text = textOf('README.md');
    const [, said = ''] = /^ {4}\$ node guests\.mjs\n((?: {4}.+\n)+)/m.exec(text) ?? [];
    const app = makeApp({ 'guests.mjs': programsOf('README.md')[0] ?? '' });
    copyFileSync(join(ROOT, 'policies/operator.json'), join(app, 'policy.json'));
    const run = command(process.execPath, ['guests.mjs'], { cwd: app });
    expect(run).toMatchObject({ status: 0, stderr: '', stdout: said.replace(/^ {4}/gm, '') });
    expect(readFileSync(join(app, 'trail/trail.xml'), 'utf8')).toContain('actor="mia" via="web shop"');
  });

  const programs = programsOf('docs/node.md');

  test.each(programs.map((program, index) => [index, program] as const))('docs/node.md, number %i', (_, program) => {
    const app = makeApp({ 'program.mjs': program });
    symlinkSync(join(ROOT, 'policies'), join(app, 'policies'));
    const run = command(process.execPath, ['program.mjs'], { cwd: app, env: { VIRTSHIM_TRAIL: join(app, 'trail') } });
    expect(run).toMatchObject({ status: 0, stderr: '' });
  });
});
