/** The calls of a trail, to be judged by other policies than the one that judged them then. */
import { functionsByName } from '../generated/api.js';
import { readTrail } from '../trail/read.js';
import type { TrailRecord } from '../trail/record.js';
import type { Request } from './evaluate.js';
import { type NameService, systemNames, type User } from './name_service.js';
import { requestOfRecord } from './recorded_call.js';

export interface TrafficCall {
  readonly request: Request;
  /** The response, or the call where there was none yet. */
  readonly record: TrailRecord;
}

/**
 * Every call of a trail once, in the order of their ends. Lines that are no records are passed over, as are functions
 * that are not known here. Throws VIRTSHIM_TRAIL_MISSING where there is no trail.
 */
export async function* recordedTraffic(trail: string, names: NameService = systemNames()): AsyncGenerator<TrafficCall> {
  const known = remembering(names);
  const unanswered = new Map<string, TrailRecord>();
  const callOf = (record: TrailRecord): TrafficCall => ({ request: requestOfRecord(record, known).request, record });
  for await (const { record } of readTrail(trail)) {
    if (record?.event === undefined || !functionsByName.has(record.event)) continue;
    if (record.type === 'methodcall') {
      unanswered.set(record.rid, record);
      continue;
    }
    unanswered.delete(record.rid);
    yield callOf(record);
  }
  for (const record of unanswered.values()) yield callOf(record);
}

/** Each answer of the system takes a process, and a trail asks for the same few users again and again. */
export function remembering(names: NameService): NameService {
  const users = new Map<string | number, User | undefined>();
  return {
    user(key) {
      if (!users.has(key)) users.set(key, names.user(key));
      return users.get(key);
    },
    group: (key) => names.group(key),
  };
}
