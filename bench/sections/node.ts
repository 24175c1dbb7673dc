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
const asyncCount = 1_920;

/** Under what the calls are made. */
type Rule = 'no policy' | 'operator' | 'no records';

type Images = Readonly<Record<Rule, string | undefined>>;

async function images(shop: Workshop): Promise<Images> {
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

type Binding = 'c' | 'python' | 'virtshim' | 'unraid';

interface Competitor {
  readonly binding: Binding;
  /** `bare`: without the shim. */
  readonly rule: Rule | 'bare';
  readonly process: MeasuringProcess;
}

const rules: readonly Rule[] = ['no policy', 'operator', 'no records'];

const one = (binding: Binding, rule: Rule | 'bare', process: MeasuringProcess): Competitor => ({
  binding,
  rule,
  process,
});

/** The answers of the competitors to the same line, in rounds. */
class Race {
  readonly #field: readonly Competitor[];
  readonly #answers: readonly (readonly Answer[])[];
  readonly #calls: number;

  constructor(field: readonly Competitor[], answers: readonly (readonly Answer[])[], calls: number) {
    this.#field = field;
    this.#answers = answers;
    this.#calls = calls;
  }

  static async of(shop: Workshop, field: readonly Competitor[], line: string, calls: number): Promise<Race> {
    const words = line.split(' ').slice(1).join(' ');
    const asked = field.map(({ binding, process }) => ({ process, line: binding === 'c' ? words : line }));
    return new Race(field, await interleave(asked, shop.rounds), calls);
  }

  /** Of a call, the middle of all rounds. */
  ns(binding: Binding, rule: Rule | 'bare', clock: keyof Answer): number {
    return median(this.#of(binding, rule).map((answer) => answer[clock])) / this.#calls;
  }

  /** Of this package against another binding, the middle of the ratios of neighbours. */
  ratio(rule: Rule, other: Binding, otherRule: Rule | 'bare', clock: keyof Answer): number {
    const references = this.#of(other, otherRule);
    const mine = this.#of('virtshim', rule);
    return median(mine.map((answer, round) => answer[clock] / (references[round]?.[clock] ?? Number.NaN)));
  }

  #of(binding: Binding, rule: Rule | 'bare'): readonly Answer[] {
    return this.#answers[this.#field.findIndex((each) => each.binding === binding && each.rule === rule)] ?? [];
  }
}

/** Where calls leave records, the other binding has to write them, too: it runs under the shim then. */
function isRecorded(work: WorkName, rule: Rule): boolean {
  return work === 'pause' && rule !== 'no records';
}

const end = (field: readonly Competitor[]) => Promise.all(field.map(({ process }) => process.end()));

/** By processor time: other processes do not count, the garbage collector and the shim's threads do. */
async function syncCalls(shop: Workshop, image: Images, guests: string): Promise<Figure[]> {
  const field = [
    one('c', 'bare', shop.bareWorker()),
    one('python', 'bare', shop.pythonWorker('bare')),
    ...rules.map((rule) => one('virtshim', rule, shop.nodeWorker(guests, image[rule]))),
    ...rules.map((rule) => one('python', rule, shop.pythonWorker('shimmed', image[rule]))),
  ];
  const figures: Figure[] = [];
  for (const { name, label, calls } of works) {
    const race = await Race.of(shop, field, `sync ${name} ${calls}`, calls);
    for (const rule of rules) {
      const other = isRecorded(name, rule) ? rule : 'bare';
      const value = race.ratio(rule, 'python', other, 'second');
      figures.push({
        ...{
          section: 'node',
          name: `sync ${label}, ${rule}, to python3-libvirt`,
          rules: 0,
          unit: 'x',
          limit: syncLimit,
        },
        ...{ value, ratio: value, reference: race.ns('python', other, 'second') },
        details: {
          ns: race.ns('virtshim', rule, 'second'),
          wallNs: race.ns('virtshim', rule, 'first'),
          toPythonBare: race.ratio(rule, 'python', 'bare', 'second'),
          toPythonUnderShim: race.ratio(rule, 'python', rule, 'second'),
          cNs: race.ns('c', 'bare', 'second'),
          toC: race.ratio(rule, 'c', 'bare', 'second'),
        },
      });
    }
  }
  await end(field);
  return figures;
}

/** On the wall: what counts is how much gets done. */
async function asyncCalls(shop: Workshop, image: Images, guests: string): Promise<Figure[]> {
  const field = [
    one('unraid', 'bare', shop.unraidWorker(guests, 'bare')),
    ...rules.map((rule) => one('virtshim', rule, shop.nodeWorker(guests, image[rule]))),
    ...rules.map((rule) => one('unraid', rule, shop.unraidWorker(guests, 'shimmed', image[rule]))),
  ];
  const figures: Figure[] = [];
  for (const { name, label } of works) {
    for (const atOnce of [1, guestNames.length]) {
      const race = await Race.of(shop, field, `async ${name} ${asyncCount} ${atOnce}`, asyncCount);
      const title = `async ${label}, ${atOnce} at once`;
      for (const rule of rules) {
        const other = isRecorded(name, rule) ? rule : 'bare';
        const value = race.ratio(rule, 'unraid', other, 'first');
        figures.push({
          ...{ section: 'node', name: `${title}, ${rule}, to @unraid/libvirt`, rules: 0, unit: 'x', limit: asyncLimit },
          ...{ value, ratio: value, reference: race.ns('unraid', other, 'first') },
          details: {
            ns: race.ns('virtshim', rule, 'first'),
            toUnraidBare: race.ratio(rule, 'unraid', 'bare', 'first'),
            toUnraidUnderShim: race.ratio(rule, 'unraid', rule, 'first'),
            processorRatio: race.ratio(rule, 'unraid', other, 'second'),
          },
        });
      }
    }
  }
  await end(field);
  return figures;
}

export async function nodeCalls(shop: Workshop): Promise<Figure[]> {
  const image = await images(shop);
  const guests = guestsFile(shop);
  const figures = await syncCalls(shop, image, guests);
  if (existsSync(join(shop.root, 'node_modules/@unraid/libvirt/build/Release/libvirt.node'))) {
    return [...figures, ...(await asyncCalls(shop, image, guests))];
  }
  process.stderr.write('skipped: @unraid/libvirt is not built\n');
  return figures;
}
