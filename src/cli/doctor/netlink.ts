/** Whether the kernel takes audit records from here. */
import { readFileSync } from 'node:fs';
import type { CanaryResult } from './canary.js';
import type { Finding } from './finding.js';

const CAP_AUDIT_WRITE = 29n;

const TOPIC = 'audit netlink';
const FALLBACK = "audit text goes to audit.log in the trail's folder instead, which `ausearch -if` reads";

export interface NetlinkState {
  readonly writable: boolean;
  readonly finding: Finding;
}

/** Judged by what happened to the canaries' records; the reason for a refusal is read from /proc. */
export function netlinkState(canaries: readonly CanaryResult[]): NetlinkState {
  const recorded = canaries.filter((canary) => canary.seen);
  if (recorded.length === 0) {
    return { writable: false, finding: { topic: TOPIC, state: 'note', seen: 'not tried: no canary left a record' } };
  }
  if (!recorded.some((canary) => canary.kernelRefused)) {
    return {
      writable: true,
      finding: { topic: TOPIC, state: 'ok', seen: "the kernel accepted the canaries' records" },
    };
  }
  return { writable: false, finding: { topic: TOPIC, state: 'note', seen: `${whyRefused()}: ${FALLBACK}` } };
}

function whyRefused(): string {
  if (!kernelHasAudit()) return 'this kernel has no audit';
  if (!inInitialUserNamespace()) return 'this is a user namespace of its own, from which the kernel takes no records';
  return hasCapability(CAP_AUDIT_WRITE) ? 'the kernel refused the record' : 'this needs CAP_AUDIT_WRITE';
}

function kernelHasAudit(): boolean {
  return read('/proc/self/loginuid') !== undefined;
}

function inInitialUserNamespace(): boolean {
  return /^\s*0\s+0\s+4294967295\s*$/.test(read('/proc/self/uid_map') ?? '0 0 4294967295');
}

function hasCapability(capability: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '')?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> capability) & 1n) === 1n;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
