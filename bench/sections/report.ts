/** Reports of long audit logs, set against auvirt. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeAuditLog } from '../audit_log.js';
import { type Figure, median } from '../figures.js';
import type { Workshop } from '../workshop.js';

/** Of VIRTSHIM_BENCH_FOLDER. */
const bytes = Number(process.env.VIRTSHIM_BENCH_LOG_BYTES ?? 1e9);
const mostRounds = 5;
const timeLimit = 0.2;
const peakLimitKib = 300 * 1024;
const openLimitMs = 10_000;
/** Linear: twice the guests take no more than this. */
const doubleLimit = 2.6;

export async function longReports(shop: Workshop): Promise<Figure[]> {
  return [...(await mixedLog(shop)), ...(await openGuests(shop))];
}

/** Records of all kinds, one in fifty of them libvirt's. */
async function mixedLog(shop: Workshop): Promise<Figure[]> {
  const file = join(shop.newFolder(), 'audit.log');
  writeAuditLog(file, { bytes, virtShare: 0.02, guests: 100 });
  const figures: Figure[] = [];
  for (const options of [[], ['--all-events']]) {
    const name = `of 1 GB ${options.join(' ')}`.trim();
    figures.push(...(await againstAuvirt(shop, file, name, options)));
  }
  rmSync(file);
  return figures;
}

async function againstAuvirt(
  shop: Workshop,
  file: string,
  name: string,
  options: readonly string[],
): Promise<Figure[]> {
  const ours: Run[] = [];
  const theirs: Run[] = [];
  for (let round = 0; round < Math.min(shop.rounds, mostRounds); round++) {
    ours.push(await run([process.execPath, shop.cli, 'report', '--file', file, ...options]));
    if (hasAuvirt()) theirs.push(await run(['auvirt', '--file', file, ...options]));
  }
  const time = median(ours.map(({ ms }) => ms));
  const reference = median(theirs.map(({ ms }) => ms));
  const peak = Math.max(...ours.map(({ peakKib }) => peakKib));
  const details = { ms: time, auvirtMs: reference, megabytesPerSecond: statSync(file).size / 1000 / time };
  const common = { section: 'report', rules: 0 } as const;
  const memory: Figure = {
    ...{ ...common, name: `${name}: peak`, unit: 'KiB', value: peak, limit: peakLimitKib, details: {} },
    ...{ reference: Math.max(...theirs.map(({ peakKib }) => peakKib), 1), ratio: peak / peakLimitKib },
  };
  if (theirs.length === 0) return [memory];
  const ratio = time / reference;
  return [
    {
      ...common,
      name: `${name}: to auvirt`,
      unit: 'x',
      value: ratio,
      limit: timeLimit,
      reference: reference * 1e6,
      ratio,
      details,
    },
    memory,
  ];
}

/** All guests are started before the first one is stopped. */
async function openGuests(shop: Workshop): Promise<Figure[]> {
  const folder = shop.newFolder();
  const times = [];
  for (const guests of [25_000, 50_000]) {
    const file = join(folder, `${guests}.log`);
    writeAuditLog(file, { bytes: guests * 2700, virtShare: 1, guests });
    times.push((await run([process.execPath, shop.cli, 'report', '--all-events', '--file', file])).ms);
    rmSync(file);
  }
  const [half = Number.NaN, whole = Number.NaN] = times;
  const common = { section: 'report', rules: 0, reference: half, details: { halfMs: half, wholeMs: whole } } as const;
  return [
    {
      ...common,
      name: '50,000 guests at once',
      unit: 'ms',
      value: whole,
      limit: openLimitMs,
      ratio: whole / openLimitMs,
    },
    { ...common, name: 'to 25,000 guests', unit: 'x', value: whole / half, limit: doubleLimit, ratio: whole / half },
  ];
}

interface Run {
  /** On the wall, to the end of the process. */
  readonly ms: number;
  readonly peakKib: number;
}

const hasAuvirt = () => spawnSync('auvirt', ['--help']).error === undefined;

async function run([program = '', ...args]: readonly string[]): Promise<Run> {
  const nothing = openSync('/dev/null', 'w');
  const begun = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', nothing, 'inherit'], env: { ...process.env, LC_ALL: 'C' } });
  let peakKib = 0;
  const watch = setInterval(() => {
    peakKib = Math.max(peakKib, peakOf(child.pid));
  }, 20);
  const [status] = (await once(child, 'exit')) as [number | null];
  clearInterval(watch);
  closeSync(nothing);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}`);
  return { ms: performance.now() - begun, peakKib };
}

/** What the kernel says that the process used at most so far; 0 once it has ended. */
function peakOf(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
