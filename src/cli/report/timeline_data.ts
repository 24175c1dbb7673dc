/** The timeline as plain objects, for programs. Times are UTC. */
import type { Attribution } from '../../report/attribution.js';
import type { CallEvent, Proof } from '../../report/event.js';
import type { GuestTimeline, TimelineEntry } from '../../report/timeline.js';
import type { GuestStop } from '../../report/who.js';
import type { NameOf } from './caller_text.js';

type Data = Readonly<Record<string, unknown>>;

/** One entry of a guest's timeline. `by` is there where somebody is known, `candidates` where it is one of these. */
export function entryData(entry: TimelineEntry, { guest }: GuestTimeline, nameOf: NameOf): Data {
  const head = { time: iso(entry.time), guest: guest.name, uuid: guest.uuid, kind: entry.kind };
  switch (entry.kind) {
    case 'start':
    case 'stop': {
      const { reason, success, proof } = entry.event;
      return { ...head, reason, success, proof: proofText(proof), ...causeData(entry.cause, nameOf) };
    }
    case 'lost':
      return { ...head, because: entry.end.kind, proof: proofText(entry.end.event.proof) };
    case 'resource': {
      const { resource, reason, before, after, success, proof } = entry.event;
      const cause = causeData(entry.cause, nameOf);
      return { ...head, resource, reason, before, after, success, proof: proofText(proof), ...cause };
    }
    case 'security': {
      const { type, details, proof } = entry.match.event;
      return { ...head, type, details, proof: proofText(proof) };
    }
    default: {
      const { call, changes, effects, alsoSeen } = entry;
      const records = {
        effects: effects.map(({ proof }) => proofText(proof)),
        alsoSeen: alsoSeen.map(({ rid }) => rid),
      };
      return { ...head, ...callData(call, nameOf), ...records, ...(changes && { changes }) };
    }
  }
}

/** A stop, as `report who` tells it. */
export function stopData({ entry, refused }: GuestStop, guest: GuestTimeline, nameOf: NameOf): Data {
  const by = entry.kind === 'call' ? { attribution: 'call', by: callData(entry.call, nameOf) } : {};
  return { ...entryData(entry, guest, nameOf), ...by, refused: refused.map((call) => callData(call, nameOf)) };
}

function causeData(cause: Attribution, nameOf: NameOf): Data {
  switch (cause.kind) {
    case 'call':
      return { attribution: 'call', by: callData(cause.call, nameOf), alsoSeen: cause.alsoSeen.map(({ rid }) => rid) };
    case 'ambiguous':
      return { attribution: 'ambiguous', candidates: cause.candidates.map((call) => callData(call, nameOf)) };
    case 'none': {
      const { autostart } = cause;
      return { attribution: 'none', ...(autostart && { autostart: callData(autostart, nameOf) }) };
    }
  }
}

export function callData(call: CallEvent, nameOf: NameOf): Data {
  const { time, operation, verdict, success, rule, error, asserted, target, rid, recordedIn, duration, auditProof } =
    call;
  const { uid, auid, pid, comm, exe, terminal, userName, loginName } = call.subject;
  return {
    called: iso(time),
    operation,
    ...(target && { target }),
    ...{ verdict, success, rule, error },
    user: uid === undefined ? undefined : (userName ?? nameOf(uid)),
    login: auid === undefined ? undefined : (loginName ?? nameOf(auid)),
    ...{ uid, auid, pid, comm, exe, terminal, asserted, milliseconds: duration, record: rid || undefined },
    recordedIn,
    audit: auditProof === undefined ? undefined : proofText(auditProof),
  };
}

const proofText = ({ id }: Proof): string => id;

const iso = (time: number): string => new Date(time).toISOString();
