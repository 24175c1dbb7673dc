/** Which records are about the same guest: the uuid tells, and where a record has a name alone, who bore it then. */
import type { Guest } from './event.js';

interface Sighting {
  readonly time: number;
  readonly uuid: string;
}

export class GuestKeys {
  readonly #byName = new Map<string, Sighting[]>();

  /** To be told of every guest before any is asked for. */
  see({ name, uuid }: Guest, time: number): void {
    if (name === undefined || uuid === undefined) return;
    const sightings = this.#byName.get(name);
    if (sightings === undefined) this.#byName.set(name, [{ time, uuid }]);
    else if (sightings.at(-1)?.uuid !== uuid || time < (sightings.at(-1)?.time ?? 0)) sightings.push({ time, uuid });
  }

  /** undefined where the record tells no guest. */
  keyOf({ name, uuid }: Guest, time: number): string | undefined {
    if (uuid !== undefined) return uuid;
    if (name === undefined) return undefined;
    return this.#bearer(name, time) ?? `name ${name}`;
  }

  /** The last one that had the name before, or the first one after. */
  #bearer(name: string, time: number): string | undefined {
    const sightings = this.#byName.get(name)?.sort((a, b) => a.time - b.time);
    return (sightings?.findLast((one) => one.time <= time) ?? sightings?.[0])?.uuid;
  }
}
