/** Reading long trails, set against the programs that can be no slower: wc -l and sha256sum. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type Figure, median } from '../figures.js';
import { writeTrail } from '../trail.js';
import type { Workshop } from '../workshop.js';

/** `VIRTSHIM_BENCH_RECORDS=10000000` for the long run, which needs 7 GB of VIRTSHIM_BENCH_FOLDER. */
const records = Number(process.env.VIRTSHIM_BENCH_RECORDS ?? 1_000_000);
const guests = 1000;
const mostRounds = 5;

interface Comparison {
  readonly name: string;
  readonly args: readonly string[];
  /** A program that has to touch every byte too. */
  readonly against: readonly string[];
  readonly limit: number;
}

const comparisons: readonly Comparison[] = [
  { name: 'trail show --vm', args: ['show', '--vm', 'guest-7'], against: ['wc', '-l'], limit: 20 },
  { name: 'trail show --action', args: ['show', '--action', 'secret.read-secure'], against: ['wc', '-l'], limit: 20 },
  { name: 'trail show --since', args: ['show', '--since', '2036-01-01'], against: ['wc', '-l'], limit: 20 },
  { name: 'trail verify', args: ['verify'], against: ['sha256sum'], limit: 1.5 },
];

export async function longTrails(shop: Workshop): Promise<Figure[]> {
  const folder = shop.newFolder();
  const megabytes = writeTrail(folder, { records, guests }) / 1e6;
  // Nobody waits for the disk afterwards.
  timed(['wc', '-l', join(folder, 'trail.xml')]);
  return comparisons.map((comparison) => compare(shop, folder, megabytes, comparison));
}

function compare(
  shop: Workshop,
  folder: string,
  megabytes: number,
  { name, args, against, limit }: Comparison,
): Figure {
  const [command = '', ...options] = args;
  const ours = [process.execPath, shop.cli, 'trail', command, folder, ...options];
  const rounds = Array.from({ length: Math.min(shop.rounds, mostRounds) }, () => ({
    ours: timed(ours),
    reference: timed([...against, join(folder, 'trail.xml')]),
  }));
  const value = median(rounds.map((round) => round.ours));
  const reference = median(rounds.map((round) => round.reference));
  return {
    ...{ section: 'trail', name, rules: 0, unit: 'x', value: value / reference, limit, ratio: value / reference },
    reference: reference * 1e6,
    details: {
      records,
      megabytes,
      seconds: value / 1000,
      megabytesPerSecond: (megabytes / value) * 1000,
      referenceMegabytesPerSecond: (megabytes / reference) * 1000,
    },
  };
}

/** Milliseconds on the wall, to the end of the process. */
function timed([program = '', ...args]: readonly string[]): number {
  const nothing = openSync('/dev/null', 'w');
  const begun = performance.now();
  const run = spawnSync(program, args, { stdio: ['ignore', nothing, 'pipe'] });
  const time = performance.now() - begun;
  closeSync(nothing);
  if (run.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${run.stderr}`);
  return time;
}
