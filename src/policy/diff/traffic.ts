/** Recorded calls whose verdict changes, by who made them. */
import { groupBy } from '../group_by.js';
import type { NameService } from '../name_service.js';
import { recordedTraffic, type TrafficCall } from '../recorded_traffic.js';
import type { Change } from './blame.js';
import { type Judged, judge, type Side } from './side.js';

export interface TrafficDiff {
  /** How many calls were judged by both. */
  readonly calls: number;
  /** How many of them change their verdict. */
  readonly changed: number;
  readonly actors: readonly ActorChanges[];
}

export interface ActorChanges {
  readonly uid: number;
  readonly user: string | undefined;
  /** For whom the program said that it called. */
  readonly actor: string | undefined;
  readonly count: number;
  readonly changes: readonly RecordedChange[];
}

/** Calls that are alike. */
export interface RecordedChange {
  readonly function: string;
  /** Name of what they act on. */
  readonly resource: string | undefined;
  readonly before: Judged;
  readonly after: Judged;
  readonly count: number;
  /** Ids of the first few. */
  readonly records: readonly string[];
}

const batch = 2000;

/** The difference on the calls of a trail, and a call of each kind that changes. */
export async function diffTraffic(
  trail: string,
  before: Side,
  after: Side,
  names: NameService,
): Promise<{ readonly traffic: TrafficDiff; readonly samples: readonly Change[] }> {
  let calls = 0;
  const changed: Changed[] = [];
  let waiting: TrafficCall[] = [];
  const judgeThem = () => {
    changed.push(...changedOf(waiting, before, after));
    waiting = [];
  };
  for await (const call of recordedTraffic(trail, names)) {
    calls++;
    if (waiting.push(call) === batch) judgeThem();
  }
  judgeThem();
  const samples = groupBy(changed, (change) => JSON.stringify([change.function, change.before, change.after]));
  return {
    traffic: { calls, changed: changed.length, actors: byActor(changed, names) },
    samples: [...samples.values()].flatMap((alike) => alike.slice(0, 1)),
  };
}

interface Changed extends Change {
  readonly uid: number;
  readonly actor: string | undefined;
  readonly function: string;
  readonly resource: string | undefined;
  readonly record: string;
}

function changedOf(calls: readonly TrafficCall[], before: Side, after: Side): Changed[] {
  const requests = calls.map(({ request }) => request);
  const [old, now] = [judge(before, requests), judge(after, requests)];
  return calls.flatMap(({ request, record }, index): Changed[] => {
    const [was, is] = [old[index], now[index]];
    if (was === undefined || is === undefined || was.verdict === is.verdict) return [];
    const name = String(request.resource?.name ?? '') || String(request.resource?.uuid ?? '');
    return [
      {
        ...{ uid: record.uid, actor: record.asserted?.actor, function: request.function, call: request },
        ...{ resource: name === '' ? undefined : name, before: was, after: is, record: record.rid },
      },
    ];
  });
}

const mostRecords = 5;

function byActor(changed: readonly Changed[], names: NameService): ActorChanges[] {
  const actors = groupBy(changed, ({ uid, actor }) => JSON.stringify([uid, actor]));
  const grouped = [...actors.values()].flatMap((calls) => {
    const [first] = calls;
    if (first === undefined) return [];
    const { uid, actor } = first;
    return [{ uid, user: names.user(uid)?.name, actor, count: calls.length, changes: alike(calls) }];
  });
  return grouped.sort((a, b) => b.count - a.count || a.uid - b.uid);
}

function alike(calls: readonly Changed[]): RecordedChange[] {
  const kinds = groupBy(calls, (call) => JSON.stringify([call.function, call.resource, call.before, call.after]));
  const changes = [...kinds.values()].flatMap((kind) => {
    const [first] = kind;
    if (first === undefined) return [];
    const { function: name, resource, before, after } = first;
    const records = kind.slice(0, mostRecords).map(({ record }) => record);
    return [{ function: name, resource, before, after, count: kind.length, records }];
  });
  return changes.sort((a, b) => b.count - a.count);
}
