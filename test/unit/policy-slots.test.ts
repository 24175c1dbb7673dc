// The table by whose slots the evaluator finds rules, looked up as native/policy/candidates.cc does.
import { expect, test } from '@jest/globals';
import { type Slot, SlotTable } from '../../src/policy/slot_table.js';

function found(slots: readonly (Slot<number> | undefined)[], hash: bigint): readonly number[] {
  const mask = slots.length - 1;
  for (let probe = 0; probe <= mask; probe++) {
    const slot = slots[(Number(hash & BigInt(mask)) + probe) & mask];
    if (slot === undefined) return [];
    if (slot.tag === Number(hash >> 32n)) return slot.items;
  }
  return [];
}

function tableOf(entries: readonly (readonly [bigint, number])[]): (Slot<number> | undefined)[] {
  const table = new SlotTable<number>((item) => item);
  for (const [hash, item] of entries) table.add(hash, item);
  return table.slots();
}

test('an empty table has no slots', () => {
  expect(tableOf([])).toEqual([]);
});

test('each hash leads to its items, in order', () => {
  const entries = Array.from({ length: 100 }, (_, item) => [BigInt(item % 33) * 0x9e3779b97f4a7c15n, item] as const);
  const hashes = entries.map(([hash, item]) => [BigInt.asUintN(64, hash), item] as const);
  const slots = tableOf(hashes);
  expect(slots.filter((slot) => slot !== undefined).length * 2).toBeLessThanOrEqual(slots.length);
  for (const [hash] of hashes) {
    const expected = hashes.filter(([other]) => other === hash).map(([, item]) => item);
    expect(found(slots, hash)).toEqual(expected);
  }
});

// The slots keep half of a hash only: a second one with this half must not be hidden by the first.
test.each([
  ['at the same place', [0x7_0000_0001n, 0x7_0000_0101n]],
  ['on the way of another', [0x7_0000_0001n, 0x7_0000_0000n, 0x8_0000_0000n]],
  ['before another', [0x8_0000_0000n, 0x7_0000_0001n, 0x7_0000_0000n]],
])('hashes that agree in their upper halves, %s', (_, hashes) => {
  const slots = tableOf(hashes.map((hash, index) => [hash, hashes.length - index] as const));
  for (const [index, hash] of hashes.entries()) {
    expect(found(slots, hash)).toContain(hashes.length - index);
    expect(found(slots, hash)).toEqual([...found(slots, hash)].sort((a, b) => a - b));
  }
});
