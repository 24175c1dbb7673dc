// `virtshim report` as its users see it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { disk, line, start, stop, UUID } from '../support/audit_log.js';
import { type CliOutcome, virtshim } from '../support/cli.js';
import { CLI, ROOT, temporaryFolder } from '../support/paths.js';
import { randomLog } from '../support/random_log.js';
import { bareEnvironment } from '../support/shim.js';
import { requireTool } from '../support/tools.js';

const fixture = (name: string) => join(ROOT, 'test/fixtures/auvirt', name, 'audit.log');
const report = (args: readonly string[], options: Parameters<typeof virtshim>[1] = {}): CliOutcome =>
  virtshim(['report', ...args], { ...options, env: { TZ: 'UTC', LC_ALL: 'C', ...options.env } });
const lines = ({ stdout }: CliOutcome) => stdout.trimEnd().split('\n');

describe('tables', () => {
  test('have whole names, years, seconds and durations', () => {
    const shown = lines(report(['--file', fixture('case15')]));
    expect(shown[0]).toMatch(/^GUEST +USER +START +END +DURATION +STARTED +ENDED$/);
    expect(shown).toContainEqual(
      expect.stringMatching(
        /^production-database-server-01 +root +2023-11-14 22:16:40 +2023-11-14 22:16:45 +0:00:05 +booted/,
      ),
    );
    const names = shown.map((row) => row.split(/ {2,}/)[0]);
    for (const name of ['esc\\x1b[31mred', 'nl\\x0ax', 'bad\\xff\\xfe', 'ünïcödé-näme-that-is-long'])
      expect(names).toContain(name);
  });

  test('say what is not known', () => {
    expect(lines(report(['--file', fixture('case07')]))[1]).toMatch(
      /^demo +root +2023-11-14 22:13:20 +<2023-11-14 22:30:00 +<0:16:40 +booted +not recorded: host booted again$/,
    );
    expect(lines(report(['--file', fixture('case06')]))[1]).toMatch(/ 2023-11-14 22:13:20 +- +booted +running$/);
  });

  test('of all events have resources and denials, UUIDs and proofs where asked for', () => {
    const shown = report(['-f', fixture('case25'), '-a', '--show-uuid', '--proof']).stdout;
    expect(shown).toContain(UUID);
    expect(shown).toMatch(/resource .* 0:01:40 +disk +start +\/img\/demo.img +1700000000.100:102, 1700000100.100:109/);
    expect(shown.match(/denied open, qemu-system-x86, \/img\/demo.img/g)).toHaveLength(1);
  });

  test('of nothing say so', () => {
    expect(report(['--stdin'], { input: '' })).toMatchObject({ status: 0, stdout: 'no sessions\n', stderr: '' });
  });

  test('count', () => {
    expect(report(['-f', fixture('case07'), '--summary']).stdout).toMatch(/^Starts +2$.*^Ends without a record +1$/ms);
  });
});

describe('for programs', () => {
  test('each row is an object, times are UTC', () => {
    const rows = lines(report(['-f', fixture('case03'), '--format', 'json'], { env: { TZ: 'Asia/Tokyo' } }));
    expect(rows.map((row) => JSON.parse(row))).toMatchObject([
      {
        ...{ type: 'session', guest: 'demo', uuid: UUID, start: '2023-11-14T22:13:20.100Z', seconds: 3600 },
        ...{ state: 'done', ended: 'destroyed' },
      },
    ]);
  });

  test('or a line of CSV', () => {
    const [heading = '', ...rows] = lines(report(['-f', fixture('case04'), '-a', '--format', 'csv']));
    expect(heading).toMatch(/^type,guest,uuid,/);
    expect(rows.map((row) => row.split(',')[0])).toEqual([
      'resource',
      'resource',
      'resource',
      'resource',
      'start',
      'stop',
    ]);
  });
});

describe('options', () => {
  const log = () => `${[start(0), stop(3600), start(7200), stop(7300)].join('\n')}\n`;

  test.each([
    [['--start', '11/14/23', '23:00'], 2],
    [['--start', '11/14/23', '23:30:00'], 1],
    [['--start', '2023-11-14T22:30', '--end', '2023-11-14T22:40'], 1],
    [['--end', '2023-11-14'], 1],
    [['--end', 'now'], 2],
    [['--vm', 'other'], 0],
    [['--uuid', UUID.toUpperCase()], 2],
  ])('%j select sessions', (args, count) => {
    const rows = report([...args, '--stdin', '--format', 'json'], { input: log() }).stdout;
    expect(rows.split('\n').filter(Boolean)).toHaveLength(count);
  });

  test('name files, folders and standard input together', () => {
    const dir = temporaryFolder('report');
    mkdirSync(join(dir, 'audit'));
    writeFileSync(join(dir, 'audit/audit.log.1'), `${start(0)}\n`);
    writeFileSync(join(dir, 'audit/audit.log'), `${stop(10)}\n`);
    writeFileSync(join(dir, 'more.log'), `${start(20)}\n`);
    const files = ['--file', join(dir, 'more.log'), '--file', '-', '--file', join(dir, 'audit')];
    const rows = lines(report([...files, '--format', 'json'], { input: `${stop(30)}\n` }));
    expect(rows.map((row) => JSON.parse(row).seconds)).toEqual([10, 10]);
  });

  test.each([
    [['--stdin', '--file', 'x'], '--stdin and --file exclude each other'],
    [['--uuid', 'demo'], '`demo` is not a UUID'],
    [['--start', 'tomorrow'], '`tomorrow` is not a time'],
    [['--start', 'now', '--end', 'yesterday'], 'the period ends before it starts'],
    [['--compat', 'auvirt', '--format', 'json'], '--compat auvirt and --format json exclude each other'],
  ])('%j are wrong', (args, message) => {
    const { status, stdout, stderr } = report(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`virtshim: error: ${message}`);
  });

  test('that name no log end with 3', () => {
    expect(report(['--file', '/nonexistent/audit.log'])).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('cannot read `/nonexistent/audit.log`'),
    });
  });
});

describe('lines that cannot be read', () => {
  test('are named, counted, and told by the exit code', () => {
    const { status, stdout, stderr } = report(['--file', fixture('case37')]);
    expect(status).toBe(1);
    expect(stdout).toContain('crlf');
    expect(stderr).toContain('audit.log:5: cut short: no result (res=)');
    expect(stderr).toMatch(/4 lines/);
  });
});

describe('progress', () => {
  const withScript = requireTool('script');
  let big: string;
  beforeAll(() => {
    big = join(temporaryFolder('progress'), 'audit.log');
    writeFileSync(big, randomLog(1, 2000).repeat(12));
  });

  withScript('is shown at a terminal, and taken away', () => {
    const command = `'${process.execPath}' '${CLI}' report --summary --file '${big}' > /dev/null`;
    const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
      env: bareEnvironment(),
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/reading: \d+ % of \d+ MB/);
    expect(stdout.split('\r').at(-1)?.trim()).toBe('');
  });

  test('is not in a pipe', () => {
    expect(report(['--summary', '--file', big]).stderr).toBe('');
  });
});

describe('a reader that goes away', () => {
  test('is no failure', () => {
    const command = `'${process.execPath}' '${CLI}' report -a --file '${fixture('case09')}' | head -1; echo \${PIPESTATUS[0]}`;
    const { stdout } = spawnSync('bash', ['-c', command], { env: bareEnvironment({ TZ: 'UTC' }), encoding: 'utf8' });
    expect(stdout.trim().split('\n').at(-1)).toBe('0');
  });
});

test('the log of a host that went down is told by host', () => {
  const log = [
    `node=hv1 ${start(0)}`,
    `node=hv1 ${disk(5, 'attach', '?', '/b')}`,
    `node=hv1 ${line('SYSTEM_SHUTDOWN', 9, 'pid=1 uid=0')}`,
  ];
  const rows = lines(report(['--stdin', '-a'], { input: `${log.join('\n')}\n` }));
  expect(rows[0]).toMatch(/^TIME +EVENT +HOST +GUEST/);
  expect(rows.slice(1).map((row) => row.split(/ {2,}/).slice(1, 3))).toEqual([
    ['start', 'hv1'],
    ['resource', 'hv1'],
    ['down', 'hv1'],
  ]);
});
