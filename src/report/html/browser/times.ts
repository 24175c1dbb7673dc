/** Times for people, in UTC or in the reader's own zone. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Distances between marks of the axis, in milliseconds. */
const STEPS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND],
  ...[MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE],
  ...[HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY, 365 * DAY],
];

export class Clock {
  #utc = true;

  get utc(): boolean {
    return this.#utc;
  }

  toggle(): void {
    this.#utc = !this.#utc;
  }

  /** `2026-01-31 14:02:11`, with milliseconds where they are wanted. */
  full(time: number, milliseconds = false): string {
    return this.#iso(time)
      .slice(0, milliseconds ? 23 : 19)
      .replace('T', ' ');
  }

  /** As much as tells two marks of that distance apart. */
  mark(time: number, step: number): string {
    const iso = this.#iso(time);
    const [date, clock] = [iso.slice(0, 10), iso.slice(11, 23)];
    if (step >= DAY || clock === '00:00:00.000') return date;
    if (step >= MINUTE) return clock.slice(0, 5);
    return step >= SECOND ? clock.slice(0, 8) : clock;
  }

  /** Marks between two moments, at most `most` of them. */
  marks(from: number, to: number, most: number): { step: number; times: number[] } {
    const step = STEPS.find((each) => (to - from) / each <= most) ?? (to - from) / most;
    const shift = this.#shift(from);
    const first = Math.ceil((from + shift) / step) * step - shift;
    const times: number[] = [];
    for (let time = first; time <= to; time += step) times.push(time);
    return { step, times };
  }

  #iso(time: number): string {
    return new Date(time + this.#shift(time)).toISOString();
  }

  #shift(time: number): number {
    return this.#utc ? 0 : -new Date(time).getTimezoneOffset() * MINUTE;
  }
}

/** `2 d 3 h`, `14.2 s`. */
export function span(milliseconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(milliseconds / DAY), 'd'],
    [Math.floor(milliseconds / HOUR) % 24, 'h'],
    [Math.floor(milliseconds / MINUTE) % 60, 'min'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return `${Number((milliseconds / SECOND).toPrecision(3))} s`;
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
