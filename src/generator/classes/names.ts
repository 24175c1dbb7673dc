// Which class a function belongs to and what it is called there: as libvirt-python has it, so that its documentation
// carries over.
import type { ApiFunction } from '../model.js';
import { type ClassFacts, classNamed, classOfKind } from './kinds.js';

export interface Place {
  readonly class: ClassFacts;
  readonly method: string;
}

/** Functions whose first argument is not the object that they are called on. */
const subjects: Readonly<Record<string, string>> = {
  virDomainRevertToSnapshot: 'Domain',
  virDomainListGetStats: 'Connection',
};

/** libvirt-python's own choices, which no rule gives. */
const names: Readonly<Record<string, string>> = {
  virConnectListAllNodeDevices: 'listAllDevices',
  virConnectListDomains: 'listDomainsID',
  virDomainFSFreeze: 'fsFreeze',
  virDomainFSThaw: 'fsThaw',
  virDomainFSTrim: 'fSTrim',
  virDomainGetCPUStats: 'getCPUStats',
  virDomainGetFSInfo: 'fsInfo',
  virDomainGetIOThreadInfo: 'ioThreadInfo',
  virDomainGetTime: 'getTime',
  virDomainListGetStats: 'domainListGetStats',
  virDomainPMSuspendForDuration: 'pMSuspendForDuration',
  virDomainPMWakeup: 'pMWakeup',
  virStorageVolLookupByName: 'storageVolLookupByName',
  virStreamNew: 'newStream',
};

/** Of a connection's functions: what stands in the place of their prefix. The first that fits is taken. */
const connectionPrefixes: readonly (readonly [string, string])[] = [
  ['virConnectDomainQemu', 'Qemu'],
  ['virConnect', ''],
  ['virNodeDevice', 'NodeDevice'],
  ['virNode', ''],
  ['virDomain', ''],
  ['virInterfaceChange', 'Change'],
  ['virNWFilter', 'Nwfilter'],
  ['vir', ''],
];

/** Classes that keep the `get` of their getters. */
const withGet: ReadonlySet<string> = new Set(['Connection', 'DomainSnapshot', 'DomainCheckpoint', 'AdmConnection']);

/** The class and the method of `fn`, or undefined where it acts on no object. */
export function placeOf(fn: ApiFunction): Place | undefined {
  const subject = subjects[fn.name];
  const owner = subject === undefined ? classOfKind(fn.args[0]?.object ?? 'None') : classNamed(subject);
  return owner && { class: owner, method: names[fn.name] ?? lowerFirst(stemOf(fn.name, owner)) };
}

function stemOf(name: string, owner: ClassFacts): string {
  if (owner.name === 'Connection') return replacePrefix(name, connectionPrefixes);
  const prefixes = [owner.prefix, ...(owner.name === 'StoragePool' ? ['virStorageVol'] : []), 'vir'];
  const stem = replacePrefix(
    name,
    prefixes.map((prefix) => [prefix, ''] as const),
  );
  return withGet.has(owner.name) ? stem : stem.replace(/^Get(?=[A-Z])/, '');
}

function replacePrefix(name: string, prefixes: readonly (readonly [string, string])[]): string {
  const found = prefixes.find(([prefix]) => name.startsWith(prefix));
  return found ? found[1] + name.slice(found[0].length) : name;
}

/** An abbreviation in front stays as it is: `XMLDesc`, `UUIDString`. */
function lowerFirst(stem: string): string {
  return /^[A-Z]{2}/.test(stem) ? stem : stem.charAt(0).toLowerCase() + stem.slice(1);
}

/** The functions that the tables above speak of. */
export const exceptions: readonly string[] = [...Object.keys(subjects), ...Object.keys(names)];
