// `virtshim policy explain`, `test` and `who-can` as processes, on calls that virsh really made, and the matchers in a
// real run of jest.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { PolicyDocument } from '../../src/policy/document.js';
import { type Explanation, explainRequest } from '../../src/policy/explain.js';
import { namesWith } from '../../src/policy/name_service.js';
import { requestOfRecord } from '../../src/policy/recorded_call.js';
import type { TestReport } from '../../src/policy/test.js';
import { usablePolicy } from '../../src/policy/usable_policy.js';
import type { WhoCan } from '../../src/policy/who_can.js';
import { readTrail } from '../../src/trail/read.js';
import type { TrailRecord } from '../../src/trail/record.js';
import { command, virtshim } from '../support/cli.js';
import { ROOT, temporaryFolder } from '../support/paths.js';
import { requireTool } from '../support/tools.js';

const withVirsh = requireTool('virsh');
const shipped = (name: string) => join(ROOT, 'policies', `${name}.json`);
const explain = (...args: string[]) => virtshim(['policy', 'explain', ...args]);

describe('explain', () => {
  test('0 where the call is permitted, 1 where it is refused, 2 where it makes no sense, 3 without a policy', () => {
    expect(explain(shipped('operator'), 'virDomainSuspend')).toMatchObject({ status: 0, stderr: '' });
    expect(explain(shipped('operator'), 'virDomainDestroy')).toMatchObject({ status: 1, stderr: '' });
    expect(explain(shipped('permissive-learn'), 'virDomainDestroy').status).toBe(0);
    expect(explain(shipped('operator'), 'virDomainDestory')).toMatchObject({ status: 2, stdout: '' });
    expect(explain(shipped('operator'))).toMatchObject({ status: 2, stdout: '' });
    expect(explain(shipped('operator'), 'virDomainDestroy', '--record', 'x').status).toBe(2);
    expect(explain('/no/such.json', 'virDomainDestroy').status).toBe(3);
  });

  test('what every option says arrives at the evaluator', () => {
    const xml = join(temporaryFolder('xml'), 'guest.xml');
    writeFileSync(xml, '<domain><name>web</name></domain>');
    const options = [
      ...[
        '-a',
        'flags=VIR_DOMAIN_START_PAUSED|VIR_DOMAIN_START_AUTODESTROY',
        '--xml',
        xml,
        '--uid',
        '7',
        '--auid',
        'unset',
      ],
      ...['--uri', 'qemu+ssh://node/system', '--read-write', '--kind', 'domain', '--name', 'web', '--exe', '/bin/x'],
      ...['--uuid', '6695eb01-f6a4-8304-79aa-97f2502e193f', '--comm', 'x', '--tty', 'pts/0', '--label', 'l'],
      ...['--actor', 'mia', '--reason', 'why', '--at', '2026-01-31T22:30:00Z', '--rate-free', '--nested'],
    ];
    const { call } = JSON.parse(
      explain(shipped('operator'), 'virDomainCreateXML', ...options, '--json').stdout,
    ) as Explanation;
    expect(call).toEqual({
      ...{ function: 'virDomainCreateXML', arguments: { flags: 3, xmlDesc: '<domain><name>web</name></domain>' } },
      ...{ uid: 7, auid: 4294967295, executable: '/bin/x', command: 'x', terminal: 'pts/0', label: 'l', actor: 'mia' },
      ...{ reason: 'why', time: 1769898600, rateReached: false, nested: true },
      connection: { uri: 'qemu+ssh://node/system', readOnly: false },
      resource: { kind: 'domain', name: 'web', uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f' },
    });
  });

  test('typed parameters by field; a driver without a URI; a monitor command; the caller by name', () => {
    const args = ['-a', 'params.cpu_shares=2048', '-a', 'params.x=text', '--driver', 'qemu', '--user', 'root'];
    const run = explain(shipped('resource-limits'), 'virDomainSetSchedulerParameters', ...args, '--json');
    const { call } = JSON.parse(run.stdout) as Explanation;
    expect(call).toMatchObject({
      arguments: { params: { cpu_shares: 2048, x: 'text' } },
      connection: { driver: 'qemu' },
      uid: 0,
    });
    const monitor = ['virDomainQemuMonitorCommand', '--monitor-command', 'quit'];
    expect(explain(shipped('no-host-escape'), ...monitor)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('no-back-door'),
    });
  });

  test.each([
    [['virDomainDestroy', '-a', 'flags'], 'It has to be NAME=VALUE'],
    [['virDomainDestroy', '--uid', 'root'], 'It has to be a number'],
    [['virDomainDestroy', '--xml', '/etc/hosts'], '`virDomainDestroy` has no argument that takes XML'],
    [['virDomainCreateXML', '--xml', '/no/such/file'], 'cannot read `/no/such/file`: no such file or directory'],
    [['virDomainDestroy', '--kind', 'domian'], 'hint: did you mean `domain`?'],
    [['--record', '0000000000000000', '--trail', '/no/such/trail'], 'no trail in `/no/such/trail`'],
  ])('%j: %s', (args, complaint) => {
    const run = explain(shipped('operator'), ...args);
    expect(run.stdout).toBe('');
    expect(run.stderr).toContain(complaint);
    expect([2, 3]).toContain(run.status);
  });
});

describe('explain --record', () => {
  // What each of the guards refuses something in.
  const guest = join(temporaryFolder('guest'), 'guest.xml');
  const devices =
    "<disk type='file'><source file='/etc/shadow'/><target dev='vda'/></disk><interface type='bridge'><source bridge='br0'/></interface>";
  const about = "<name>x</name><memory unit='TiB'>1</memory><os><type>hvm</type></os>";
  writeFileSync(guest, `<domain type='test'>${about}<devices>${devices}</devices></domain>`);

  // Asked for every record: without a process each time.
  const names = namesWith({ users: { root: { uid: 0, groups: ['root'] } }, groups: { root: 0 } });

  const session = [
    `define ${guest}`,
    ...['list --all', 'suspend test', 'resume test', 'setmem test 100000', 'dumpxml --security-info test', 'net-list'],
    ...['net-destroy default', 'pool-list', 'vol-list default-pool', 'schedinfo test --set weight=5', 'destroy test'],
    ...[
      'undefine test',
      'domuuid test',
      'dominfo 1',
      'nodeinfo',
      'attach-interface test network default',
      'domblklist test',
    ],
  ].join('; ');

  /** Every call of the session is recorded, by the shipped policy with that name. */
  function recordedUnder(name: string) {
    const folder = temporaryFolder('recorded');
    const policy = join(folder, 'policy.json');
    const {
      $schema: _schema,
      include = [],
      ...document
    } = JSON.parse(readFileSync(shipped(name), 'utf8')) as PolicyDocument;
    const audit = { levels: { '*': 'response' as const }, netlink: false };
    const absolute = include.map((file) => join(ROOT, 'policies', file));
    writeFileSync(policy, JSON.stringify({ ...document, ...(absolute.length > 0 && { include: absolute }), audit }));
    const trail = join(folder, 'trail');
    virtshim(['run', '--policy', policy, '--trail', trail, '--', 'virsh', '-c', 'test:///default', session]);
    return { policy, trail };
  }

  async function responses(trail: string): Promise<TrailRecord[]> {
    const records: TrailRecord[] = [];
    for await (const { record } of readTrail(trail)) if (record?.type === 'methodresponse') records.push(record);
    return records;
  }

  withVirsh.each(['operator', 'least-privilege', 'no-host-escape', 'guarded-network'])(
    'comes to the verdict of the shim on every call of a session under %s',
    async (name) => {
      const { policy, trail } = recordedUnder(name);
      const records = await responses(trail);
      expect(records.length).toBeGreaterThan(30);
      expect(records.some(({ decision }) => decision?.effect === 'denied')).toBe(true);
      const usable = usablePolicy(policy);
      for (const record of records) {
        const { verdict, decision } = explainRequest(usable, requestOfRecord(record, names).request);
        const recorded = record.decision;
        // Not every record of a permitted call names the rule.
        const rule = recorded?.rule ?? (recorded?.effect === 'denied' ? null : decision.rule);
        expect([record.event, verdict, decision.rule]).toEqual([record.event, recorded?.effect, rule]);
      }
    },
  );

  withVirsh('judges by any policy what was recorded under another one', async () => {
    const { trail } = recordedUnder('operator');
    const destroyed = (await responses(trail)).find(({ event }) => event === 'virDomainDestroy');
    const run = explain(shipped('least-privilege'), '--record', destroyed?.rid.toUpperCase() ?? '', '--trail', trail);
    expect(run).toMatchObject({ status: 1, stderr: '' });
    expect(run.stdout).toContain('virDomainDestroy on domain `test` by uid 0: denied\n');
    expect(run.stdout).toContain('by default: no rule allows `domain.stop`');
    const json = JSON.parse(
      explain(shipped('operator'), '--record', destroyed?.rid ?? '', '--trail', trail, '--json').stdout,
    );
    expect(json).toMatchObject({
      verdict: 'denied',
      decidedBy: { rule: 'operator-no-destroy' },
      record: { rid: destroyed?.rid },
    });
    const unknown = explain(shipped('operator'), '--record', 'ffffffffffffffff', '--trail', trail);
    expect(unknown).toMatchObject({ status: 2, stderr: expect.stringContaining('has no call with the record id') });
  });
});

describe('test', () => {
  const run = (...args: string[]) => virtshim(['policy', 'test', ...args]);

  test('passes the cases of every policy that ships, which decide every rule', () => {
    const report = run(join(ROOT, 'policies'), '--min-coverage', '100');
    expect(report).toMatchObject({ status: 0, stderr: '' });
    expect(report.stdout).toMatch(/\n\d{3} passed, 0 failed; cases decide 100% of the rules\n$/);
  });

  test('1 where a case fails, cannot be run, or too few rules are decided', () => {
    const folder = join(ROOT, 'test/fixtures/policy');
    expect(run(join(folder, 'wrong.cases.json'))).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('\n     got:      deny by rule'),
    });
    expect(run(join(folder, 'misspelt.cases.json')).status).toBe(1);
    const few = temporaryFolder('few');
    writeFileSync(
      join(few, 'few.cases.json'),
      JSON.stringify({
        policy: shipped('operator'),
        cases: [{ call: { function: 'virDomainSuspend' }, expect: { effect: 'allow' } }],
      }),
    );
    expect(run(few)).toMatchObject({ status: 0, stderr: '' });
    expect(run(few, '--min-coverage', '50')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('fewer than 50% of the rules'),
    });
    expect(run(few, '--min-coverage', 'half').status).toBe(2);
    expect(run(join(few, 'none')).status).toBe(3);
  });

  test('--json', () => {
    const report = JSON.parse(run(shipped('operator'), '--json').stdout) as TestReport;
    expect(report).toMatchObject({ ok: true, failed: 0, coverage: [{ policy: { name: 'operator' } }] });
  });

  requireTool('xmllint')('--junit writes XML that a parser of another house takes', () => {
    const file = join(temporaryFolder('junit'), 'report.xml');
    expect(run(join(ROOT, 'test/fixtures/policy'), '--junit', file).status).toBe(1);
    expect(command('xmllint', ['--noout', file])).toMatchObject({ status: 0, stderr: '' });
    expect(command('xmllint', ['--xpath', 'string(//testcase[failure]/@name)', file]).stdout).toBe(
      'virDomainDestroy (line 4)\n',
    );
    expect(run(shipped('operator'), '--junit', '/no/such/folder/x.xml').status).toBe(3);
  });
});

describe('who-can', () => {
  const run = (...args: string[]) => virtshim(['policy', 'who-can', ...args]);

  test('answers with rules and conditions', () => {
    const { status, stdout } = run(
      shipped('least-privilege'),
      'domain.start',
      '--uri',
      'qemu:///system',
      '--read-write',
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /virDomainCreate \(domain\.start\):\n {2}everyone: depends\n {4}allowed by `least-privilege-guests` \(.*json:\d+\), where resources\.names \["app-\*"\]/,
    );
    expect(
      run(shipped('least-privilege'), 'domain.start', 'app-1', '--uri', 'qemu:///system', '--read-write').stdout,
    ).toContain('virDomainCreate (domain.start):\n  everyone: always');
  });

  test('a resource by UUID; --json', () => {
    const answer = JSON.parse(
      run(shipped('operator'), 'virDomainDestroy', '6695eb01-f6a4-8304-79aa-97f2502e193f', '--json').stdout,
    ) as WhoCan;
    expect(answer.answers).toMatchObject([
      {
        calls: [{ function: 'virDomainDestroy' }],
        who: [{ may: 'never', deniedBy: [{ rule: 'operator-no-destroy' }] }],
      },
    ]);
  });

  test('2 for an action that does not exist', () => {
    expect(run(shipped('operator'), 'domain.stp')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('did you mean `domain.stop`?'),
    });
  });
});

describe('virtshim/jest', () => {
  const suite = `
import { expect, test } from '@jest/globals';
import { testedPolicy } from 'virtshim/jest';

test('passes', () => {
  expect('operator.json').toDeny('virDomainDestroy', { rule: 'operator-no-destroy' });
  expect('operator.json').toAllow({ function: 'virDomainSuspend', resource: { name: 'web' } });
  const tested = testedPolicy('operator.json', { users: { mia: { uid: 70001 } } });
  expect(tested).not.toAllow({ function: 'virDomainDestroy', user: 'mia' });
});
test('fails', () => expect('operator.json').toAllow('virDomainDestroy'));
test('misspelt', () => expect('operator.json').not.toAllow('virDomainDestory'));
`;
  let project = '';

  beforeAll(() => {
    project = temporaryFolder('jest');
    mkdirSync(join(project, 'node_modules'));
    symlinkSync(ROOT, join(project, 'node_modules/virtshim'));
    for (const name of ['@jest', 'expect', '@types'])
      symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name));
    writeFileSync(join(project, 'operator.json'), readFileSync(shipped('operator')));
    writeFileSync(
      join(project, 'package.json'),
      JSON.stringify({ type: 'module', jest: { transform: {}, testEnvironment: 'node' } }),
    );
  });

  test('passes and fails in a project of its own', () => {
    writeFileSync(join(project, 'operator.test.js'), suite);
    const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
    const env = { NODE_OPTIONS: '--experimental-vm-modules', NO_COLOR: '1' };
    const run = command(process.execPath, [jest, '--json', '--outputFile=out.json'], { cwd: project, env });
    expect(run.status).toBe(1);
    const [{ assertionResults }] = (JSON.parse(readFileSync(join(project, 'out.json'), 'utf8')) as JestReport)
      .testResults;
    expect(assertionResults.map(({ title, status }) => [title, status])).toEqual([
      ['passes', 'passed'],
      ['fails', 'failed'],
      ['misspelt', 'failed'],
    ]);
    const [, fails, misspelt] = assertionResults.map(({ failureMessages }) => failureMessages.join());
    expect(fails).toMatch(/expected: allow\ngot: {6}deny by rule `operator-no-destroy`\n/);
    expect(misspelt).toContain('unknown function `virDomainDestory` at /function (did you mean `virDomainDestroy`?)');
  });

  const tsc = join(ROOT, 'node_modules/.bin/tsc');

  function typesOf(name: string, text: string): string {
    writeFileSync(join(project, name), text);
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
    return command(tsc, [...options, name], { cwd: project }).stdout;
  }

  test('is typed, for @jest/globals', () => {
    expect(typesOf('typed.test.ts', suite)).toBe('');
    const wrong = `${suite}\nexpect('p').toAllow({ functoin: 'virDomainDestroy' });\nexpect('p').toDeny('x', { rle: 'y' });\n`;
    expect(typesOf('wrong.test.ts', wrong).match(/error TS\d+/g)).toHaveLength(2);
  });

  test('and for the global expect', () => {
    const types =
      'declare namespace jest { interface Matchers<R, T = {}> { toBe(v: T): R } }\ndeclare function expect<T>(v: T): jest.Matchers<void, T>;\n';
    writeFileSync(join(project, 'globals.d.ts'), types);
    const global =
      "/// <reference path='globals.d.ts' />\nimport 'virtshim/jest';\nexpect('p').toAllow('virDomainCreate');\n";
    expect(typesOf('global.test.ts', global)).toBe('');
    expect(typesOf('global.test.ts', `${global}expect('p').toAlow('x');\n`)).toContain("'toAlow' does not exist");
  });
});

interface JestReport {
  readonly testResults: [
    {
      readonly assertionResults: readonly {
        readonly title: string;
        readonly status: string;
        readonly failureMessages: readonly string[];
      }[];
    },
  ];
}

describe('docs/policy-tools.md', () => {
  const text = readFileSync(join(ROOT, 'docs/policy-tools.md'), 'utf8');
  const shown = [
    ...text.matchAll(/^ {4}\$ virtshim (policy (?:explain|test|who-can) .*)\n((?: {4}.*\n|\n(?= {4}[^$]))+)/gm),
  ];

  test('shows an example of each with what it prints', () => {
    expect(new Set(shown.map(([, line = '']) => line.split(' ')[1]))).toEqual(new Set(['explain', 'test', 'who-can']));
  });

  test.each(shown.map(([, line = '', output = '']) => [line, output]))('%s', (line, output) => {
    const run = command('sh', ['-c', `virtshim() { "${process.execPath}" dist/cli/main.js "$@"; }; virtshim ${line}`], {
      cwd: ROOT,
    });
    expect(run.stdout).toBe(output.replace(/^ {4}/gm, ''));
  });

  test('shows a suite for jest that passes', () => {
    const [, example = ''] = /```js\n(import[^`]*virtshim\/jest[^`]*)```/.exec(text) ?? [];
    const project = temporaryFolder('jest-example');
    mkdirSync(join(project, 'node_modules'));
    symlinkSync(ROOT, join(project, 'node_modules/virtshim'));
    writeFileSync(join(project, 'host.json'), readFileSync(shipped('operator')));
    writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module', jest: { transform: {} } }));
    writeFileSync(join(project, 'host.test.js'), example);
    const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
    const run = command(process.execPath, [jest], { cwd: project, env: { NODE_OPTIONS: '--experimental-vm-modules' } });
    expect([run.status, example.includes('toAllow')]).toEqual([0, true]);
  });
});
