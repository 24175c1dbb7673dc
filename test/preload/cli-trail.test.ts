// `virtshim trail` show, export and follow, as processes, on trails that real programs left.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { command, VIRTSHIM, virtshim } from '../support/cli.js';
import { eventSchemas } from '../support/event_schemas.js';
import { hostileValues, invalidUtf8 } from '../support/hostile.js';
import { CLI, ROOT, temporaryFolder } from '../support/paths.js';
import { bareEnvironment } from '../support/shim.js';
import { requireThat, requireTool } from '../support/tools.js';
import { schemaErrors, trailLines } from '../support/trail_checks.js';
import { emit, linesOf, writeCalls } from '../support/trail_writer.js';

const withVirsh = requireTool('virsh');

/** Calls of virsh under the shipped operator policy: two permitted, one failed, one denied. */
function virshTrail(trail = temporaryFolder('trail')): string {
  const run = ['run', '--policy', join(ROOT, 'policies/operator.json'), '--trail', trail, '--'];
  virtshim([...run, 'virsh', '-c', 'test:///default', 'suspend test; resume test; resume test']);
  virtshim([...run, 'virsh', '-c', 'test:///default', 'destroy', 'test']);
  return trail;
}

const jsonLines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('trail show', () => {
  let trail: string;
  beforeAll(() => {
    trail = virshTrail();
  });
  const show = (...args: string[]) => virtshim(['trail', 'show', trail, ...args]);
  const events = (...args: string[]) =>
    jsonLines(show('--format', 'json', ...args).stdout).map(({ type, event }) => `${type} ${event}`);

  withVirsh('chooses by user, program, action, rule and time', () => {
    const all = show('--format', 'xml', '--function', 'virDomain*').stdout;
    for (const same of [
      ['--user', 'root'],
      ['--program', 'virsh'],
      ['--since', '1h'],
      ['--action', 'domain.*'],
    ]) {
      if (same[1] === 'root' && process.getuid?.() !== 0) continue;
      expect([same, show('--format', 'xml', '--function', 'virDomain*', ...same).stdout]).toEqual([same, all]);
    }
    for (const none of [
      ['--user', '4294967294'],
      ['--program', 'virt-manager'],
      ['--until', '1h'],
      ['--rule', 'x'],
    ]) {
      expect([none, show(...none)]).toEqual([none, expect.objectContaining({ status: 0, stdout: 'no records\n' })]);
    }
    expect(events('--action', 'domain.suspend')).toEqual([
      ...['Suspend', 'Resume', 'Resume'].flatMap((name) => [
        `methodcall virDomain${name}`,
        `methodresponse virDomain${name}`,
      ]),
    ]);
    expect(events('--action', 'domain.stop')).toEqual(['methodresponse virDomainDestroy']);
    expect(show('--action', 'domain.stpo')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('domain.stop'),
    });
  });

  withVirsh('reads one file, and standard input', () => {
    const all = show('--format', 'json').stdout;
    const file = join(trail, 'trail.xml');
    expect(virtshim(['trail', 'show', file, '--format', 'json']).stdout).toBe(all);
    const input = readFileSync(file, 'utf8');
    expect(virtshim(['trail', 'show', '-', '--format', 'json'], { input }).stdout).toBe(all);
  });

  withVirsh('JSON lines are as their schema says', () => {
    const schema = JSON.parse(readFileSync(join(ROOT, 'src/generated/trail.schema.json'), 'utf8'));
    const validate = new Ajv2020({ strict: true }).compile(schema);
    const records = jsonLines(show('--format', 'json').stdout);
    expect(records.length).toBeGreaterThan(6);
    for (const record of records) expect([record, validate(record) ? '' : validate.errors]).toEqual([record, '']);
  });

  requireTool('virsh', 'xmllint')('XML lines are as their schema says', () => {
    expect(schemaErrors(trailLines(trail))).toBe('');
  });
});

describe('CSV', () => {
  requireTool('/usr/bin/python3')('is read by another reader as it was meant, and is no formula', () => {
    const values = [...hostileValues.values(), ...invalidUtf8.values()];
    const formulas = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', 'a"b,c\r\nd'];
    const trail = emit([...values, ...formulas]);
    const csv = virtshim(['trail', 'show', trail, '--format', 'csv']).stdout;
    const program = 'import csv,json,sys; print(json.dumps(list(csv.DictReader(sys.stdin, strict=True))))';
    const rows = JSON.parse(command('/usr/bin/python3', ['-c', program], { input: csv }).stdout);
    const records = jsonLines(virtshim(['trail', 'show', trail, '--format', 'json']).stdout);
    expect(rows).toHaveLength(records.length);
    expect(csv.split('\r\n')).toHaveLength(records.length + 2);
    for (const [index, row] of rows.entries()) {
      const { rid, uid, event, resource, error } = records[index];
      expect(row).toMatchObject({ rid, uid: String(uid), function: event, 'error-code': String(error.code) });
      for (const cell of Object.values<string>(row)) expect(cell).not.toMatch(/^[=+@\t\r]|^-(?!\d+$)|[\x00-\x1f]/);
      if (/^[\w.]+$/.test(resource.name)) expect(row['resource-name']).toBe(resource.name);
    }
    const names = rows.slice(-formulas.length).map((row: Record<string, string>) => row['resource-name']);
    expect(names).toEqual(["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\\x09=1", "'\\x0D=1", 'a"b,c\\x0D\\x0Ad']);
  });
});

describe('rotated files', () => {
  const COMPRESSORS = [
    ['gzip', '.gz'],
    ['xz', '.xz'],
    ['zstd', '.zst'],
    ['bzip2', '.bz2'],
  ] as const;

  function rotated(compressor: string, keep = ''): string {
    const trail = temporaryFolder('rotated');
    for (const name of ['trail.xml.2', 'trail.xml.1', 'trail.xml']) {
      writeCalls(1, 1, 20, trail);
      renameSync(join(trail, 'trail.xml'), join(trail, name));
    }
    const options = compressor === 'zstd' ? ['-q', '--rm'] : [];
    const run = command(compressor, [
      ...options,
      join(trail, 'trail.xml.2'),
      ...(keep ? [] : [join(trail, 'trail.xml.1')]),
    ]);
    if (run.status !== 0) throw new Error(run.stderr);
    return trail;
  }

  for (const [compressor, ending] of COMPRESSORS) {
    requireTool(compressor)(`are read through ${compressor}`, () => {
      const trail = rotated(compressor);
      const run = virtshim(['trail', 'show', trail, '--format', 'json']);
      expect(run).toMatchObject({ status: 0, stderr: '' });
      expect(jsonLines(run.stdout).map(({ seq }) => seq)).toEqual(Array.from({ length: 120 }, (_, index) => index + 1));
      const one = virtshim(['trail', 'show', join(trail, `trail.xml.2${ending}`), '--format', 'json']);
      expect(jsonLines(one.stdout)).toHaveLength(40);
      expect(virtshim(['trail', 'verify', trail])).toMatchObject({ status: 0 });
    });
  }

  requireTool('xz')('without the program that decompresses them: an error that says the way out', () => {
    const trail = rotated('xz');
    const run = virtshim(['trail', 'show', trail], { env: { PATH: '/nonexistent' } });
    expect(run).toMatchObject({ status: 3, stdout: '' });
    expect(run.stderr).toMatch(
      /cannot decompress `.*trail\.xml\.[12]\.xz`: the program `xz` cannot be started\nhint: .*xz-utils/,
    );
  });

  requireTool('gzip')('that were cut: the records before that, those of the other files, and exit code 1', () => {
    const trail = temporaryFolder('rotated');
    writeCalls(1, 1, 600, trail);
    renameSync(join(trail, 'trail.xml'), join(trail, 'trail.xml.1'));
    command('gzip', [join(trail, 'trail.xml.1')]);
    writeCalls(1, 1, 10, trail);
    const file = join(trail, 'trail.xml.1.gz');
    truncateSync(file, Math.floor(readFileSync(file).length * 0.9));
    const run = virtshim(['trail', 'show', trail, '--format', 'xml']);
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(
      /warning: .*trail\.xml\.1\.gz:\d+: cannot decompress .*\n.*warning: 1 line is not a record\n$/,
    );
    const lines = run.stdout.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(400);
    expect(lines.slice(-20)).toEqual(linesOf(trail));
  });

  requireTool('gzip')('that are being compressed are read once', () => {
    const trail = rotated('gzip');
    command('bash', ['-c', `gzip -dk '${join(trail, 'trail.xml.2.gz')}'`]);
    expect(jsonLines(virtshim(['trail', 'show', trail, '--format', 'json']).stdout)).toHaveLength(120);
  });
});

describe('lines that are no records', () => {
  test('are named with their place, counted, and told by the exit code', () => {
    const trail = emit(['one', 'two', 'three']);
    const [first, second, third] = linesOf(trail);
    const cut = second?.slice(0, 200);
    writeFileSync(join(trail, 'trail.xml'), `${first}\nrubbish\n${cut}${third}\n\n${third}\n${cut}`);
    for (const args of [
      ['--format', 'json'],
      ['--format', 'json', '--vm', 'nobody'],
      ['--format', 'table'],
    ]) {
      const run = virtshim(['trail', 'show', trail, ...args]);
      expect(run.status).toBe(1);
      const places = [...run.stderr.matchAll(/^virtshim: warning: .*\/trail\.xml:(\d+): /gm)].map((match) => match[1]);
      // With a filter, a line that begins and ends as a record does is not looked at any further.
      expect(places).toEqual(args.includes('--vm') ? ['2', '6'] : ['2', '3', '6']);
      expect(run.stderr).toMatch(
        args.includes('--vm') ? /\n.*2 lines are not records\n$/ : /\n.*3 lines are not records\n$/,
      );
    }
  });

  test('are only counted where there are many', () => {
    const trail = emit(['one']);
    appendFileSync(join(trail, 'trail.xml'), 'x\n'.repeat(1000));
    const { status, stderr } = virtshim(['trail', 'show', trail]);
    expect(status).toBe(1);
    expect(stderr.split('\n')).toHaveLength(20 + 1 + 1 + 1);
    expect(stderr).toContain('1000 lines are not records');
  });
});

describe('trail show, as a table of any length', () => {
  test('leaves out answered attempts, shows the others in their place, and is aligned', () => {
    const trail = temporaryFolder('table');
    writeCalls(1, 1, 3000, trail);
    const lines = linesOf(trail);
    writeFileSync(join(trail, 'trail.xml'), `${[...lines.slice(0, 21), ...lines.slice(22)].join('\n')}\n`);
    const run = virtshim(['trail', 'show', trail]);
    const rows = run.stdout.trimEnd().split('\n');
    expect(rows).toHaveLength(3001);
    expect(rows.findIndex((row) => row.includes('unanswered'))).toBe(11);
    expect(new Set(rows.map((row) => row.lastIndexOf('  ')))).toHaveProperty('size', 1);
  });

  test('in bounded memory', () => {
    const trail = temporaryFolder('table');
    writeCalls(2, 2, 6000, trail);
    const run = command('bash', ['-c', `ulimit -v unlimited; ${VIRTSHIM} trail show '${trail}' | tail -1`], {
      env: { NODE_OPTIONS: '--max-old-space-size=48' },
    });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(run.stdout).toContain('virDomainSuspend');
  });
});

describe('trail export', () => {
  for (const format of ['cadf', 'ecs', 'ocsf'] as const) {
    withVirsh(`as ${format}: one valid event a call, of real programs`, () => {
      const trail = virshTrail();
      const run = virtshim(['trail', 'export', trail, '--format', format, '--host', 'hv1']);
      expect(run).toMatchObject({ status: 0, stderr: '' });
      const events = jsonLines(run.stdout);
      const calls = new Set(
        jsonLines(virtshim(['trail', 'show', trail, '--format', 'json']).stdout).map(({ rid }) => rid),
      );
      expect(events).toHaveLength(calls.size);
      for (const event of events) {
        expect([event, eventSchemas[format](event) ? '' : eventSchemas[format].errors]).toEqual([event, '']);
        expect(JSON.stringify(event)).toContain('hv1');
      }
      const denied = virtshim([
        'trail',
        'export',
        trail,
        '--format',
        format,
        '--verdict',
        'denied',
        '--no-names',
      ]).stdout;
      expect(jsonLines(denied)).toHaveLength(1);
      expect(denied).toContain('virDomainDestroy');
    });
  }

  test('wants a format', () => {
    expect(virtshim(['trail', 'export', '.'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--format'),
    });
  });
});

describe('trail follow', () => {
  class Follower {
    readonly process: ChildProcess;
    stdout = '';
    stderr = '';

    constructor(...args: string[]) {
      const options = { env: bareEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'] };
      this.process = spawn(process.execPath, [CLI, 'trail', 'follow', ...args], options);
      this.process.stdout?.on('data', (text) => {
        this.stdout += text;
      });
      this.process.stderr?.on('data', (text) => {
        this.stderr += text;
      });
    }

    async shows(count: number): Promise<string[]> {
      const lines = () => this.stdout.split('\n').slice(0, -1);
      for (let i = 0; i < 400 && lines().length < count; i++) await sleep(25);
      return lines();
    }

    async interrupt(): Promise<number | null> {
      const ended = once(this.process, 'close');
      this.process.kill('SIGINT');
      await ended;
      return this.process.exitCode;
    }
  }

  withVirsh('prints what programs do, through rotation, and ends with code 0 when it is interrupted', async () => {
    const trail = join(temporaryFolder('follow'), 'trail');
    const follower = new Follower(trail, '--format', 'json');
    virshTrail(trail);
    const before = (await follower.shows(7)).length;
    renameSync(join(trail, 'trail.xml'), join(trail, 'trail.xml.1'));
    virshTrail(trail);
    const records = (await follower.shows(2 * before)).map((line) => JSON.parse(line));
    expect(records.map(({ seq }) => seq)).toEqual(Array.from({ length: 2 * before }, (_, index) => index + 1));
    expect(await follower.interrupt()).toBe(0);
    expect(follower.stderr).toBe('');
  });

  withVirsh('filters and makes a table', async () => {
    const trail = virshTrail();
    const follower = new Follower(trail, '--vm', 'test', '-n', '1');
    expect(await follower.shows(2)).toEqual([
      expect.stringMatching(/^TIME \(UTC\) .* RECORD$/),
      expect.stringMatching(/virDomainDestroy +domain test +denied/),
    ]);
    expect(await follower.interrupt()).toBe(0);
  });

  test('ends when its reader went away', async () => {
    const trail = emit(['one']);
    const script = `${VIRTSHIM} trail follow '${trail}' --from-start -f xml | head -n 2 >/dev/null; echo \${PIPESTATUS[0]}`;
    const shell = spawn('bash', ['-c', script], { env: bareEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    shell.stdout.on('data', (text) => {
      printed += text;
    });
    const ended = once(shell, 'close');
    while (shell.exitCode === null) {
      writeCalls(1, 1, 1, trail);
      await Promise.race([ended, sleep(300)]);
    }
    expect(printed).toBe('0\n');
  });

  test('has next to nothing to do while nothing happens', async () => {
    const trail = emit(['one']);
    const follower = new Follower(trail);
    await follower.shows(2);
    await sleep(500);
    const ticks = () => {
      const fields = readFileSync(`/proc/${follower.process.pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ');
      return Number(fields[11]) + Number(fields[12]);
    };
    const before = ticks();
    await sleep(3000);
    expect(ticks() - before).toBeLessThan(10);
    expect(await follower.interrupt()).toBe(0);
  });

  test('needs a folder that it may read', () => {
    const trail = temporaryFolder('denied');
    mkdirSync(join(trail, 'trail.xml'));
    const run = spawnSync(process.execPath, [CLI, 'trail', 'follow', trail], {
      env: bareEnvironment(),
      timeout: 20_000,
    });
    expect(run.status).toBe(3);
    expect(String(run.stderr)).toMatch(/^virtshim: error: cannot read `.*trail\.xml`/);
    rmSync(trail, { recursive: true });
  });

  requireThat(process.getuid?.() === 0, 'only root can give files away')('says where it may not look', () => {
    const trail = emit(['one']);
    for (const file of [trail, join(trail, 'trail.xml')]) chownSync(file, 65534, 65534);
    // Root that may read its own files alone.
    const bound = ['--bounding-set=-dac_override,-dac_read_search', process.execPath, CLI];
    for (const options of [[], ['--from-start']]) {
      const run = command('setpriv', [...bound, 'trail', 'follow', trail, ...options]);
      expect(run).toMatchObject({
        status: 3,
        stderr: expect.stringMatching(/cannot read `.*trail\.xml`: permission denied/),
      });
    }
  });

  test('-n and --from-start contradict each other', () => {
    expect(virtshim(['trail', 'follow', '-n', '1', '--from-start'])).toMatchObject({ status: 2 });
    expect(virtshim(['trail', 'follow', '-n', 'x'])).toMatchObject({ status: 2 });
  });
});

describe('progress', () => {
  requireTool('script')('is shown on a terminal while nothing else is, and never in a pipe', () => {
    const trail = temporaryFolder('long');
    writeCalls(1, 2, 8000, trail);
    const show = `${VIRTSHIM} trail show '${trail}' --format json`;
    const shown = command('script', ['-qec', `${show} > /dev/null`, '/dev/null'], { env: { TERM: 'xterm' } });
    expect(shown.stdout).toMatch(/\rreading: \d+ MB/);
    expect(shown.stdout).toMatch(/\r *\r$/);
    expect(command('bash', ['-c', `${show} 2>&1 >/dev/null | cat`]).stdout).toBe('');
  });
});
