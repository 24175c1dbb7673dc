// The other commands, as processes.
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { command, VIRTSHIM, virtshim } from '../support/cli.js';
import { ROOT, SHIM, temporaryFolder } from '../support/paths.js';
import { findTool, requireTool } from '../support/tools.js';

const withVirsh = requireTool('virsh');
const policyFile = (text: string): string => {
  const file = join(temporaryFolder('policy'), 'policy.json');
  writeFileSync(file, text);
  return file;
};

describe('help and usage', () => {
  const COMMANDS = [
    'run',
    'env',
    'policy check',
    'policy explain',
    'policy test',
    'policy who-can',
    'policy compile',
    'policy install',
    'policy learn',
    'policy diff',
    'policy import-polkit',
    'policy status',
    'trail show',
    'trail follow',
    'trail export',
    'trail verify',
    'doctor',
    'completion',
  ];

  test.each(['', ...COMMANDS])('`virtshim %s --help` has examples', (path) => {
    const run = virtshim([...path.split(' ').filter((word) => word !== ''), '--help']);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(run.stdout).toMatch(/^Usage: virtshim/);
    expect(run.stdout).toMatch(/\nExamples:\n {2}\S/);
  });

  test("the version is the package's", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(virtshim(['--version']).stdout).toBe(`${version}\n`);
  });

  test.each([[[]], [['nonsense']], [['policy']], [['env', '--bogus']], [['trail', 'show', '--format', 'yaml']]])(
    '%j is wrong usage',
    (args) => {
      const run = virtshim(args);
      expect(run).toMatchObject({ status: 2, stdout: '' });
      expect(run.stderr).toMatch(/^(virtshim: error: |Usage: )/);
    },
  );

  test('an unknown option is answered with the one that was meant', () => {
    expect(virtshim(['env', '--polixy', 'x']).stderr).toContain('--policy');
  });

  test('a time that is none', () => {
    const run = virtshim(['trail', 'show', temporaryFolder('none'), '--since', 'once']);
    expect(run.status).toBe(2);
    expect(run.stderr).toContain('`once` is not a time');
  });
});

describe('policy check and compile', () => {
  test.each(['read-only', 'operator', 'permissive-learn'])(
    '%s, which comes with virtshim, has nothing to complain about',
    (name) => {
      const run = virtshim(['policy', 'check', join(ROOT, `policies/${name}.json`)]);
      expect(run).toMatchObject({ status: 0, stderr: '' });
      expect(run.stdout).toMatch(/can be used: 0 errors, 0 warnings\n$/);
    },
  );

  test('an error: where, what, and what was meant', () => {
    const file = policyFile('{\n  "name": "p",\n  "defaults": { "raed": "allow" }\n}\n');
    const run = virtshim(['policy', 'check', file]);
    expect(run.status).toBe(1);
    expect(run.stdout).toContain(`${file}:3:17: error: unknown property \`raed\``);
    expect(run.stdout).toContain('did you mean `read`');
    const [diagnostic] = JSON.parse(virtshim(['policy', 'check', '--json', file]).stdout) as unknown[];
    expect(diagnostic).toMatchObject({ severity: 'error', line: 3, column: 17, suggestion: 'read' });
    expect(virtshim(['policy', 'compile', file, '-o', `${file}.img`]).status).toBe(3);
    expect(existsSync(`${file}.img`)).toBe(false);
  });

  test('a file that is not there, a place that cannot be written', () => {
    expect(virtshim(['policy', 'check', '/no/such/file'])).toMatchObject({ status: 3, stdout: '' });
    const run = virtshim(['policy', 'compile', policyFile('{ "name": "p" }'), '-o', '/no/such/folder/p.img']);
    expect(run.status).toBe(3);
    expect(run.stderr).toContain('cannot write `/no/such/folder/p.img`: no such file or directory');
  });

  test('what a hostile policy says cannot steer the terminal', () => {
    const file = policyFile('{ "name": "p", "\\u001b[31mx": 1 }');
    expect(virtshim(['policy', 'check', file]).stdout).toContain('\\x1b[31mx');
  });
});

describe('trail show and verify', () => {
  let trail: string;
  let refusedId: string;

  beforeAll(() => {
    if (findTool('virsh') === undefined) return;
    trail = temporaryFolder('trail');
    const run = ['run', '--policy', join(ROOT, 'policies/operator.json'), '--trail', trail, '--'];
    virtshim([...run, 'virsh', '-c', 'test:///default', 'suspend test; resume test; resume test; start nobody']);
    const refused = virtshim([...run, 'virsh', '-c', 'test:///default', 'destroy', 'test']);
    refusedId = /\(record ([0-9a-f]{16})\)/.exec(refused.stderr)?.[1] ?? '';
  });

  const show = (...args: string[]) => virtshim(['trail', 'show', trail, ...args]);

  withVirsh('a table with one row a call', () => {
    const rows = show('--vm', 'test').stdout.split('\n').slice(1, -1);
    const outcomes = rows.map((row) => /virDomain(\w+) +domain test +([\w-]+)/.exec(row)?.slice(1).join(' '));
    expect(outcomes).toEqual(['Suspend permitted', 'Resume permitted', 'Resume failed', 'Destroy denied']);
    expect(show('--vm', 'nobody').stdout).toBe('no records\n');
  });

  withVirsh('the record that a refusal names, as XML', () => {
    const lines = show('--rid', refusedId, '--format', 'xml').stdout;
    expect(lines).toMatch(/^<methodresponse [^\n]*<event>virDomainDestroy<\/event>[^\n]*<state>0<\/state>[^\n]*\n$/);
    expect(readFileSync(join(trail, 'trail.xml'), 'utf8')).toContain(lines);
  });

  withVirsh('JSON, one object a line', () => {
    const records = show('--verdict', 'failed', '--format', 'json')
      .stdout.trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records).toEqual([expect.objectContaining({ event: 'virDomainResume', success: false })]);
  });

  requireTool('virsh', 'ausearch')('audit text that the real ausearch reads', () => {
    const log = join(temporaryFolder('audit'), 'audit.log');
    writeFileSync(log, show('--format', 'audit').stdout);
    const found = command('ausearch', ['-if', log, '-m', 'VIRT_CONTROL', '-sv', 'no', '--raw']).stdout;
    expect(found.match(/op=\w+ reason=\w+/g)).toEqual([
      'op=virDomainResume reason=error',
      'op=virDomainDestroy reason=denied',
    ]);
  });

  withVirsh('a reader that goes away is no failure', () => {
    const run = command('bash', [
      '-c',
      `set -o pipefail; ${VIRTSHIM} trail show '${trail}' --format xml | true; echo \${PIPESTATUS[0]}`,
    ]);
    expect(run).toMatchObject({ stdout: '0\n', stderr: '' });
  });

  withVirsh('a whole trail verifies', () => {
    expect(virtshim(['trail', 'verify', trail])).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(virtshim(['trail', 'verify', trail, '--json']).stdout)).toMatchObject({ ok: true, problems: [] });
  });

  withVirsh('a changed record is named', () => {
    const forged = temporaryFolder('forged');
    cpSync(trail, forged, { recursive: true });
    const file = join(forged, 'trail.xml');
    const lines = readFileSync(file, 'utf8').split('\n');
    const at = lines.findIndex((line) => line.includes('virDomainDestroy'));
    lines[at] = lines[at]?.replace('uid="0"', 'uid="1"') ?? '';
    writeFileSync(file, lines.join('\n'));
    const run = virtshim(['trail', 'verify', forged]);
    expect(run.status).toBe(1);
    expect(run.stdout).toContain(`${file}:${at + 1}: changed: `);
  });

  test('no trail', () => {
    const run = virtshim(['trail', 'verify', join(temporaryFolder('none'), 'trail')]);
    expect(run.status).toBe(3);
    expect(run.stderr).toMatch(/^virtshim: error: no trail in .*\nhint: /);
  });
});

describe('doctor', () => {
  requireTool('virsh', '/usr/bin/python3')('proves every way in', () => {
    const run = virtshim(['doctor', '--json'], { env: { VIRTSHIM_TRAIL: join(temporaryFolder('trail'), 'new') } });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const found = JSON.parse(run.stdout) as {
      functions: { interposed: number; unknownToShim: string[]; missingInLibvirt: string[] };
    };
    expect(found).toMatchObject({ shim: SHIM, ways: { preload: true, ctypes: true, koffi: true } });
    expect(found.functions).toMatchObject({ interposed: 568, unknownToShim: [], notExported: [] });
    expect(found.functions.missingInLibvirt).toEqual(
      found.functions.missingInLibvirt.filter((name) => name.startsWith('vir')),
    );
  });

  test('names what is wrong, and what repairs it', () => {
    const run = virtshim(['doctor'], {
      env: { LD_PRELOAD: SHIM, VIRTSHIM_POLICY: '/etc/hostname', VIRTSHIM_TRAIL: '/dev/null' },
    });
    expect(run.status).toBe(1);
    expect(run.stdout).toMatch(/problem +environment +VIRTSHIM_POLICY names `\/etc\/hostname`, which is not usable/);
    expect(run.stdout).toMatch(/problem +trail +`\/dev\/null` is not a folder/);
    expect(run.stdout).toMatch(/to repair:\n {2}environment: /);
  });

  test('half an environment guards nothing', () => {
    const run = virtshim(['doctor'], { env: { VIRTSHIM_MODE: 'enforcing', VIRTSHIM_TRAIL: temporaryFolder('trail') } });
    expect(run.status).toBe(1);
    expect(run.stdout).toContain('LD_PRELOAD does not name the shim');
  });
});

describe('colours', () => {
  const shown = (env: NodeJS.ProcessEnv): string =>
    command('script', ['-qec', `${VIRTSHIM} policy check '${join(ROOT, 'package.json')}'`, '/dev/null'], { env })
      .stdout;

  requireTool('script')('at a terminal, unless NO_COLOR asks for none', () => {
    expect(shown({ TERM: 'xterm' })).toContain('\x1b[31merror\x1b[39m');
    expect(shown({ TERM: 'xterm', NO_COLOR: '1' })).not.toContain('\x1b[');
    expect(shown({ TERM: 'dumb' })).not.toContain('\x1b[');
    expect(virtshim(['policy', 'check', join(ROOT, 'package.json')]).stdout).not.toContain('\x1b[');
  });
});

describe('shell completion', () => {
  /** What bash offers for the last word of a line. */
  function offers(...words: string[]): string[] {
    const script = `eval "$(${VIRTSHIM} completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _virtshim; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const run = command('bash', ['-c', script, 'bash', 'virtshim', ...words], { cwd: join(ROOT, 'policies') });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    return [...new Set(run.stdout.split('\n'))].filter((word) => word !== '').sort();
  }

  test('bash', () => {
    expect(offers('')).toEqual(['completion', 'doctor', 'env', 'policy', 'report', 'run', 'trail']);
    expect(offers('policy', 'c')).toEqual(['check', 'compile']);
    expect(offers('trail', 'show', '--f')).toEqual(['--format', '--function']);
    expect(offers('trail', 'show', '--format', '')).toEqual(['audit', 'csv', 'json', 'table', 'xml']);
    expect(offers('run', '--policy', 'oper')).toContain('operator.json');
    expect(offers('trail', 'show', 'oper')).toContain('operator.json');
    expect(offers('completion', 'z')).toEqual(['zsh']);
    expect(offers('run', '--', 'printen')).toEqual(['printenv']);
  });

  requireTool('zsh')('zsh accepts its script', () => {
    const run = command('zsh', [
      '-fc',
      `autoload -U compinit; compinit -D; eval "$(${VIRTSHIM} completion zsh)"; echo $+functions[_virtshim_trail_show]`,
    ]);
    expect(run).toMatchObject({ stdout: '1\n', stderr: '' });
  });

  requireTool('fish')('fish', () => {
    const script = `${VIRTSHIM} completion fish | source; complete -C "virtshim trail "`;
    const found = command('fish', ['-c', script])
      .stdout.split('\n')
      .map((line) => line.split('\t')[0]);
    expect(found).toEqual(expect.arrayContaining(['show', 'verify']));
  });
});
