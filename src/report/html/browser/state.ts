/** What the reader looks at: the period, the kinds, the search. Whoever draws is told when it changes. */
import type { EntryKind, PageData, PageEntry } from '../page_data.js';

const SMALLEST = 10;
/** Room at both ends, so that the first and the last entry are no half marks. */
const MARGIN = 0.02;

export class State {
  readonly data: PageData;
  from: number;
  to: number;
  readonly hidden = new Set<EntryKind>();
  unattributedOnly = false;
  query = '';
  /** Index in `data.entries`. */
  selected: number | undefined;
  /** Of `data.entries` those that kinds and search leave, whatever the period. */
  matching: readonly number[] = [];
  /** The same by guest, in the order of time. */
  readonly ofGuest = new Map<number | undefined, number[]>();
  readonly #listeners: (() => void)[] = [];
  readonly #texts: (string | undefined)[] = [];

  constructor(data: PageData) {
    this.data = data;
    this.from = data.from;
    this.to = data.to;
    this.fit();
    this.filter();
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Shows all there is. */
  fit(): void {
    const room = (this.data.to - this.data.from) * MARGIN;
    this.#show(this.data.from - room, this.data.to + room);
  }

  /** Less than 1 is nearer; `at` stays where it is. */
  zoom(factor: number, at = (this.from + this.to) / 2): void {
    this.#show(at - (at - this.from) * factor, at + (this.to - at) * factor);
  }

  /** By parts of what is seen. */
  pan(part: number): void {
    const by = (this.to - this.from) * part;
    this.#show(this.from + by, this.to + by);
  }

  select(index: number | undefined): void {
    this.selected = index;
    const time = index === undefined ? undefined : this.data.entries[index]?.time;
    if (time !== undefined && (time < this.from || time > this.to)) {
      const half = (this.to - this.from) / 2;
      this.#show(time - half, time + half);
    }
    this.changed();
  }

  /** The entries that are seen: first and last place in `matching`, the last one not included. */
  inView(list: readonly number[] = this.matching): [number, number] {
    return [this.#firstFrom(list, this.from), this.#firstFrom(list, this.to)];
  }

  /** To be called after kinds or search have changed. */
  filter(): void {
    const words = this.query.toLowerCase().split(/\s+/).filter(Boolean);
    const { entries } = this.data;
    this.matching = [...entries.keys()].filter((index) => this.#matches(entries[index] as PageEntry, index, words));
    this.ofGuest.clear();
    for (const index of this.matching) {
      const { guest } = entries[index] as PageEntry;
      const list = this.ofGuest.get(guest);
      if (list === undefined) this.ofGuest.set(guest, [index]);
      else list.push(index);
    }
    this.changed();
  }

  #matches(entry: PageEntry, index: number, words: readonly string[]): boolean {
    if (this.hidden.has(entry.kind) || (this.unattributedOnly && entry.unattributed !== true)) return false;
    if (words.length === 0) return true;
    const text = this.#textOf(entry, index);
    return words.every((word) => text.includes(word));
  }

  #textOf(entry: PageEntry, index: number): string {
    const known = this.#texts[index];
    if (known !== undefined) return known;
    const guest = entry.guest === undefined ? undefined : this.data.guests[entry.guest];
    const parts = [guest?.name, guest?.uuid, entry.text, ...entry.facts.map(([, value]) => value), ...entry.proof];
    const text = parts.filter(Boolean).join('\n').toLowerCase();
    this.#texts[index] = text;
    return text;
  }

  #show(from: number, to: number): void {
    const whole = this.data.to - this.data.from;
    const length = Math.min(Math.max(to - from, SMALLEST), whole * (1 + 4 * MARGIN) + SMALLEST);
    const middle = Math.min(Math.max((from + to) / 2, this.data.from), this.data.to);
    this.from = middle - length / 2;
    this.to = middle + length / 2;
    this.changed();
  }

  #firstFrom(list: readonly number[], time: number): number {
    let [low, high] = [0, list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.data.entries[list[middle] as number] as PageEntry).time < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
