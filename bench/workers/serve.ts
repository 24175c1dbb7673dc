/**
 * The other end of MeasuringProcess in Node: each line of standard input names a piece of work, how many calls, and how
 * many of them at once; each line of standard output says how long that took in all, in ns: on the wall and of the
 * process's processor time.
 */
import { createInterface } from 'node:readline';

/** Makes that many calls; an even number, because `pause` suspends and resumes in turn. */
export type Work = (calls: number) => void | Promise<void>;

export type WorkName = 'name' | 'info' | 'pause';

export interface Works {
  /** On the calling thread, on the guest `test` of test:///default. */
  readonly sync?: Readonly<Record<WorkName, Work>>;
  /** On other threads; calls that are in flight together are on different guests. */
  readonly async: readonly Readonly<Record<WorkName, Work>>[];
}

/** Path of the driver's state, with the guests `bench-0`, `bench-1` ... */
export const guestsUri = (): string => `test://${process.argv[2]}`;

export const guestNames: readonly string[] = Array.from({ length: 64 }, (_, index) => `bench-${index}`);

async function perform(works: Works, line: string): Promise<void> {
  const [way, name = '', calls, atOnce] = line.split(' ');
  const lanes = way === 'sync' ? [works.sync] : works.async.slice(0, Number(atOnce));
  await Promise.all(lanes.map((lane) => lane?.[name as WorkName](Number(calls) / lanes.length)));
}

export async function serve(works: Works): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const processor = process.cpuUsage();
    const start = process.hrtime.bigint();
    await perform(works, line);
    const wall = process.hrtime.bigint() - start;
    const { user, system } = process.cpuUsage(processor);
    console.log(`${wall} ${(user + system) * 1000}`);
  }
}
