/** State-changing calls, each of which leaves two chained records. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type Figure, median, medianDifference } from '../figures.js';
import { recordingPolicy } from '../policies.js';
import { type Answer, interleave } from '../process.js';
import type { Workshop } from '../workshop.js';

const appendLimit = 4;
const naiveLimit = 1;
const netlinkLimit = 1.3;
const callsPerRound = 400;
// Few at a time, with pauses: the kernel's queue and auditd have to keep up, in the raw case as well.
const sentPerRound = 100;
const pauseBetweenSendsMs = 15;

type Clock = 'first' | 'second';

function perCall(answers: readonly Answer[] | undefined, calls: number, clock: Clock): number[] {
  return (answers ?? []).map((answer) => answer[clock] / calls);
}

/** Bytes that one call leaves in the file, found out by making some. */
async function bytesPerCall(
  shop: Workshop,
  image: string,
  file: string,
  calls: number,
  pausing: boolean,
): Promise<number> {
  const trail = shop.newFolder();
  const worker = shop.shimmedWorker(image, trail);
  const path = join(trail, file);
  await worker.ask('pause 2');
  if (pausing) await new Promise((resolve) => setTimeout(resolve, 100));
  const before = statSync(path).size;
  await worker.ask(`pause ${calls}`);
  await worker.end();
  return Math.round((statSync(path).size - before) / calls);
}

/**
 * Both records of a call against one plain append of all their bytes, against one of each record's, and against a shim
 * that opens its log each time.
 */
export async function recordedCalls(shop: Workshop, sizes: readonly number[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const rules of sizes) {
    const image = await shop.image(recordingPolicy(rules, false));
    const bytes = await bytesPerCall(shop, image, 'trail.xml', 200, false);
    const processes = [
      shop.bareWorker(),
      shop.shimmedWorker(image),
      shop.bareWorker(),
      shop.naiveWorker(join(shop.newFolder(), 'naive.log')),
      shop.bareWorker(),
    ] as const;
    const calls = `pause ${callsPerRound}`;
    const lines = [
      calls,
      calls,
      `append ${callsPerRound} ${bytes}`,
      calls,
      `append ${2 * callsPerRound} ${Math.round(bytes / 2)}`,
    ];
    const answers = await interleave(
      processes.map((process, index) => ({ process, line: lines[index] ?? calls })),
      shop.rounds,
    );
    await Promise.all(processes.map((process) => process.end()));
    figures.push(...figuresOfRecords(rules, bytes, answers));
  }
  return figures;
}

function figuresOfRecords(rules: number, bytes: number, answers: readonly Answer[][]): Figure[] {
  const of = (clock: Clock) => {
    const [bare, shimmed, append, naive, twoAppends] = answers.map((each) => perCall(each, callsPerRound, clock));
    return {
      added: medianDifference(shimmed ?? [], bare ?? []),
      naive: medianDifference(naive ?? [], bare ?? []),
      append: median(append ?? []),
      twoAppends: median(twoAppends ?? []),
    };
  };
  const thread = of('second');
  const wall = of('first');
  const details = {
    bytes,
    addedNs: thread.added,
    addedWallNs: wall.added,
    appendNs: thread.append,
    appendWallNs: wall.append,
    twoAppendsNs: thread.twoAppends,
    naiveNs: thread.naive,
    naiveWallNs: wall.naive,
  };
  const common = { section: 'recorded', rules, unit: 'x', details } as const;
  const toAppend = thread.added / thread.append;
  const toTwo = thread.added / thread.twoAppends;
  const toNaive = thread.added / thread.naive;
  return [
    {
      ...common,
      name: 'to one append',
      value: toAppend,
      ratio: toAppend,
      limit: appendLimit,
      reference: thread.append,
    },
    {
      ...common,
      name: 'to two appends',
      value: toTwo,
      ratio: toTwo,
      limit: appendLimit,
      reference: thread.twoAppends,
    },
    { ...common, name: 'to naive shim', value: toNaive, ratio: toNaive, limit: naiveLimit, reference: thread.naive },
  ];
}

/** What sending the audit text adds for the caller, against the bare send of a text of that size. */
export async function netlinkCalls(shop: Workshop, sizes: readonly number[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const rules of sizes) {
    const without = await shop.image(recordingPolicy(rules, false));
    const withNetlink = await shop.image(recordingPolicy(rules, true));
    const processes = [shop.shimmedWorker(without), shop.shimmedWorker(withNetlink), shop.bareWorker()] as const;
    const textBytes = await auditTextBytes(shop, rules);
    const lines = [`pause ${sentPerRound}`, `pause ${sentPerRound}`, `socket ${sentPerRound} ${textBytes}`];
    const answers = await interleave(
      processes.map((process, index) => ({ process, line: lines[index] ?? '' })),
      shop.rounds,
      pauseBetweenSendsMs,
    );
    await Promise.all(processes.map((process) => process.end()));
    figures.push(figureOfNetlink(rules, textBytes, answers));
  }
  return figures;
}

/** Size of the text of one record, as audit.log has it without the head that stands for the kernel's. */
async function auditTextBytes(shop: Workshop, rules: number): Promise<number> {
  const document = recordingPolicy(rules, false);
  const image = await shop.image({ ...document, audit: { netlink: false, file: 'always' } });
  const lineBytes = await bytesPerCall(shop, image, 'audit.log', 20, false);
  const head =
    "type=VIRT_CONTROL msg=audit(1700000000.123:4294967295): pid=123456 uid=0 auid=4294967295 ses=4294967295 msg=''\n";
  return lineBytes - head.length;
}

function figureOfNetlink(rules: number, textBytes: number, answers: readonly Answer[][]): Figure {
  const of = (clock: Clock) => {
    const [without, withNetlink, raw] = answers.map((each) => perCall(each, sentPerRound, clock));
    return { added: medianDifference(withNetlink ?? [], without ?? []), raw: median(raw ?? []) };
  };
  const wall = of('first');
  const thread = of('second');
  // On the wall: what the caller waits for, locks and the other thread's wake-up included.
  const ratio = wall.added / wall.raw;
  return {
    section: 'netlink',
    name: 'to one bare send',
    rules,
    unit: 'x',
    value: ratio,
    ratio,
    limit: netlinkLimit,
    reference: wall.raw,
    details: { textBytes, addedNs: thread.added, addedWallNs: wall.added, rawNs: thread.raw, rawWallNs: wall.raw },
  };
}
