/** Puts together what doctor knows. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiVersion } from '../../generated/api.js';
import { shimPath } from '../../native.js';
import { storeImage } from '../../policy/image_cache.js';
import { imageOfText } from '../../policy/image_file.js';
import { type CanaryResult, callEachWay } from './canary.js';
import { type Coverage, coverageFindings, measureCoverage } from './coverage.js';
import type { Finding } from './finding.js';
import { type InstalledLibrary, installedLibraries, libvirtVersion } from './libraries.js';
import { netlinkState } from './netlink.js';
import {
  environmentFindings,
  hostPolicyFinding,
  type ShellEnvironment,
  shellEnvironment,
  trailState,
} from './surroundings.js';

export interface Examination {
  /** Path of libvirtshim.so. */
  readonly shim: string;
  readonly version: string;
  readonly apiVersion: string;
  readonly libvirt: { readonly version: string | null; readonly libraries: readonly InstalledLibrary[] };
  readonly functions: Coverage | null;
  readonly ways: Readonly<Record<CanaryResult['way'], boolean>>;
  readonly netlink: boolean;
  readonly trail: { readonly folder: string; readonly exists: boolean; readonly bytes: number };
  readonly environment: ShellEnvironment;
  readonly findings: readonly Finding[];
}

export async function examine(version: string): Promise<Examination> {
  const shim = shimPath();
  const libraries = installedLibraries();
  const coverage = libraries.length > 0 ? measureCoverage(shim, libraries) : undefined;
  const canaries = coverage === undefined ? [] : await callCanaries(shim);
  const netlink = netlinkState(canaries);
  const trail = trailState();
  const libvirt = libraries.length > 0 ? libvirtVersion() : undefined;
  return {
    ...{ shim, version, apiVersion },
    libvirt: { version: libvirt ?? null, libraries },
    functions: coverage ?? null,
    ways: waysOf(canaries),
    netlink: netlink.writable,
    trail: { folder: trail.folder, exists: trail.exists, bytes: trail.bytes },
    environment: shellEnvironment(shim),
    findings: [
      { topic: 'shim', state: 'ok', seen: `${shim} (${statSync(shim).size} bytes), for libvirt up to ${apiVersion}` },
      libvirtFinding(libvirt, libraries),
      ...(coverage === undefined ? [] : coverageFindings(coverage)),
      ...canaries.map((canary) => canary.finding),
      netlink.finding,
      hostPolicyFinding(),
      ...environmentFindings(shim),
      trail.finding,
    ],
  };
}

const CANARY_POLICY = JSON.stringify({
  name: 'doctor',
  defaults: { '*': 'allow' },
  unknownApi: 'allow',
  audit: { levels: { 'virConnectOpen*': 'response' }, netlink: true },
});

async function callCanaries(shim: string): Promise<CanaryResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'virtshim-doctor-'));
  try {
    const image = storeImage(imageOfText(CANARY_POLICY, 'doctor'), folder);
    return callEachWay({ shim, image });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function waysOf(canaries: readonly CanaryResult[]): Examination['ways'] {
  const seen = (way: CanaryResult['way']): boolean => canaries.some((canary) => canary.way === way && canary.seen);
  return { preload: seen('preload'), ctypes: seen('ctypes'), koffi: seen('koffi') };
}

function libvirtFinding(version: string | undefined, libraries: readonly InstalledLibrary[]): Finding {
  const topic = 'libvirt';
  if (libraries.length === 0) {
    return {
      topic,
      state: 'problem',
      seen: 'no libvirt.so.0 is installed',
      fix: 'install libvirt: apt-get install libvirt0',
    };
  }
  return { topic, state: 'ok', seen: `${version ?? 'unknown version'} in ${libraries[0]?.path ?? ''}` };
}
