/** Which policy is installed on this host, and which one is in force in which process. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { HOST_POLICY } from '../folders.js';
import { identityOf, type PolicyIdentity, PREVIOUS_POLICY } from './install.js';

export interface PolicyStatus {
  readonly installed: InstalledPolicy | undefined;
  readonly previous: PolicyIdentity | undefined;
  readonly processes: readonly ProcessPolicies[];
  /** False where the image cannot be used, or a process does not go by it. */
  readonly ok: boolean;
}

export interface InstalledPolicy {
  /** Null where the image cannot be used: everything is refused then in programs that begin. */
  readonly name: string | null;
  readonly digest: string | null;
  /** ISO 8601, UTC. */
  readonly since: string;
}

/** The policies in force in a process, by the digits that its records have; `unusable` where it refuses everything. */
export interface ProcessPolicies {
  readonly pid: number;
  readonly command: string;
  readonly host: string | null;
  /** That of VIRTSHIM_POLICY. */
  readonly own: string | null;
  /** Whether it goes by the host's policy as it is installed. */
  readonly current: boolean;
}

/** Sees the processes that the caller may look into: all of them as root. */
export function policyStatus(): PolicyStatus {
  const installed = installedPolicy();
  const processes = pids().flatMap((pid) => processPolicies(pid, installed?.digest ?? null));
  const usable = installed === undefined || installed.digest !== null;
  const ok = usable && processes.every(({ current }) => current);
  return { installed, previous: identityOf(PREVIOUS_POLICY), processes, ok };
}

function installedPolicy(): InstalledPolicy | undefined {
  const status = statSync(HOST_POLICY, { throwIfNoEntry: false });
  if (status === undefined) return undefined;
  const { name, digest } = identityOf(HOST_POLICY) ?? { name: null, digest: null };
  // When it was put in place, not when its bytes were written: a rollback puts old bytes back.
  return { name, digest, since: status.ctime.toISOString() };
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Nothing where the process made no libvirt call, has ended, or is not to be looked into. */
function processPolicies(pid: number, digest: string | null): ProcessPolicies[] {
  const marks = new Map<string, string>();
  for (const [, whose = '', what = ''] of text(`/proc/${pid}/maps`).matchAll(/\/memfd:virtshim:(host|own)=(\w+)/g)) {
    marks.set(whose, what);
  }
  if (marks.size === 0) return [];
  const host = marks.get('host') ?? null;
  const command = text(`/proc/${pid}/comm`).trimEnd();
  return [{ pid, command, host, own: marks.get('own') ?? null, current: host === digest }];
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
