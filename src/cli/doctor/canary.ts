/** Calls libvirt's test driver in a child, each way that a program can, and looks whether the call stands in the trail. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shimVariables } from '../environment.js';
import { findProgram } from '../find-program.js';
import type { Finding } from './finding.js';

export interface CanaryTools {
  readonly shim: string;
  /** Image that permits everything, records each connection and sends its audit text to the kernel. */
  readonly image: string;
}

export interface CanaryResult {
  readonly way: 'preload' | 'ctypes' | 'koffi';
  readonly seen: boolean;
  readonly finding: Finding;
  /** The audit text went to audit.log, because the kernel refused it. */
  readonly kernelRefused: boolean;
}

interface Way {
  readonly way: CanaryResult['way'];
  readonly title: string;
  readonly program: string;
  readonly args: readonly string[];
}

const PYTHON = `
import ctypes
libvirt = ctypes.CDLL("libvirt.so.0")
libvirt.virConnectOpen.restype = ctypes.c_void_p
libvirt.virConnectClose.argtypes = [ctypes.c_void_p]
connection = libvirt.virConnectOpen(b"test:///default")
raise SystemExit(0 if connection and libvirt.virConnectClose(connection) == 0 else 1)
`;

const KOFFI = `
const libvirt = require(process.argv[1]).load('libvirt.so.0');
const connection = libvirt.func('void *virConnectOpen(const char *)')('test:///default');
process.exitCode = connection && libvirt.func('int virConnectClose(void *)')(connection) === 0 ? 0 : 1;
`;

const WAYS: readonly Way[] = [
  { way: 'preload', title: 'LD_PRELOAD', program: 'virsh', args: ['-c', 'test:///default', 'hostname'] },
  { way: 'ctypes', title: 'ctypes (dlopen and dlsym)', program: python(), args: ['-c', PYTHON] },
  {
    way: 'koffi',
    title: 'koffi (dlopen and dlsym)',
    program: process.execPath,
    args: ['-e', KOFFI, createRequire(import.meta.url).resolve('koffi')],
  },
];

/** The distribution's Python is the one that administrators' tools run on. */
function python(): string {
  return existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
}

export function callEachWay(tools: CanaryTools): CanaryResult[] {
  return WAYS.map((way) => call(way, tools));
}

function call(way: Way, tools: CanaryTools): CanaryResult {
  const program = locate(way.program);
  if (program === undefined) {
    const finding: Finding = {
      topic: way.title,
      state: 'note',
      seen: `not tried: \`${way.program}\` is not installed`,
    };
    return { way: way.way, seen: false, finding, kernelRefused: false };
  }
  const trail = mkdtempSync(join(tmpdir(), 'virtshim-doctor-'));
  try {
    const run = spawnSync(program, way.args, {
      env: canaryEnvironment(tools, trail),
      encoding: 'utf8',
      timeout: 30_000,
    });
    const records = textOf(join(trail, 'trail.xml'));
    const seen = run.status === 0 && /\bvirConnectOpen/.test(records);
    const said = run.error?.message ?? run.stderr.trim().split('\n').at(-1) ?? '';
    return {
      way: way.way,
      seen,
      finding: finding(way, run.status, seen, said),
      kernelRefused: textOf(join(trail, 'audit.log')) !== '',
    };
  } finally {
    rmSync(trail, { recursive: true, force: true });
  }
}

function locate(program: string): string | undefined {
  try {
    return findProgram(program, process.env.PATH);
  } catch {
    return undefined;
  }
}

function canaryEnvironment({ shim, image }: CanaryTools, trail: string): NodeJS.ProcessEnv {
  const settings = shimVariables({ shim, policy: image, trail, mode: 'enforcing' }, undefined);
  return { ...process.env, VIRTSHIM_NO_INHERIT: undefined, ...settings };
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function finding(way: Way, status: number | null, seen: boolean, said: string): Finding {
  const topic = way.title;
  if (seen) return { topic, state: 'ok', seen: `a call by \`${way.program}\` on test:///default was seen` };
  if (status === 0) {
    return {
      topic,
      state: 'problem',
      seen: `\`${way.program}\` called test:///default, but the trail shows no call`,
      fix: 'check that the loader accepts the shim: LD_PRELOAD must not be reset by a wrapper script or a security module',
    };
  }
  return {
    topic,
    state: 'problem',
    seen: `\`${way.program}\` failed under the shim${said === '' ? '' : `: ${said}`}`,
    fix: `run it without the shim: ${way.program} ${way.way === 'preload' ? way.args.join(' ') : '...'}`,
  };
}
