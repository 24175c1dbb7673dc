// Policies of several files: the order of their rules, what is wrong between them, and who may write what is included.
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { checkPolicyFile } from '../../src/policy/check.js';
import { formatDiagnostic } from '../../src/policy/diagnostic.js';
import type { RuleDocument } from '../../src/policy/document.js';
import { loadPolicyFile } from '../../src/policy/load.js';
import { requireThat } from '../support/tools.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'include-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, document: object): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o755 });
  writeFileSync(path, JSON.stringify(document, null, 2), { mode: 0o644 });
  return path;
}

function rule(id: string, action = 'domain.stop'): RuleDocument {
  return { id, effect: 'deny', actions: [action] };
}

function policy(include: readonly string[], rest: object = {}): string {
  return write('policy.json', { name: 'p', include, ...rest });
}

/** What is wrong, with the folder left out. */
async function check(file: string): Promise<string[]> {
  return (await checkPolicyFile(file)).map((each) => formatDiagnostic(each).replaceAll(`${folder}/`, ''));
}

function idsOf(file: string): string[] | undefined {
  return loadPolicyFile(file).policy?.rules.map(({ id }) => id);
}

describe('the order of rules', () => {
  test('files before the one that names them, folders by the bytes of their names', () => {
    write('z.json', { rules: [rule('z')], include: ['y.json'] });
    write('y.json', { rules: [rule('y', 'domain.start')] });
    for (const name of ['b', 'a', 'B', 'é', 'a-1'])
      write(`rules/${name}.json`, { rules: [rule(name.replace('é', 'last'))] });
    write('rules/.hidden.json', { rules: [rule('hidden')] });
    write('rules/notes.txt', {});
    expect(idsOf(policy(['z.json', 'rules'], { rules: [rule('own')] }))).toEqual([
      ...['y', 'z'],
      ...['B', 'a-1', 'a', 'b', 'last'],
      'own',
    ]);
  });

  test('the files are told', () => {
    write('rules/a.json', { rules: [] });
    const file = policy(['rules']);
    expect(loadPolicyFile(file).policy?.files).toEqual([file, join(folder, 'rules/a.json')]);
  });

  test('a path from the root, and a link', () => {
    const real = write('elsewhere/a.json', { rules: [rule('a')] });
    symlinkSync(real, join(folder, 'link.json'));
    expect(idsOf(policy([real]))).toEqual(['a']);
    expect(idsOf(policy(['link.json']))).toEqual(['a']);
  });

  test('defaults may stand anywhere, as long as they say the same', async () => {
    write('a.json', { defaults: { read: 'allow' } });
    const agreed = policy(['a.json'], { defaults: { read: 'allow', '*': 'deny' } });
    expect(loadPolicyFile(agreed).policy?.defaults).toMatchObject({ read: 'allow', control: 'deny' });
    expect(await check(policy(['a.json'], { defaults: { read: 'deny' } }))).toEqual([
      'policy.json:7:13: error: `a.json` sets the default of `read` to allow at /defaults/read',
    ]);
  });
});

describe('what is wrong is said of the file that it stands in', () => {
  test('a rule', async () => {
    write('a.json', { rules: [{ ...rule('a'), actions: ['domain.stp'] }] });
    expect(await check(policy(['a.json']))).toEqual([
      'a.json:7:9: error: unknown action `domain.stp` at /rules/0/actions/0 (did you mean `domain.stop`?)',
    ]);
  });

  test('a doubt about a rule that another file comes before', async () => {
    write('a.json', { rules: [rule('first')] });
    expect(await check(policy(['a.json'], { rules: [rule('second')] }))).toEqual([
      'policy.json:8:13: warning: rule `second` never decides: all that it covers is denied by `first` at /rules/0/id',
    ]);
  });

  test('an id that two files use', async () => {
    write('a.json', { rules: [rule('same')] });
    expect(await check(policy(['a.json'], { rules: [rule('same', 'domain.start')] }))).toEqual([
      expect.stringMatching(
        /^policy\.json:8:13: error: rule id `same` is used twice, first in a\.json:4 at \/rules\/0\/id$/,
      ),
    ]);
  });

  test.each<[string, object, string]>([
    [
      'a name',
      { name: 'x' },
      'a.json:2:3: error: unknown property `name` (known: $schema, description, comment, defaults, include, rules) at /name',
    ],
    [
      'a mode',
      { mode: 'disabled' },
      'a.json:2:3: error: unknown property `mode` (known: $schema, description, comment, defaults, include, rules) at /mode',
    ],
  ])('%s in what is included', async (_, document, expected) => {
    write('a.json', document);
    expect(await check(policy(['a.json']))).toEqual([expect.stringContaining(expected)]);
  });
});

test('a file of rules can be checked by itself, and is no policy', async () => {
  const file = write('a.json', { $schema: '../rules.schema.json', rules: [rule('a'), rule('b')] });
  expect(await check(file)).toEqual([
    'a.json:12:13: warning: rule `b` never decides: all that it covers is denied by `a` at /rules/1/id',
  ]);
  expect(loadPolicyFile(file).diagnostics.map(({ message }) => message)).toEqual(['property `name` is missing']);
});

describe('includes that lead nowhere', () => {
  const at = 'policy.json:4:5: error:';

  test('a file that is not there, or no JSON', async () => {
    expect(await check(policy(['no.json']))).toEqual([
      // Within jest the system's errors are of another realm, and not put into words.
      expect.stringMatching(
        /^policy\.json:4:5: error: cannot read `no\.json`: .*no such file or directory.* at \/include\/0$/i,
      ),
    ]);
    writeFileSync(join(folder, 'a.json'), '{', { mode: 0o644 });
    expect(await check(policy(['a.json']))).toEqual(['a.json:1:2: error: expected a closing brace']);
  });

  test('a circle, also through a link', async () => {
    write('a.json', { include: ['b.json'] });
    write('b.json', { include: ['a.json'] });
    expect(await check(policy(['a.json']))).toEqual([
      'b.json:3:5: error: `a.json` includes itself in the end at /include/0',
    ]);
    symlinkSync('policy.json', join(folder, 'itself.json'));
    expect(await check(policy(['itself.json']))).toEqual([
      `${at} \`itself.json\` includes itself in the end at /include/0`,
    ]);
  });

  test('a file twice, under whatever name', async () => {
    write('a.json', { rules: [] });
    symlinkSync('a.json', join(folder, 'b.json'));
    expect(await check(policy(['a.json', 'b.json']))).toEqual([
      'policy.json:5:5: error: `b.json` is included twice, first by policy.json:4 at /include/1',
    ]);
  });
});

describe('who may write', () => {
  const unprivileged = 65534;
  const testAsRoot = requireThat(process.getuid?.() === 0, 'needs root to give files to another user');

  const refused = 'policy.json:4:5: error: others may write to `a.json`, chmod go-w it at /include/0';

  test('a file that all may write', async () => {
    chmodSync(write('a.json', { rules: [] }), 0o646);
    expect(await check(policy(['a.json']))).toEqual([refused]);
  });

  testAsRoot('a file that another group may write, unless the policy is theirs, too', async () => {
    const file = write('a.json', { rules: [] });
    const own = policy(['a.json']);
    for (const path of [file, own]) chownSync(path, 0, unprivileged);
    chmodSync(file, 0o664);
    expect(await check(own)).toEqual([refused]);
    chmodSync(own, 0o664);
    expect(await check(own)).toEqual([]);
  });

  test('a folder that others may write', async () => {
    write('rules/a.json', { rules: [] });
    chmodSync(join(folder, 'rules'), 0o1777);
    expect(await check(policy(['rules']))).toEqual([
      'policy.json:4:5: error: others may write to `rules`, chmod go-w it at /include/0',
    ]);
  });

  testAsRoot('a file of another user, unless the policy is theirs, too', async () => {
    const file = write('a.json', { rules: [] });
    chownSync(file, unprivileged, 0);
    const own = policy(['a.json']);
    expect(await check(own)).toEqual([
      'policy.json:4:5: error: `a.json` belongs to user 65534, who could change this policy at /include/0',
    ]);
    chownSync(own, unprivileged, 0);
    expect(await check(own)).toEqual([]);
  });
});
