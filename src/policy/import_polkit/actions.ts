/** The actions that libvirt asks polkit about, and what it tells about each. */
import { permissions } from '../../generated/api.js';
import type { Fact } from './path.js';

export const apiPrefix = 'org.libvirt.api.';
export const manage = 'org.libvirt.unix.manage';
export const monitor = 'org.libvirt.unix.monitor';

/** Actions of libvirt's access control. */
export const apiActions: readonly string[] = permissions.map((permission) => `${apiPrefix}${permission}`);

/** By the object of the permission: details that rules can look up, and what they are here; undefined for nothing. */
const details: Readonly<Record<string, Readonly<Record<string, Fact | undefined>>>> = {
  connect: {},
  domain: { domain_name: 'name', domain_uuid: 'uuid' },
  interface: { interface_name: 'name', interface_macaddr: undefined },
  network: { network_name: 'name', network_uuid: 'uuid' },
  'network-port': { network_name: undefined, network_uuid: undefined, port_uuid: 'uuid' },
  'node-device': { node_device_name: 'name' },
  nwfilter: { nwfilter_name: 'name', nwfilter_uuid: 'uuid' },
  'nwfilter-binding': { nwfilter_binding_portdev: 'name', nwfilter_binding_linkdev: undefined },
  secret: {
    ...{ secret_uuid: 'uuid', secret_usage_volume: undefined, secret_usage_ceph: undefined },
    ...{ secret_usage_target: undefined, secret_usage_name: undefined },
  },
  'storage-pool': { pool_name: 'name', pool_uuid: 'uuid' },
  'storage-vol': { pool_name: undefined, pool_uuid: undefined, vol_name: 'name', vol_key: undefined },
};

const allDetails: ReadonlySet<string> = new Set(Object.values(details).flatMap((known) => Object.keys(known)));

/** What `action.lookup(detail)` gives: a fact, nothing at all, or something that no rule can ask about. */
export function detailOf(action: string, detail: string): Fact | 'absent' | 'unknown' {
  if (!action.startsWith(apiPrefix)) return 'unknown';
  if (detail === 'connect_driver') return 'driver';
  const known = details[objectOf(action)] ?? {};
  if (detail in known) return known[detail] ?? 'unknown';
  return allDetails.has(detail) ? 'absent' : 'unknown';
}

/** The permission's object: `domain`. */
export function objectOf(action: string): string {
  return action.slice(apiPrefix.length).split('.')[0] ?? '';
}

/** Drivers as libvirt calls them before polkit -> as they stand in URIs. */
export const driverNames: ReadonlyMap<string, string> = new Map(
  Object.entries({ QEMU: 'qemu', LXC: 'lxc', Xen: 'xen', bhyve: 'bhyve', CH: 'ch', vz: 'vz', VBOX: 'vbox' }),
);

/** Whether libvirt's own policy allows the action where no rule says anything. */
export function isAllowedByDefault(action: string): boolean {
  if (action === monitor) return true;
  const permission = action.slice(apiPrefix.length);
  if (permission === 'node-device.read') return false;
  return /\.(getattr|read)$|^connect\.search-/.test(permission);
}
