// Parameters that callers need not give: how much room the answer needs is asked first, as libvirt-python does it.

/** How a value is found in the asynchronous method and in the other one. */
export interface Measure {
  readonly async: string;
  readonly sync: string;
}

/** Another method of the object tells. */
function told(method: string, args = ''): Measure {
  return { async: `await this.${method}(${args})`, sync: `this.${method}Sync(${args})` };
}

/** More than libvirt ever fills. */
function ample(room: number): Measure {
  return { async: String(room), sync: String(room) };
}

const cpuMapLength: Measure = {
  async: 'await cpuMapLength(this.connectSync())',
  sync: 'cpuMapLengthSync(this.connectSync())',
};

const measures: Readonly<Record<string, Readonly<Record<string, Measure>>>> = {
  virConnectListDefinedDomains: { maxnames: told('numOfDefinedDomains') },
  virConnectListDefinedInterfaces: { maxnames: told('numOfDefinedInterfaces') },
  virConnectListDefinedNetworks: { maxnames: told('numOfDefinedNetworks') },
  virConnectListDefinedStoragePools: { maxnames: told('numOfDefinedStoragePools') },
  virConnectListDomains: { maxids: told('numOfDomains') },
  virConnectListInterfaces: { maxnames: told('numOfInterfaces') },
  virConnectListNWFilters: { maxnames: told('numOfNWFilters') },
  virConnectListNetworks: { maxnames: told('numOfNetworks') },
  virConnectListSecrets: { maxuuids: told('numOfSecrets') },
  virConnectListStoragePools: { maxnames: told('numOfStoragePools') },
  virDomainGetDiskErrors: { maxerrors: ample(1024) },
  virDomainGetEmulatorPinInfo: { maplen: cpuMapLength },
  virDomainGetVcpuPinInfo: { ncpumaps: told('maxVcpus'), maplen: cpuMapLength },
  virDomainGetVcpus: { maxinfo: told('maxVcpus'), maplen: cpuMapLength },
  virDomainMemoryStats: { nr_stats: ample(64) },
  virDomainSnapshotListChildrenNames: { nameslen: told('numChildren', 'flags') },
  virDomainSnapshotListNames: { nameslen: told('snapshotNum', 'flags') },
  virNodeDeviceListCaps: { maxnames: told('numOfCaps') },
  virNodeListDevices: { maxnames: told('numOfDevices', 'cap, flags') },
  virStoragePoolListVolumes: { maxnames: told('numOfVolumes') },
};

export function measureOf(fn: string, param: string): Measure | undefined {
  return measures[fn]?.[param];
}

/** `virDomainGetVcpus(maxinfo)` and the others. */
export function measuredParams(): readonly (readonly [string, string])[] {
  return Object.entries(measures).flatMap(([fn, params]) => Object.keys(params).map((param) => [fn, param] as const));
}
