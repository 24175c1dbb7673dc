/** The calls of all logs, each once: a call stands in the trail, in the kernel's audit log, or in both. */
import type { CallEvent } from './event.js';

export class CallLedger {
  readonly #byId = new Map<string, CallEvent>();
  /** Records of other programs have no id. */
  readonly #others: CallEvent[] = [];

  add(call: CallEvent): void {
    if (call.rid === '') this.#others.push(call);
    else {
      const known = this.#byId.get(call.rid);
      this.#byId.set(call.rid, known === undefined ? call : joined(known, call));
    }
  }

  get isEmpty(): boolean {
    return this.#byId.size === 0 && this.#others.length === 0;
  }

  /** By time. */
  all(): CallEvent[] {
    return [...this.#byId.values(), ...this.#others].sort((a, b) => a.time - b.time || a.order - b.order);
  }
}

/** The trail tells more than the audit text, wherever it comes from. */
function joined(one: CallEvent, other: CallEvent): CallEvent {
  const [main, second] = one.proof.source === 'audit' && other.proof.source === 'trail' ? [other, one] : [one, other];
  const auditProof = second.proof.source === 'audit' ? second.proof : main.auditProof;
  return {
    ...main,
    // A program that died may have left an outcome in the audit log alone.
    ...(main.success === undefined && second.success !== undefined && { success: second.success }),
    subject: { ...second.subject, ...main.subject },
    ...(auditProof !== undefined && { auditProof }),
    recordedIn: [...new Set([...main.recordedIn, ...second.recordedIn])],
  };
}
