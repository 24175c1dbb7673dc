// Every public function of libvirt is wrapped, and a wrapped call ends as a bare one: value, errno, libvirt's error,
// error callbacks, and the signal where it crashes libvirt.
import { describe, expect } from '@jest/globals';
import { functions } from '../../src/generated/api.js';
import { compileFixture, requireFixtures } from '../support/fixtures.js';
import { temporaryFolder } from '../support/paths.js';
import {
  deny,
  imageFile,
  permissiveExcept,
  runBare,
  runShimmed,
  type ShimOptions,
  TESTED_SHIM,
} from '../support/shim.js';
import { sweepTable } from '../support/sweep_table.js';
import { requireTool } from '../support/tools.js';

const test = requireFixtures('virsh');

/** Functions that are not wrapped, each with its reason. */
const notWrapped: Readonly<Record<string, string>> = {};

function sweepProgram(): string {
  const flags = ['-lvirt', '-lvirt-qemu', '-lvirt-lxc', '-lvirt-admin', '-ldl'];
  return compileFixture('sweep.c', { flags: ['-Wl,--no-as-needed', ...flags], table: sweepTable() });
}

// Calls without a URI or with a relative path must meet neither a daemon nor the sources.
function surroundings(): ShimOptions {
  const cwd = temporaryFolder('sweep');
  return {
    cwd,
    env: {
      LIBVIRT_DEFAULT_URI: 'test:///default',
      LIBVIRT_ADMIN_DEFAULT_URI: 'libvirtd:///system?socket=/nonexistent',
      HOME: cwd,
      XDG_RUNTIME_DIR: cwd,
    },
  };
}

type Ends = ReadonlyMap<string, string>;

function endsOf(stdout: string): Ends {
  const lines = stdout.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const [name = '', variant = '', ...end] = line.split('\t');
      const text = end
        .join('\t')
        .replace(/0x[0-9a-f]+/g, 'ADDRESS')
        .replace(/\/\S*virtshim-sweep-\w+/g, 'FOLDER');
      return [`${name} ${variant}`, text];
    }),
  );
}

let bareEnds: Ends | undefined;

/** How all calls end without the shim. */
function bare(): Ends {
  bareEnds ??= endsOf(runBare(sweepProgram(), [], surroundings()).stdout);
  return bareEnds;
}

/** The calls that end otherwise than without the shim. */
function differences(ends: Ends): string[] {
  const missing = missingFunctions();
  return [...ends].flatMap(([call, end]) => {
    const [name = ''] = call.split(' ');
    const expected = missing.has(name) ? refusalOfMissing(name) : bare().get(call);
    return end === expected ? [] : [`${call}: ${end} instead of ${expected}`];
  });
}

/** Functions of libvirt 12.8 that the installed libvirt does not have. */
function missingFunctions(): ReadonlySet<string> {
  return new Set([...bare().keys()].filter((call) => call.endsWith(' absent')).map((call) => call.split(' ')[0] ?? ''));
}

function refusalOfMissing(name: string): string {
  const fn = functions.find((candidate) => candidate.name === name);
  const value = fn?.failure === 'Null' ? 'null' : fn?.failure === 'Zero' ? '0' : '-1';
  const message = `this function is not supported by the connection driver: ${name}`;
  return `${value} errno 4242 callbacks 1 error 3/0/2 ${message}`;
}

function expectSweep(run: { status: number | null; stdout: string; stderr: string }): void {
  expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' });
  const ends = endsOf(run.stdout);
  expect(ends.size).toBe(4 * functions.length);
  expect(differences(ends)).toEqual([]);
}

describe('coverage', () => {
  test('each function is exported by the shim or listed with a reason', () => {
    const { stdout } = runShimmed(sweepProgram(), ['owners']);
    const others = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t'))
      .filter(([, owner]) => owner !== 'libvirtshim.so')
      .map(([name]) => name);
    expect(others).toEqual(Object.keys(notWrapped));
    expect(functions.length).toBe(568);
  });

  test('each function of the installed libvirt is among them', () => {
    const known = new Set(functions.map((fn) => fn.name));
    const { records } = runShimmed('virsh', ['-c', 'test:///default', 'list']);
    expect(records.filter((record) => record.kind === 'unknown-api')).toEqual([]);
    expect(known.has('virConnectOpen')).toBe(true);
  });
});

describe('the library itself', () => {
  requireTool('nm')(
    'exports the functions, the hooks of the dynamic linker, virtshim_set_actor, and nothing else',
    () => {
      const { stdout } = runBare('nm', ['-D', '--defined-only', '--format=posix', TESTED_SHIM]);
      const exported = stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0] ?? '');
      const own = ['dlopen', 'dlsym', 'dlvsym', 'virtshim_set_actor'];
      expect(exported.sort()).toEqual([...functions.map((fn) => fn.name), ...own].sort());
    },
  );

  requireTool('readelf')('needs the C library alone', () => {
    const { stdout } = runBare('readelf', ['-dW', TESTED_SHIM]);
    const needed = [...stdout.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1] ?? '');
    expect(needed.length).toBeGreaterThan(0);
    expect(needed.filter((name) => !/^(libc|libdl|libpthread|ld-linux-.*)\.so\.\d$/.test(name))).toEqual([]);
  });
});

describe('sweep', () => {
  test('the bare calls are of all sorts', () => {
    const ends = [...bare().values()];
    expect(ends.filter((end) => end.includes('signal')).length).toBeGreaterThan(0);
    expect(ends.filter((end) => end.includes('error 3/')).length).toBeGreaterThan(100);
    expect(ends.filter((end) => /^(0|pointer|string \d+ \w+) errno/.test(end)).length).toBeGreaterThan(100);
  });

  test('without a policy every call ends as a bare one', () => {
    expectSweep(runShimmed(sweepProgram(), [], surroundings()));
  });

  test('under a policy that permits everything every call ends as a bare one', async () => {
    const levels = { '*': 'request-response' as const };
    const policy = await imageFile(permissiveExcept([], { audit: { netlink: false, levels } }));
    const run = runShimmed(sweepProgram(), [], { ...surroundings(), policy });
    expectSweep(run);
    const recorded = new Set(run.records.map((record) => record.event));
    const missing = missingFunctions();
    const judged = functions.filter((fn) => fn.class !== 'helper' && !missing.has(fn.name));
    expect(judged.map((fn) => fn.name).filter((name) => !recorded.has(name))).toEqual([]);
  });

  test('in permissive mode every call ends as a bare one, however much the rules ask about it', async () => {
    const asks = deny('asks', ['*'], ['no-such-name']);
    const readOnly = { ...deny('asks-more', ['*']), connections: { uris: ['nothing:*'], readOnly: true } };
    const policy = await imageFile(permissiveExcept([asks, readOnly], { mode: 'permissive' }));
    expectSweep(runShimmed(sweepProgram(), [], { ...surroundings(), policy }));
  });
});
