/** One call, seen more than once: by the client, by the daemon that serves it, and where libvirt calls itself. */
import { periodOf } from './call_period.js';
import type { CallEvent } from './event.js';

const DAEMON = /^(libvirtd|virt[a-z]+d)$/;
/** The clocks of client and daemon are one, but records are not made at the very moment. */
const SLACK = 100;
/** Of calls of which the audit log alone tells. */
const UNKNOWN_LENGTH = 1000;

export interface SeenCall {
  /** As the client made it, where its record is there. */
  readonly call: CallEvent;
  readonly alsoSeen: CallEvent[];
}

/** Puts together what is one call. `calls` are those about one guest. The order is that of the calls. */
export function sameCalls(calls: readonly CallEvent[]): SeenCall[] {
  const seen = calls.map((call): SeenCall => ({ call, alsoSeen: [] }));
  const outermost = seen.filter(({ call }) => !call.nested);
  const inner = new Set<SeenCall>();
  const put = (one: SeenCall, outer: SeenCall | undefined): void => {
    if (outer === undefined) return;
    outer.alsoSeen.push(one.call, ...one.alsoSeen);
    inner.add(one);
  };
  const byProcess = new Around(outermost, ({ subject }) => String(subject.pid));
  for (const one of seen) {
    if (one.call.nested && one.call.verdict === 'permitted')
      put(
        one,
        byProcess.find(one.call, () => true),
      );
  }
  const clients = new Around(
    outermost.filter(({ call }) => !isDaemon(call)),
    ({ operation }) => operation,
  );
  for (const one of outermost)
    if (isDaemon(one.call))
      put(
        one,
        clients.find(one.call, (call) => alike(call, one.call)),
      );
  return seen.filter((one) => !inner.has(one));
}

const isDaemon = ({ subject: { comm } }: CallEvent): boolean => DAEMON.test(comm ?? '');

const alike = (one: CallEvent, other: CallEvent): boolean =>
  one.verdict === other.verdict && one.success === other.success;

/** Finds the call of the same key in whose time another lies. */
class Around {
  readonly #byKey = new Map<string, SeenCall[]>();
  #longest = 0;

  constructor(
    calls: readonly SeenCall[],
    private readonly keyOf: (call: CallEvent) => string,
  ) {
    for (const seen of calls) {
      const { start, end } = periodOf(seen.call, UNKNOWN_LENGTH);
      this.#longest = Math.max(this.#longest, end - start);
      const same = this.#byKey.get(keyOf(seen.call));
      if (same === undefined) this.#byKey.set(keyOf(seen.call), [seen]);
      else same.push(seen);
    }
    for (const same of this.#byKey.values()) same.sort((a, b) => startOf(a) - startOf(b));
  }

  /** The one that began last. */
  find(inner: CallEvent, matches: (outer: CallEvent) => boolean): SeenCall | undefined {
    const within = periodOf(inner, 0);
    const same = this.#byKey.get(this.keyOf(inner)) ?? [];
    for (let at = firstAfter(same, within.start + SLACK) - 1; at >= 0; at--) {
      const seen = same[at] as SeenCall;
      const around = periodOf(seen.call, UNKNOWN_LENGTH);
      if (within.start - around.start > this.#longest + SLACK) return undefined;
      if (seen.call !== inner && within.end <= around.end + SLACK && matches(seen.call)) return seen;
    }
    return undefined;
  }
}

const startOf = ({ call }: SeenCall): number => periodOf(call, UNKNOWN_LENGTH).start;

/** Where in a list by begin the calls start that begin after `time`. */
function firstAfter(calls: readonly SeenCall[], time: number): number {
  let [low, high] = [0, calls.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (startOf(calls[middle] as SeenCall) > time) high = middle;
    else low = middle + 1;
  }
  return low;
}
