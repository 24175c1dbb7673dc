// Trails written by the real native writers, for tests of what reads them.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD, temporaryFolder } from './paths.js';

export type Sink = 'netlink' | 'file' | 'device';

/**
 * Records one failed virDomainSuspend for each value, which is guest, rule, URI, error message and everything asserted at once; with `device`
 * one virDomainAttachDeviceFlags, of which the value is the XML.
 */
export function emit(values: readonly (string | Buffer)[], sinks: readonly Sink[] = ['file']): string {
  const dir = temporaryFolder('trail');
  const input = Buffer.concat(values.map((value) => Buffer.concat([Buffer.from(value), Buffer.from([0])])));
  run('test_audit_emit', [dir, ...sinks], input);
  return dir;
}

/** Writes `calls` pairs of records with each of `threads` threads of `processes` processes, into `dir` or a new one. */
export function writeCalls(
  processes: number,
  threads: number,
  calls: number,
  dir = temporaryFolder('trail'),
  sinks: readonly Sink[] = [],
): string {
  run('test_audit_writers', [dir, String(processes), String(threads), String(calls), ...sinks]);
  return dir;
}

function run(program: string, args: readonly string[], input?: Buffer): void {
  const result = spawnSync(join(BUILD, program), args, { ...(input && { input }), timeout: 100_000 });
  if (result.status !== 0)
    throw new Error(`${program}: ${result.status ?? result.signal} ${result.stderr}${result.stdout}`);
}

/** The lines of a file of a trail, without line ends. */
export function linesOf(dir: string, file = 'trail.xml'): string[] {
  return readFileSync(join(dir, file), 'utf8').split('\n').slice(0, -1);
}

/** The chain value of a record, by docs/records.md and nothing else; `previous` in hex. */
export function chainOf(line: string, previous: string): string {
  const body = line.indexOf(' pid="');
  const value = line.indexOf('">') - 64;
  return createHash('sha256')
    .update(line.slice(body, value) + line.slice(value + 64) + line.slice(0, body))
    .update(previous, 'hex')
    .digest('hex');
}

/** The record with the chain value that it has to have behind `previous`. */
export function chained(line: string, previous: string): string {
  return line.replace(/chain="[0-9a-f]*"/, `chain="${chainOf(line, previous)}"`);
}

export const chainIn = (line = ''): string => / chain="([0-9a-f]{64})"/.exec(line)?.[1] ?? '0'.repeat(64);
