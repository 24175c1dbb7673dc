/** What a whole process pays: its start and its memory. */
import { type Figure, median, medianDifference } from '../figures.js';
import { recordingPolicy, shapes } from '../policies.js';
import { interleave } from '../process.js';
import type { Workshop } from '../workshop.js';

const startLimitMs = 1;
const memoryLimitKiB = 1024;

const commands: readonly (readonly string[])[] = [
  ['virsh', '--version'],
  ['virsh', '-c', 'test:///default', 'list'],
];

/** Start-up and end of virsh. */
export async function startUp(shop: Workshop): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const command of commands) {
    const processes = [shop.launcher(command, false), shop.launcher(command, true)] as const;
    const answers = await interleave(
      processes.map((process) => ({ process, line: 'go' })),
      shop.rounds,
    );
    await Promise.all(processes.map((process) => process.end()));
    const ms = (index: number, clock: 'first' | 'second') => (answers[index] ?? []).map((each) => each[clock] / 1e6);
    // On the wall: a start may wait for the kernel without using the processor.
    const [bare, shimmed] = [ms(0, 'first'), ms(1, 'first')];
    figures.push({
      section: 'start',
      name: command.join(' '),
      rules: 0,
      unit: 'ms',
      value: medianDifference(shimmed, bare),
      limit: startLimitMs,
      reference: median(bare),
      ratio: median(shimmed) / median(bare),
      details: {
        addedProcessorMs: medianDifference(ms(1, 'second'), ms(0, 'second')),
        bareProcessorMs: median(ms(0, 'second')),
      },
    });
  }
  return figures;
}

/** Resident memory after every kind of measured call was made once. */
export async function memory(shop: Workshop, sizes: readonly number[]): Promise<Figure[]> {
  const mixed = shapes.find(({ name }) => name === 'mixed');
  if (mixed === undefined) throw new Error('there is no shape `mixed`');
  const figures: Figure[] = [];
  for (const rules of [0, ...sizes]) {
    const document = rules === 0 ? recordingPolicy(0, true) : { ...mixed.document(rules), audit: { netlink: true } };
    const image = await shop.image(document);
    const bare: number[] = [];
    const shimmed: number[] = [];
    const own: number[] = [];
    for (let round = 0; round < Math.max(3, shop.rounds / 8); round++) {
      bare.push((await memoryOf(shop, undefined)).first);
      const answer = await memoryOf(shop, image);
      shimmed.push(answer.first);
      own.push(answer.second);
    }
    figures.push({
      section: 'memory',
      name: 'resident',
      rules,
      unit: 'KiB',
      value: median(shimmed) - median(bare),
      limit: memoryLimitKiB,
      reference: median(bare),
      ratio: median(shimmed) / median(bare),
      details: { privateDirtyKiB: median(own) },
    });
  }
  return figures;
}

async function memoryOf(shop: Workshop, image: string | undefined) {
  const worker = image === undefined ? shop.bareWorker() : shop.shimmedWorker(image);
  for (const line of ['name 10', 'active 10', 'state 10', 'info 10', 'pause 10']) await worker.ask(line);
  const answer = await worker.ask('memory');
  await worker.end();
  return answer;
}
