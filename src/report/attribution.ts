/** Who caused what libvirt recorded. */
import { knownEnds, periodOf } from './call_period.js';
import type { CauseRule } from './causes.js';
import type { CallEvent } from './event.js';
import type { SeenCall } from './same_call.js';

/**
 * `call`: this call did it; `alsoSeen` are records of the same call by another process, the daemon that served it.
 * `ambiguous`: one of these did it; or, where it is one alone, it may have done it.
 * `none`: nobody asked for it through the shim; `autostart` is the call that told libvirt to start the guest itself.
 */
export type Attribution =
  | { readonly kind: 'call'; readonly call: CallEvent; readonly alsoSeen: readonly CallEvent[] }
  | { readonly kind: 'ambiguous'; readonly candidates: readonly CallEvent[] }
  | { readonly kind: 'none'; readonly autostart?: CallEvent };

/**
 * How far, in milliseconds, libvirt's record may lie outside of the call's time: the kernel's clock is coarse, and
 * records come a little late; clocks of two hosts differ. The narrowest ring that holds a call decides.
 */
const CLOCKS = 500;
/** The last one is for calls of which the audit log alone tells: only their end is known, shortly after the event. */
const LAST_RING = 30_000;
const RINGS = [5, 50, CLOCKS, LAST_RING] as const;

export interface Question {
  /** Of libvirt's record, milliseconds since 1970. */
  readonly time: number;
  /** What came before cannot have caused it: the guest's start, for its stop. */
  readonly since?: number;
  /** The likelier ones first: the first that any call fits decides. */
  readonly rules: readonly CauseRule[];
  /** A text that the cause's arguments hold, if they are known: the path or address of a device. */
  readonly about?: string;
}

/** The calls about one guest, to be asked which of them caused something. */
export class CallIndex {
  readonly #byFunction = new Map<string, SeenCall[]>();
  readonly #longest = new Map<string, number>();

  /**
   * @param calls by time
   * @param strays calls that may be about this guest, too: their records do not tell
   */
  constructor(
    calls: readonly SeenCall[],
    private readonly strays?: CallIndex,
  ) {
    for (const seen of calls) if (canCause(seen.call)) this.#add(seen);
  }

  attribute(question: Question): Attribution {
    for (const rule of question.rules) {
      const found = this.#candidates(question, rule);
      if (found.length > 0) return concluded(narrowed(found, question.about), rule);
    }
    return { kind: 'none' };
  }

  /** The last call of a function before a time that passes the test. */
  lastBefore(time: number, name: string): CallEvent | undefined {
    const calls = this.#byFunction.get(name) ?? [];
    return calls[firstAfter(calls, time) - 1]?.call;
  }

  #add(seen: SeenCall): void {
    const { operation, duration = 0 } = seen.call;
    const same = this.#byFunction.get(operation);
    if (same === undefined) this.#byFunction.set(operation, [seen]);
    else same.push(seen);
    this.#longest.set(operation, Math.max(this.#longest.get(operation) ?? 0, duration));
  }

  #candidates(question: Question, rule: CauseRule): SeenCall[] {
    const near = [this, this.strays].flatMap((index) => (index === undefined ? [] : index.#nearAll(question, rule)));
    for (const ring of RINGS) {
      const inside = near.filter(({ call }) => isInside(call, question.time, rule, ring));
      if (inside.length > 0) return inside;
    }
    if (rule.within === 0) return [];
    return near.filter(({ call }) => isBefore(call, question.time, rule));
  }

  #nearAll(question: Question, rule: CauseRule): SeenCall[] {
    return rule.functions.flatMap((name) => this.#near(question, rule, name));
  }

  /** The calls of a function that are not too long ago, nor later. */
  #near({ time, since = Number.NEGATIVE_INFINITY }: Question, rule: CauseRule, name: string): SeenCall[] {
    const calls = this.#byFunction.get(name) ?? [];
    const reach = rule.within + Math.max(rule.longest, this.#longest.get(name) ?? 0) + CLOCKS;
    const found: SeenCall[] = [];
    for (let at = firstAfter(calls, time + LAST_RING) - 1; at >= 0; at--) {
      const seen = calls[at] as SeenCall;
      if (seen.call.time < time - reach) break;
      const ended = periodOf(seen.call, rule.longest).end;
      if (ended >= since && (rule.when?.(seen.call) ?? true)) found.unshift(seen);
    }
    return found;
  }
}

/** Where nothing was done, nothing was caused. Whose outcome is not recorded may have done it. */
function canCause({ verdict, success }: CallEvent): boolean {
  return verdict !== 'denied' && success !== false;
}

/** Whether libvirt recorded it while the call went on. */
function isInside(call: CallEvent, time: number, { longest }: CauseRule, ring: number): boolean {
  const slack = Math.min(ring, CLOCKS);
  if (knownEnds(call) === 'end') return time >= call.time - ring && time <= call.time + slack;
  const { start, end } = periodOf(call, longest);
  return time >= start - slack && time <= end + slack;
}

function isBefore(call: CallEvent, time: number, { within, longest }: CauseRule): boolean {
  const { start, end } = periodOf(call, knownEnds(call) === 'end' ? 0 : longest);
  return start <= time && time <= end + within;
}

/** Of several, those that speak of the device in question, should any do so. */
function narrowed(found: readonly SeenCall[], about: string | undefined): readonly SeenCall[] {
  if (about === undefined || found.length < 2) return found;
  const speaking = found.filter(({ call }) => Object.values(call.arguments).some((text) => text.includes(about)));
  return speaking.length > 0 ? speaking : found;
}

function concluded(found: readonly SeenCall[], rule: CauseRule): Attribution {
  const [only] = found;
  const certain = rule.sure && only !== undefined && found.length === 1 && only.call.success === true;
  if (certain) return { kind: 'call', call: only.call, alsoSeen: only.alsoSeen };
  return { kind: 'ambiguous', candidates: found.map(({ call }) => call) };
}

/** Where in a list by time the calls start that are later than `time`. */
function firstAfter(calls: readonly SeenCall[], time: number): number {
  let [low, high] = [0, calls.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((calls[middle] as SeenCall).call.time > time) high = middle;
    else low = middle + 1;
  }
  return low;
}
