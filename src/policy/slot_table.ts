/** The open-addressing table of a group: slots with the upper half of a hash, probed upwards from its low bits. */

export interface Slot<T> {
  readonly tag: number;
  readonly items: readonly T[];
}

interface Bucket<T> {
  readonly hash: bigint;
  items: T[];
}

export class SlotTable<T> {
  private readonly buckets = new Map<bigint, Bucket<T>>();

  /** `orderOf` ranks the items of a slot. */
  constructor(private readonly orderOf: (item: T) => number) {}

  add(hash: bigint, item: T): void {
    const bucket = this.buckets.get(hash);
    if (bucket === undefined) this.buckets.set(hash, { hash, items: [item] });
    else bucket.items.push(item);
  }

  /** A power of two of slots, at most half of them full; none where there is no item. */
  slots(): (Slot<T> | undefined)[] {
    if (this.buckets.size === 0) return [];
    const slots = new Array<Slot<T> | undefined>(2 ** Math.ceil(Math.log2(this.buckets.size * 2))).fill(undefined);
    for (const bucket of this.buckets.values()) this.place(slots, bucket);
    return slots;
  }

  private place(slots: (Slot<T> | undefined)[], { hash, items }: Bucket<T>): void {
    const mask = slots.length - 1;
    const tag = Number(hash >> 32n);
    let at = Number(hash & BigInt(mask));
    while (slots[at] !== undefined && slots[at]?.tag !== tag) at = (at + 1) & mask;
    // Another hash with the same upper half would hide this one from whoever looks it up: they share the slot.
    const all = [...(slots[at]?.items ?? []), ...items];
    slots[at] = { tag, items: all.sort((a, b) => this.orderOf(a) - this.orderOf(b)) };
  }
}
