// Runs a program bare and under the shim, side by side, and counts its libvirt calls twice: in the trail, and in
// libvirt's own debug log, which knows nothing of the shim.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { functionsByName } from '../../src/generated/api.js';
import type { PolicyDocument } from '../../src/policy/document.js';
import { ROOT, temporaryFolder } from './paths.js';
import { bareEnvironment, imageFile, type Outcome, readRecords, type ShimOptions, shimEnvironment } from './shim.js';

export const FIXTURES = join(ROOT, 'test/fixtures/transparency');

/** Calls per function. */
export type Counts = ReadonlyMap<string, number>;

export interface Both {
  bare: Outcome;
  shimmed: Outcome;
  /** The program's own calls by the trail of the shimmed run, libvirt's calls to itself left out. */
  seen: Counts;
  /** All calls that reached libvirt in the shimmed run by libvirt's own log, its calls to itself included. */
  logged: Counts;
  /** The same of the bare run: equal but for what depends on the order of libvirt's hash tables. */
  loggedBare: Counts;
}

export interface BothOptions {
  input?: string;
  env?: NodeJS.ProcessEnv;
  /** False where the program loads the shim by itself. */
  preload?: boolean;
  /** Further arguments of the shimmed run. */
  shimArgs?: readonly string[];
  timeout?: number;
  /** What is copied to the folder it runs in, instead of the fixtures. */
  files?: string;
  /** Called for each of the two folders before its run. */
  prepare?: (folder: string) => void;
  /** One after the other: for programs that share something outside of their folders. */
  sequential?: boolean;
  /** How often to run both again where one did not end in time: for programs that sometimes hang by themselves. */
  retries?: number;
}

let learnImage: Promise<string> | undefined;

/**
 * The image of `permissive-learn`, which records every call that is not a helper. Nothing goes to the kernel, whose
 * queue other tests need.
 */
export function learningPolicy(): Promise<string> {
  const document = JSON.parse(readFileSync(join(ROOT, 'policies/permissive-learn.json'), 'utf8')) as PolicyDocument;
  learnImage ??= imageFile({ ...document, audit: { ...document.audit, netlink: false } });
  return learnImage;
}

/**
 * Runs a program twice at once, each in a folder of its own with a copy of the fixtures in it; `{folder}` in an argument
 * or in the input stands for that folder's path.
 */
export async function runBoth(program: string, args: readonly string[], options: BothOptions = {}): Promise<Both> {
  const folder = temporaryFolder('transparency');
  const log = (name: string) => join(folder, `${name}.log`);
  const trail = join(folder, 'trail');
  const environment = (name: string) => ({
    TZ: 'UTC',
    EDITOR: 'true',
    // One each: programs keep caches and logs there.
    HOME: join(folder, `${name}-home`),
    XDG_CACHE_HOME: join(folder, `${name}-home`),
    XDG_CONFIG_HOME: join(folder, `${name}-home`),
    LIBVIRT_LOG_OUTPUTS: `1:file:${log(name)}`,
    LIBVIRT_LOG_FILTERS: '1:libvirt',
    ...options.env,
  });
  const policy = await learningPolicy();
  const shim: ShimOptions = { policy, preload: options.preload, env: environment('shim') };
  const shimArgs = [...args, ...(options.shimArgs ?? [])];
  const runOf = {
    bare: () => runIn(join(folder, 'bare'), program, args, bareEnvironment(environment('bare')), options),
    shim: () => runIn(join(folder, 'shim'), program, shimArgs, shimEnvironment(shim, trail), options),
  };
  const first = runOf.bare();
  if (options.sequential) await first;
  const [bare, shimmed] = await Promise.all([first, runOf.shim()]);
  if ((options.retries ?? 0) > 0 && [bare.signal, shimmed.signal].includes('SIGKILL')) {
    return runBoth(program, args, { ...options, retries: (options.retries ?? 0) - 1 });
  }
  return {
    bare,
    shimmed,
    seen: countRecords(trail),
    logged: countLogged(log('shim')),
    loggedBare: countLogged(log('bare')),
  };
}

function runIn(
  folder: string,
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  options: BothOptions,
): Promise<Outcome> {
  mkdirSync(folder);
  mkdirSync(`${folder}-home`);
  cpSync(options.files ?? FIXTURES, folder, { recursive: true });
  options.prepare?.(folder);
  const inFolder = (text: string) => text.replaceAll('{folder}', folder);
  const ownArgs = args.map(inFolder);
  return new Promise((resolve, reject) => {
    const child = spawn(program, ownArgs, {
      cwd: folder,
      env,
      timeout: options.timeout ?? 60_000,
      killSignal: 'SIGKILL',
    });
    const text = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (data: string) => {
        text[stream] += data;
      });
    }
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, ...text }));
    // A program that does not read its input is no concern of ours.
    child.stdin.on('error', () => undefined);
    child.stdin.end(inFolder(options.input ?? ''));
  });
}

function count(names: Iterable<string>): Counts {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function countRecords(trail: string): Counts {
  const outcomes = readRecords(trail).filter((record) => record.root === 'methodresponse' && !record.nested);
  return count(outcomes.map((record) => record.event ?? ''));
}

// Every public function's first act is to log "... debug : virDomainSuspend:595 : dom=0x..."; what it may log further
// down, of each typed parameter for one, is no call.
function countLogged(log: string): Counts {
  if (!existsSync(log)) return new Map();
  const entries = [...readFileSync(log, 'utf8').matchAll(/^\S+ \S+ \d+: debug : (vir\w+):(\d+) : /gm)];
  const firstLine = new Map<string, number>();
  for (const [, name = '', line] of entries) {
    firstLine.set(name, Math.min(Number(line), firstLine.get(name) ?? Number.POSITIVE_INFINITY));
  }
  const calls = entries.filter(([, name = '', line]) => Number(line) === firstLine.get(name));
  return count(calls.map(([, name]) => name ?? ''));
}

/** Masks what differs between two runs: times, counters of the clock, folders, random UUIDs (not the fixtures'). */
export function normalise(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?/g, '<time>')
    .replace(/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d/g, '<time>')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (uuid) => (uuid.startsWith('0b6a9c1e') ? uuid : '<uuid>'))
    .replace(/\d{9,}(\.\d+)?/g, '<clock>')
    .replace(/\b(52:54:00|00:16:3e)(:[0-9a-f]{2}){3}\b/g, '<mac>')
    .replace(/\/[^\s'"]*virtshim-transparency-\w+(\/(bare|shim)(?!\w))?/g, '<folder>');
}

/** Both runs' exit codes and normalised output, to be compared with each other. */
export function comparable(outcome: Outcome, further: (text: string) => string = (text) => text) {
  const { status, signal } = outcome;
  return { status, signal, stdout: further(normalise(outcome.stdout)), stderr: further(normalise(outcome.stderr)) };
}

let selfCalled: Set<string> | undefined;

/** Public functions that libvirt itself calls through its own jump table: its log counts those calls too. */
export function selfCalledFunctions(): Set<string> {
  selfCalled ??= new Set(
    libvirtObjects()
      .flatMap((path) => spawnSync('readelf', ['-rW', path], { encoding: 'utf8' }).stdout.split('\n'))
      .filter((line) => line.includes('JUMP_SLO'))
      .map((line) => / (vir\w+)@/.exec(line)?.[1] ?? ''),
  );
  return selfCalled;
}

function libvirtObjects(): string[] {
  const listed = spawnSync('ldconfig', ['-p'], { encoding: 'utf8', env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' } });
  return [...listed.stdout.matchAll(/=> (\S*\/libvirt(-qemu|-lxc|-admin)?\.so\.0)$/gm)].map((match) => match[1] ?? '');
}

/**
 * The trail has what the program called, no more and no less: exactly libvirt's own count, but for functions that
 * libvirt also calls itself and for those with which the shim learns the layout of objects. Those are seen wherever the
 * bare program calls them, and no more often than libvirt counted.
 */
export function expectCallsSeen(both: Both, expected: { atLeastFunctions: number }): void {
  const selfCalled = selfCalledFunctions();
  const isExact = (name: string) => !selfCalled.has(name) && !isAccessor(name);
  const callsOf = (counts: Counts, keep: (name: string) => boolean) =>
    Object.fromEntries([...counts].filter(([name]) => isRecorded(name) && keep(name)).sort());
  expect(callsOf(both.seen, (name) => isExact(name) && both.logged.has(name))).toEqual(callsOf(both.logged, isExact));
  expect(Object.keys(callsOf(both.logged, isExact))).toEqual(Object.keys(callsOf(both.loggedBare, isExact)));

  const ofProgram = (name: string) => isAccessor(name) && !selfCalled.has(name);
  expect(Object.keys(callsOf(both.seen, ofProgram))).toEqual(Object.keys(callsOf(both.loggedBare, ofProgram)));
  const tooOften = [...both.seen].filter(
    ([name, calls]) => both.logged.has(name) && calls > (both.logged.get(name) ?? 0),
  );
  expect(tooOften).toEqual([]);
  expect(both.seen.size).toBeGreaterThanOrEqual(expected.atLeastFunctions);
}

// Sorted lists make their number depend on the order of libvirt's hash tables, too.
function isAccessor(name: string): boolean {
  return /^vir[A-Za-z]+Get(Connect|Domain|Name|UUID|UsageID|Key|PortDev|Network)$/.test(name);
}

function isRecorded(name: string): boolean {
  const known = functionsByName.get(name);
  return known !== undefined && known.class !== 'helper';
}
