// Checked by `npm run typecheck`, never run: what TypeScript users may write, and what they may not.
import {
  Connection,
  configure,
  constants,
  type Domain,
  type DomainSnapshot,
  type Integer64,
  LibvirtError,
  LibvirtObject,
  type Network,
  PolicyDeniedError,
  type StorageVol,
  type virDomainInfo,
} from '../../src/index.js';

/** Fails to compile unless both types are the same. */
function same<A, B>(_: [A] extends [B] ? ([B] extends [A] ? true : never) : never): void {}

async function guest(): Promise<void> {
  await using connection = await Connection.open('test:///default');
  using domain = await connection.lookupByName('test');
  same<typeof connection, Connection>(true);
  same<typeof domain, Domain>(true);
  same<ReturnType<Domain['info']>, Promise<virDomainInfo>>(true);
  same<ReturnType<Domain['infoSync']>, virDomainInfo>(true);
  same<ReturnType<Connection['listAllNetworks']>, Promise<Network[]>>(true);
  same<virDomainInfo['cpuTime'], Integer64>(true);

  const snapshot: DomainSnapshot = await domain.snapshotCreateXML('<domainsnapshot/>');
  await domain.revertToSnapshot(snapshot);
  await domain.revertToSnapshot(snapshot, constants.VIR_DOMAIN_SNAPSHOT_REVERT_FORCE);
  const names: string[] = await domain.snapshotListNames();
  const { state, reason } = await domain.state();
  same<typeof state, number>(true);
  await domain.setMemory(2n ** 33n);
  await domain.setMemory(1024);
  await domain.setSchedulerParameters({ cpu_shares: 2048, weight: { type: 'uint', value: 7 } });
  for (const { dom, params } of await connection.getAllDomainStats()) {
    same<typeof dom, Domain>(true);
    void [params['state.state'], names, reason];
  }
  await domain.migrate(connection);
  await domain.setMetadata(constants.VIR_DOMAIN_METADATA_TITLE, null);
}

async function mistakes(connection: Connection, domain: Domain, network: Network, volume: StorageVol): Promise<void> {
  // @ts-expect-error a name is needed
  await connection.lookupByName();
  // @ts-expect-error a network is no snapshot
  await domain.revertToSnapshot(network);
  // @ts-expect-error flags are numbers
  await domain.XMLDesc('VIR_DOMAIN_XML_SECURE');
  // @ts-expect-error a promise is no domain
  (await connection.lookupByName('test')) satisfies Promise<Domain>;
  // @ts-expect-error volumes have no snapshots
  await volume.snapshotCreateXML('<domainsnapshot/>');
  // @ts-expect-error there is no such method
  domain.getInfo();
  // @ts-expect-error memory is a number
  await domain.setMemory('1 GiB');
  // @ts-expect-error structs are read only
  domain.infoSync().memory = 1;
  // @ts-expect-error pointers have a kind
  volume.pointer satisfies typeof domain.pointer;
  // @ts-expect-error no such mode
  configure({ mode: 'strict' });
  // @ts-expect-error nothing is settable
  domain.freed = false;
  // @ts-expect-error an abstract class
  new LibvirtObject(domain.pointer);
}

function failures(error: unknown): string | null {
  if (error instanceof PolicyDeniedError) return error.rule ?? error.recordId;
  if (error instanceof LibvirtError && error.code === constants.VIR_ERR_NO_DOMAIN) return error.str1;
  return null;
}

export { failures, guest, mistakes };
