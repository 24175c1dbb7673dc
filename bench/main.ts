/**
 * `npm run bench`: what the shim costs, on libvirt's test driver, everything in one run and interleaved.
 *
 *   --quick           fewer rounds
 *   --only SECTION    untouched, judged, decide, recorded, netlink, start, memory, node, trail or report; may be given more than once
 *   --write           keep the figures in bench/results/
 *   --baseline        make them the new bench/baseline.json
 *   --check           fail where a limit or the baseline is exceeded
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Figure, meetsLimit } from './figures.js';
import { regressions, table } from './report.js';
import { judgedCalls, untouchedCalls } from './sections/calls.js';
import { decisions } from './sections/decide.js';
import { nodeCalls } from './sections/node.js';
import { memory, startUp } from './sections/processes.js';
import { netlinkCalls, recordedCalls } from './sections/records.js';
import { longReports } from './sections/report.js';
import { longTrails } from './sections/trail.js';
import { Workshop } from './workshop.js';

const root = resolve(import.meta.dirname, '../../..');
const sizes = [1, 10, 100, 1000];
// Ratios of two runs on a shared machine differ by this much without any change of the code.
const tolerated = 1.5;

const sections: Readonly<Record<string, (shop: Workshop) => Promise<Figure[]>>> = {
  untouched: (shop) => untouchedCalls(shop, sizes),
  judged: (shop) => judgedCalls(shop, sizes),
  decide: decisions,
  recorded: (shop) => recordedCalls(shop, sizes),
  netlink: (shop) => netlinkCalls(shop, sizes),
  start: startUp,
  memory: (shop) => memory(shop, sizes),
  node: nodeCalls,
  trail: longTrails,
  report: longReports,
};

interface Results {
  readonly machine: Readonly<Record<string, string>>;
  readonly figures: readonly Figure[];
}

function machine(): Record<string, string> {
  return {
    processor: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    kernel: release(),
    libvirt: execFileSync('virsh', ['--version'], { encoding: 'utf8' }).trim(),
    date: new Date().toISOString(),
  };
}

async function measure(names: readonly string[], rounds: number): Promise<Figure[]> {
  const shop = new Workshop(root, rounds);
  const figures: Figure[] = [];
  try {
    for (const name of names) {
      const section = sections[name];
      if (section === undefined) throw new Error(`unknown section \`${name}\``);
      process.stderr.write(`measuring: ${name}\n`);
      figures.push(...(await section(shop)));
    }
  } finally {
    shop.close();
  }
  return figures;
}

function rounded(figures: readonly Figure[]): Figure[] {
  const short = (value: number) => Number(value.toPrecision(4));
  return figures.map((figure) => ({
    ...figure,
    value: short(figure.value),
    reference: short(figure.reference),
    ratio: short(figure.ratio),
    details: Object.fromEntries(Object.entries(figure.details).map(([name, value]) => [name, short(value)])),
  }));
}

function save(path: string, results: Results): void {
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
  process.stderr.write(`written: ${path}\n`);
}

/** What the baseline has of sections that were not measured now. */
function unmeasured(path: string): readonly Figure[] {
  if (!existsSync(path)) return [];
  const { figures } = JSON.parse(readFileSync(path, 'utf8')) as Results;
  return figures.filter(({ section }) => !options.only.includes(section));
}

function check(figures: readonly Figure[], baselinePath: string): boolean {
  const over = figures.filter((figure) => !meetsLimit(figure));
  for (const { section, name, rules } of over) console.log(`over its limit: ${section} / ${name} / ${rules}`);
  if (!existsSync(baselinePath)) return over.length === 0;
  const baseline = JSON.parse(readFileSync(baselinePath, 'utf8')) as Results;
  const slower = regressions(figures, baseline.figures, tolerated);
  for (const text of slower) console.log(`slower than the baseline: ${text}`);
  return over.length === 0 && slower.length === 0;
}

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: Object.keys(sections) },
    write: { type: 'boolean', default: false },
    baseline: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
});

const baselinePath = join(root, 'bench/baseline.json');
const figures = rounded(await measure(options.only, options.quick ? 9 : 41));
const results = { machine: machine(), figures };
console.log(table(figures));
if (options.write) {
  const folder = join(root, 'bench/results');
  mkdirSync(folder, { recursive: true });
  save(join(folder, `${results.machine.date?.replaceAll(/[:.]/g, '-')}.json`), results);
}
if (options.baseline) save(baselinePath, { ...results, figures: [...unmeasured(baselinePath), ...figures] });
if (options.check && !check(figures, baselinePath)) process.exitCode = 1;
