/** Calls without a record: those that nothing concerns, and those that are judged and permitted. */
import { type Figure, median, medianDifference } from '../figures.js';
import { shapes, unrelatedPolicy } from '../policies.js';
import { type Answer, interleave, type MeasuringProcess } from '../process.js';
import type { Workshop } from '../workshop.js';

const untouchedLimitNs = 20;
const judgedLimitNs = 150;

const callsPerRound: Readonly<Record<string, number>> = { name: 50_000, active: 4_000, state: 4_000, info: 2_000 };

/** ns of the thread for one call, in each round. */
function perCall(answers: readonly Answer[] | undefined, calls: number): number[] {
  return (answers ?? []).map((answer) => answer.second / calls);
}

/** Sets each shimmed worker against the bare one at the same work. */
async function compare(
  shop: Workshop,
  work: string,
  workers: readonly { readonly rules: number; readonly process: MeasuringProcess }[],
  label: Pick<Figure, 'section' | 'name' | 'limit'>,
): Promise<Figure[]> {
  const calls = callsPerRound[work] ?? 1000;
  const bare = shop.bareWorker();
  const asked = [bare, ...workers.map(({ process }) => process)];
  const answers = await interleave(
    asked.map((process) => ({ process, line: `${work} ${calls}` })),
    shop.rounds,
  );
  await Promise.all(asked.map((process) => process.end()));
  const reference = perCall(answers[0], calls);
  return workers.map(({ rules }, index) => {
    const shimmed = perCall(answers[index + 1], calls);
    return {
      ...label,
      rules,
      unit: 'ns',
      value: medianDifference(shimmed, reference),
      reference: median(reference),
      ratio: median(shimmed) / median(reference),
      details: {},
    };
  });
}

/** A call that no rule and no record concerns: without a policy, and under policies about other calls. */
export async function untouchedCalls(shop: Workshop, sizes: readonly number[]): Promise<Figure[]> {
  const workers = [{ rules: 0, process: shop.shimmedWorker(undefined) }];
  for (const rules of sizes)
    workers.push({ rules, process: shop.shimmedWorker(await shop.image(unrelatedPolicy(rules))) });
  return compare(shop, 'name', workers, { section: 'untouched', name: 'virDomainGetName', limit: untouchedLimitNs });
}

/** A query that has to be judged by policies full of one kind of rules, and is permitted. */
export async function judgedCalls(shop: Workshop, sizes: readonly number[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const shape of shapes) {
    const workers: { rules: number; process: MeasuringProcess }[] = [];
    for (const rules of sizes)
      workers.push({ rules, process: shop.shimmedWorker(await shop.image(shape.document(rules))) });
    const label = { section: 'judged', name: shape.name, limit: judgedLimitNs };
    figures.push(...(await compare(shop, shape.work, workers, label)));
  }
  return figures;
}
