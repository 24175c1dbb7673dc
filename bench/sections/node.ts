/** The Node API: what a call costs its caller, against other bindings and against C. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PolicyDocument } from '../../src/policy/document.js';
import { type Figure, median } from '../figures.js';
import { type Answer, interleave, type MeasuringProcess } from '../process.js';
import { guestNames, type WorkName } from '../workers/serve.js';
import type { Workshop } from '../workshop.js';

const syncLimit = 1.2;
const asyncLimit = 1;

const works: readonly { readonly name: WorkName; readonly label: string; readonly calls: number }[] = [
  { name: 'name', label: 'virDomainGetName', calls: 20_000 },
  { name: 'info', label: 'virDomainGetInfo', calls: 4_000 },
  { name: 'pause', label: 'suspend, resume', calls: 1_000 },
];
const asyncCalls = 1_920;

/** Under what the calls are made. */
type Rule = 'no policy' | 'operator' | 'no records';

async function images(shop: Workshop): Promise<Readonly<Record<Rule, string | undefined>>> {
  const silent: PolicyDocument = {
    name: 'silent',
    defaults: { '*': 'allow' },
    audit: { netlink: false, levels: { '*': 'none' } },
  };
  const operator = JSON.parse(readFileSync(join(shop.root, 'policies/operator.json'), 'utf8')) as PolicyDocument;
  return {
    'no policy': undefined,
    operator: await shop.image(operator),
    'no records': await shop.image(silent),
  };
}

/** A state for the test driver with as many running guests as calls are made at once. */
function guestsFile(shop: Workshop): string {
  const path = join(shop.folder, 'guests.xml');
  const guest = (name: string) =>
    `<domain type='test'><name>${name}</name><memory>1024</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>`;
  writeFileSync(path, `<node>${guestNames.map(guest).join('\n')}</node>\n`);
  return path;
}

interface Competitor {
  readonly binding: 'c' | 'python' | 'virtshim' | 'unraid';
  readonly rule: Rule | 'bare';
  readonly process: MeasuringProcess;
}

const ours: readonly Rule[] = ['no policy', 'operator', 'no records'];

/** Answers of each competitor to the same line, in rounds. */
async function race(
  shop: Workshop,
  field: readonly Competitor[],
  line: (each: Competitor) => string,
): Promise<(binding: Competitor['binding'], rule: Competitor['rule']) => readonly Answer[]> {
  const asked = field.map((each) => ({ process: each.process, line: line(each) }));
  const answers = await interleave(asked, shop.rounds);
  return (binding, rule) => answers[field.findIndex((each) => each.binding === binding && each.rule === rule)] ?? [];
}

function ratios(values: readonly Answer[], references: readonly Answer[], clock: keyof Answer): number {
  return median(values.map((value, round) => value[clock] / (references[round]?.[clock] ?? Number.NaN)));
}

const end = (field: readonly Competitor[]) => Promise.all(field.map(({ process }) => process.end()));

/** By processor time: other processes do not count, the garbage collector and the shim's threads do. */
async function syncCalls(shop: Workshop): Promise<Figure[]> {
  const image = await images(shop);
  const guests = guestsFile(shop);
  const field: Competitor[] = [
    { binding: 'c', rule: 'bare', process: shop.bareWorker() },
    { binding: 'python', rule: 'bare', process: shop.pythonWorker('bare') },
    ...ours.map(
      (rule) => ({ binding: 'virtshim', rule, process: shop.nodeWorker('virtshim', guests, image[rule]) }) as const,
    ),
    ...ours.map((rule) => ({ binding: 'python', rule, process: shop.pythonWorker('shimmed', image[rule]) }) as const),
  ];
  const figures: Figure[] = [];
  for (const { name, label, calls } of works) {
    const of = await race(shop, field, ({ binding }) =>
      binding === 'c' ? `${name} ${calls}` : `sync ${name} ${calls}`,
    );
    const ns = (answers: readonly Answer[]) => median(answers.map(({ second }) => second)) / calls;
    const python = of('python', 'bare');
    for (const rule of ours) {
      const mine = of('virtshim', rule);
      const value = ratios(mine, python, 'second');
      figures.push({
        ...{ section: 'node', name: `sync ${label}, ${rule}, to python3-libvirt`, rules: 0, unit: 'x' },
        ...{ value, ratio: value, limit: syncLimit, reference: ns(python) },
        details: {
          ns: ns(mine),
          wallNs: median(mine.map(({ first }) => first)) / calls,
          pythonUnderShimNs: ns(of('python', rule)),
          toPythonUnderShim: ratios(mine, of('python', rule), 'second'),
          cNs: ns(of('c', 'bare')),
          toC: ratios(mine, of('c', 'bare'), 'second'),
        },
      });
    }
  }
  await end(field);
  return figures;
}

/** On the wall: what counts is how much gets done. */
async function asyncCallsOf(shop: Workshop): Promise<Figure[]> {
  if (!existsSync(join(shop.root, 'node_modules/@unraid/libvirt/build/Release/libvirt.node'))) {
    process.stderr.write('skipped: @unraid/libvirt is not built\n');
    return [];
  }
  const image = await images(shop);
  const guests = guestsFile(shop);
  const field: Competitor[] = [
    { binding: 'unraid', rule: 'bare', process: shop.nodeWorker('unraid', guests) },
    ...ours.map(
      (rule) => ({ binding: 'virtshim', rule, process: shop.nodeWorker('virtshim', guests, image[rule]) }) as const,
    ),
  ];
  const figures: Figure[] = [];
  for (const { name, label } of works) {
    for (const atOnce of [1, guestNames.length]) {
      const of = await race(shop, field, () => `async ${name} ${asyncCalls} ${atOnce}`);
      const ns = (answers: readonly Answer[]) => median(answers.map(({ first }) => first)) / asyncCalls;
      const unraid = of('unraid', 'bare');
      for (const rule of ours) {
        const mine = of('virtshim', rule);
        const value = ratios(mine, unraid, 'first');
        figures.push({
          ...{
            section: 'node',
            name: `async ${label}, ${atOnce} at once, ${rule}, to @unraid/libvirt`,
            rules: 0,
            unit: 'x',
          },
          ...{ value, ratio: value, limit: asyncLimit, reference: ns(unraid) },
          details: { ns: ns(mine), processorRatio: ratios(mine, unraid, 'second') },
        });
      }
    }
  }
  await end(field);
  return figures;
}

export async function nodeCalls(shop: Workshop): Promise<Figure[]> {
  return [...(await syncCalls(shop)), ...(await asyncCallsOf(shop))];
}
