/** The decision alone, by policies of any size: the call is permitted, and few of their rules come near it. */
import { type Figure, median } from '../figures.js';
import { decisionShapes, type Shape } from '../policies.js';
import { type Answer, interleave } from '../process.js';
import type { Workshop } from '../workshop.js';

const sizes = [10, 100, 1000, 10_000];
const decisionsPerRound = 20_000;
// Nothing but this thread is measured, and little of it: medians settle soon.
const mostRounds = 15;
const growthLimit = 2;

/** How much longer a decision takes than with the fewest rules. */
export async function decisions(shop: Workshop): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const shape of decisionShapes) figures.push(...(await growthOf(shop, shape)));
  return figures;
}

async function growthOf(shop: Workshop, shape: Shape): Promise<Figure[]> {
  const processes = [];
  for (const rules of sizes) processes.push(shop.decider(await shop.image(shape.document(rules))));
  const asked = shape.work === 'active' ? 'virDomainIsActive' : 'virDomainGetState';
  const line = `${asked} ${decisionsPerRound}`;
  const answers = await interleave(
    processes.map((process) => ({ process, line })),
    Math.min(shop.rounds, mostRounds),
  );
  await Promise.all(processes.map((process) => process.end()));
  const times = answers.map((rounds) => median(rounds.map(({ second }) => second / decisionsPerRound)));
  const fewest = times[0] ?? Number.NaN;
  return sizes.map((rules, index) => {
    const time = times[index] ?? Number.NaN;
    return {
      ...{ section: 'decide', name: shape.name, rules, unit: 'x', value: time / fewest, limit: growthLimit },
      ...{ reference: fewest, ratio: time / fewest, details: { ns: time, allocations: allocationsIn(answers[index]) } },
    };
  });
}

function allocationsIn(answers: readonly Answer[] = []): number {
  return answers.reduce((sum, { first }) => sum + first, 0);
}
