/** When a guest's processors stood still: libvirt's own records do not tell, the calls do. */
import { flagsOf, START_FUNCTIONS, STOP_FUNCTIONS } from './causes.js';
import type { CallEvent } from './event.js';
import type { SessionEnd } from './session.js';
import type { Suspension } from './timeline.js';

const START_PAUSED = 1 << 0;
const RESUME = 'virDomainResume';

/**
 * @param calls successful ones about the guest, by time
 * @param ends of its sessions, by time
 */
export function suspensionsOf(calls: readonly CallEvent[], ends: readonly SessionEnd[]): Suspension[] {
  const found: Suspension[] = [];
  let began: CallEvent | undefined;
  const close = (end: Omit<Suspension, 'began' | 'start'>): void => {
    if (began !== undefined) found.push({ start: endOf(began), began, ...end });
    began = undefined;
  };
  for (const step of inOrder(calls, ends)) {
    if (!isCall(step)) close({ end: step.time, ended: step });
    else if (began === undefined) began = suspends(step) ? step : undefined;
    else if (step.operation === RESUME || STOP_FUNCTIONS.has(step.operation)) close({ end: endOf(step), ended: step });
  }
  close({});
  return found;
}

const endOf = ({ time, duration = 0 }: CallEvent): number => time + duration;

const isCall = (step: CallEvent | SessionEnd): step is CallEvent => step.kind === 'call';

function suspends(call: CallEvent): boolean {
  if (call.operation === 'virDomainSuspend') return true;
  return START_FUNCTIONS.has(call.operation) && (flagsOf(call) & START_PAUSED) !== 0;
}

/** libvirt ends a session within the call that stops the guest: its record comes before the call's end. */
function inOrder(calls: readonly CallEvent[], ends: readonly SessionEnd[]): (CallEvent | SessionEnd)[] {
  const timeOf = (step: CallEvent | SessionEnd) => (isCall(step) ? endOf(step) : step.time);
  return [...calls, ...ends].sort((a, b) => timeOf(a) - timeOf(b));
}
