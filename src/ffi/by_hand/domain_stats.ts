/** Statistics of many domains: records that libvirt frees together, each with a domain. */
import { type ByHandFunctions, byHand } from '../../generated/ffi/by_hand.js';
import { virDomainStatsRecord } from '../../generated/ffi/structs.js';
import { arg } from '../args.js';
import { pointed, returnedCount } from '../cells.js';
import { define, type FunctionOf } from '../define.js';
import { lazily } from '../library.js';
import { lookAt } from '../memory.js';
import { returns } from '../returns.js';
import { addressesAt } from '../structs.js';

const keep = lazily('int virDomainRef(void *domain)');
const freeList = lazily('void virDomainStatsRecordListFree(void *stats)');

// The list holds the only reference to its domains: those that go to JavaScript need one of their own.
function readRecord(address: bigint): virDomainStatsRecord {
  const record = lookAt(address, virDomainStatsRecord.size, (view) => virDomainStatsRecord.read(view, 0));
  if (record.dom !== null) keep(record.dom);
  return record;
}

const records = pointed(
  'retStats',
  2,
  (address, call) => addressesAt(address, returnedCount(call)).map(readRecord),
  (address) => {
    if (address !== 0n) freeList(address);
  },
);

export const virConnectGetAllDomainStats = define<FunctionOf<ByHandFunctions['virConnectGetAllDomainStats']>>({
  ...byHand.virConnectGetAllDomainStats,
  args: [arg.object('conn', 0), arg.uint('stats', 1), records, arg.flags('flags', 3)],
  returns: returns.count,
});

export const virDomainListGetStats = define<FunctionOf<ByHandFunctions['virDomainListGetStats']>>({
  ...byHand.virDomainListGetStats,
  args: [arg.objects('doms', 0), arg.uint('stats', 1), records, arg.flags('flags', 3)],
  returns: returns.count,
});
