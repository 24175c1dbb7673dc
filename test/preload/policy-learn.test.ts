// Policies learnt from what virsh did under the shim in permissive mode, or imported, and enforced on virsh; and compared.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect } from '@jest/globals';
import type { PolicyDiff } from '../../src/policy/diff.js';
import type { LearntPolicy } from '../../src/policy/learn.js';
import { virtshim } from '../support/cli.js';
import { ROOT, temporaryFolder } from '../support/paths.js';
import { findTool, requireTool } from '../support/tools.js';

const test = requireTool('virsh');
const folder = temporaryFolder('learn');
const trail = join(folder, 'trail');
const file = join(folder, 'learnt.json');

const session = [
  'list --all',
  'suspend test',
  'resume test',
  'setmem test 1048576',
  'dominfo test',
  'snapshot-create-as test s1',
  'snapshot-list test',
  'pool-list',
  'vol-list default-pool',
  'net-info default',
  'dumpxml test',
].join('; ');

/** Runs virsh commands under the policy and says what was refused. */
function virsh(policy: string, commands: string, into = temporaryFolder('trail')) {
  const run = virtshim(['run', '--policy', policy, '--trail', into, '--', 'virsh', '-c', 'test:///default', commands]);
  return { ...run, refused: [...run.stderr.matchAll(/access denied: (vir\w+)/g)].map(([, name]) => name) };
}

beforeAll(() => {
  if (findTool('virsh') === undefined) return;
  virsh(join(ROOT, 'policies/permissive-learn.json'), session, trail);
});

const learn = (...options: string[]) => virtshim(['policy', 'learn', trail, ...options]);

describe('learnt from virsh', () => {
  test('the policy passes its check and lets the same session through, and nothing that was not in it', () => {
    const run = learn('-o', file);
    expect(run).toMatchObject({ status: 0, stdout: '' });
    expect(run.stderr).toMatch(/^\d+ rules from \d+ calls\n/);
    expect(virtshim(['policy', 'check', file]).status).toBe(0);
    const again = virsh(file, session);
    expect(again.refused).toEqual([]);
    expect(again.status).toBe(0);
    expect(virsh(file, 'destroy test')).toMatchObject({ status: 1, refused: ['virDomainDestroy'] });
    expect(virsh(file, 'setmem test 524288').refused).toEqual(['virDomainSetMemoryFlags']);
    expect(virsh(file, 'dumpxml test --security-info').refused).toEqual(['virDomainGetXMLDesc']);
  });

  test('a range of arguments, any name: no further than that', () => {
    const wider = join(folder, 'wider.json');
    expect(learn('--arguments', 'any', '--names', 'any', '-o', wider).status).toBe(0);
    expect(virsh(wider, 'setmem test 524288').refused).toEqual([]);
    expect(virsh(wider, 'dumpxml test --security-info').refused).toEqual(['virDomainGetXMLDesc']);
    expect(virsh(wider, 'destroy test').refused).toEqual(['virDomainDestroy']);
  });

  test('scored on what was held out', () => {
    const text = learn('--hold-out', '30%').stderr;
    expect(text).toMatch(/\nheld out: \d+ calls, \d+ allowed \(\d+\.\d%\)\n( {2}refused: vir\w+.*\n)+/);
    expect(text).toMatch(/\nallowed that never occurred: \d+ of \d+ allowed combinations/);
    const tuesday = join(folder, 'tuesday');
    virsh(join(ROOT, 'policies/permissive-learn.json'), 'suspend test; resume test', tuesday);
    const learnt = JSON.parse(learn('--score', tuesday, '--json').stdout) as LearntPolicy;
    expect(learnt.score?.calls).toBeGreaterThan(5);
    expect(learnt.score?.allowed).toBe(learnt.score?.calls);
  });

  test('the text goes to standard output where no file is named, the same each time', () => {
    const { stdout } = learn();
    expect(stdout).toBe(readFileSync(file, 'utf8'));
    expect(learn().stdout).toBe(stdout);
  });

  test('a trail that is not there, a share that is none, a file that cannot be written', () => {
    expect(virtshim(['policy', 'learn', join(folder, 'none')]).status).toBe(3);
    expect(learn('--hold-out', '120%').status).toBe(2);
    const run = learn('-o', '/no/such/folder/p.json');
    expect(run.status).toBe(3);
    expect(run.stderr).toContain('cannot write `/no/such/folder/p.json`: no such file or directory');
  });
});

describe('policy diff', () => {
  const operator = join(ROOT, 'policies/operator.json');

  test('on what virsh did: by user, with the records; and calls that nobody made', () => {
    const run = virtshim(['policy', 'diff', file, operator, '--trail', trail]);
    expect(run).toMatchObject({ status: 1, stderr: '' });
    expect(run.stdout).toMatch(/^recorded traffic: \d+ of \d+ calls change their verdict\n {2}root: \d+ calls\n/);
    expect(run.stdout).toMatch(
      /1 x virDomainSetMemoryFlags on `test`: permitted by `root-resource-domain` -> denied by `operator-no-define`; record [0-9a-f]{16}\n/,
    );
    const example = /rule `operator-start` \(added\).*\n {2}virtshim (policy explain .*)\n/.exec(run.stdout)?.[1] ?? '';
    expect(virtshim(example.split(' ')).stdout).toContain('permitted\nby allow rule `operator-start`');
    expect(run.stdout).toMatch(/\nthey differ\n$/);
  });

  test('a policy and itself, its image, and one that says the same', () => {
    const same = virtshim(['policy', 'diff', operator, operator]);
    expect(same).toMatchObject({ status: 0, stdout: 'the same: both compile to one image\n' });
    const image = join(folder, 'operator.img');
    expect(virtshim(['policy', 'compile', operator, '-o', image]).status).toBe(0);
    const diff = JSON.parse(virtshim(['policy', 'diff', '--json', image, operator]).stdout) as PolicyDiff;
    expect(diff).toMatchObject({ differs: false, same: 'image' });
  });

  test('a policy that cannot be used', () => {
    expect(virtshim(['policy', 'diff', operator, '/no/such.json']).status).toBe(3);
    expect(virtshim(['policy', 'diff', operator, join(ROOT, 'README.img')]).status).toBe(3);
  });
});

describe('policy import-polkit', () => {
  const rules = join(folder, '50-web.rules');
  const text = `polkit.addRule(function(action, subject) {
  if (action.id == "org.libvirt.api.domain.suspend" && /^te/.test(action.lookup("domain_name"))) {
    return polkit.Result.YES;
  }
});
`;

  test('the rules become a policy, which holds on virsh', () => {
    writeFileSync(rules, text);
    const imported = join(folder, 'web.json');
    const run = virtshim(['policy', 'import-polkit', rules, '-o', imported]);
    expect(run).toMatchObject({ status: 0, stdout: '', stderr: '3 rules, nothing left out\n' });
    expect(virtshim(['policy', 'check', imported]).stdout).toMatch(/0 errors, 0 warnings\n$/);
    expect(virsh(imported, 'list; suspend test').refused).toEqual([]);
    expect(virsh(imported, 'resume test').refused).toEqual([]);
    expect(virsh(imported, 'destroy test').refused).toEqual(['virDomainDestroy']);
    writeFileSync(rules, text.replace('/^te/', '/^web-/'));
    expect(virtshim(['policy', 'import-polkit', rules, '-o', imported]).status).toBe(0);
    expect(virsh(imported, 'suspend test').refused).toEqual(['virDomainSuspend']);
  });

  test('what is left out is told with its line, and by the exit code', () => {
    writeFileSync(rules, text.replace('subject) {', 'subject) {\n  if (!subject.local) return polkit.Result.NO;'));
    const run = virtshim(['policy', 'import-polkit', rules]);
    expect(run.status).toBe(1);
    expect(run.stderr).toContain(`${rules}:2:8: left out: cannot be asked here: \`subject.local\`\n`);
    writeFileSync(rules, 'polkit.addRule(');
    expect(virtshim(['policy', 'import-polkit', rules])).toMatchObject({ status: 2, stdout: '' });
  });
});
