/** The types that libvirt wants for the typed parameters that can be set. A wrong type is refused by its drivers. */
import type { TypedValueType } from './values.js';

const scheduler = {
  ullong: ['cpu_shares', 'global_period', 'vcpu_period', 'emulator_period', 'iothread_period'],
  llong: ['global_quota', 'vcpu_quota', 'emulator_quota', 'iothread_quota', 'reservation', 'limit'],
  uint: ['weight', 'cap'],
  int: ['shares'],
};

const blkio = {
  uint: ['weight'],
  string: [
    'device_weight',
    'device_read_iops_sec',
    'device_write_iops_sec',
    'device_read_bytes_sec',
    'device_write_bytes_sec',
  ],
};

const memory = {
  ullong: ['hard_limit', 'soft_limit', 'min_guarantee', 'swap_hard_limit'],
};

const numa = { int: ['numa_mode'], string: ['numa_nodeset'] };

const bandwidth = {
  uint: ['inbound', 'outbound'].flatMap((way) => ['average', 'peak', 'burst', 'floor'].map((part) => `${way}.${part}`)),
};

const blockIoTune = {
  ullong: [
    ...['bytes', 'iops'].flatMap((unit) =>
      ['total', 'read', 'write'].flatMap((way) => ['', '_max', '_max_length'].map((end) => `${way}_${unit}_sec${end}`)),
    ),
    'size_iops_sec',
  ],
  string: ['group_name'],
};

const blockCopy = { ullong: ['bandwidth', 'buf-size'], uint: ['granularity'] };

const migration = {
  ullong: ['bandwidth', 'bandwidth.postcopy', 'bandwidth.avail.switchover', 'compression.xbzrle.cache'],
  int: [
    'disks_port',
    'compression.mt.level',
    'compression.mt.threads',
    'compression.mt.dthreads',
    'compression.zlib.level',
    'compression.zstd.level',
    'auto_converge.initial',
    'auto_converge.increment',
    'parallel.connections',
  ],
  string: [
    'migrate_uri',
    'destination_name',
    'destination_xml',
    'persistent_xml',
    'graphics_uri',
    'listen_address',
    'migrate_disks',
    'migrate_disks_detect_zeroes',
    'migrate_disks_target_zero',
    'disks_uri',
    'compression',
    'tls.destination',
  ],
};

const save = { string: ['file', 'dxml', 'image_format'], int: ['parallel.channels'] };

const ioThread = {
  ullong: ['poll_max_ns'],
  uint: ['poll_grow', 'poll_shrink', 'poll_weight'],
  int: ['thread_pool_min', 'thread_pool_max'],
};

const perf = {
  boolean: [
    'cmt',
    'mbmt',
    'mbml',
    'cache_misses',
    'cache_references',
    'instructions',
    'cpu_cycles',
    'branch_instructions',
    'branch_misses',
    'bus_cycles',
    'stalled_cycles_frontend',
    'stalled_cycles_backend',
    'ref_cpu_cycles',
    'cpu_clock',
    'task_clock',
    'page_faults',
    'context_switches',
    'cpu_migrations',
    'page_faults_min',
    'page_faults_maj',
    'alignment_faults',
    'emulation_faults',
  ],
};

const launchSecurity = { string: ['sev-secret-header', 'sev-secret'], ullong: ['sev-secret-set-address'] };

const identity = {
  string: ['user-name', 'group-name', 'sasl-user-name', 'x509-distinguished-name', 'selinux-context'],
  ullong: ['unix-user-id', 'unix-group-id', 'process-time'],
  llong: ['process-id'],
};

const nodeMemory = { uint: ['shm_pages_to_scan', 'shm_sleep_millisecs', 'shm_merge_across_nodes'] };

const announcement = { uint: ['initial', 'max', 'rounds', 'step'] };

const daemon = { uint: ['minWorkers', 'maxWorkers', 'prioWorkers', 'nclients_max', 'nclients_unauth_max'] };

const groups: readonly Readonly<Partial<Record<TypedValueType, readonly string[]>>>[] = [
  ...[scheduler, blkio, memory, numa, bandwidth, blockIoTune, blockCopy, migration, save, ioThread, perf],
  ...[launchSecurity, identity, nodeMemory, announcement, daemon],
];

const table: ReadonlyMap<string, TypedValueType> = new Map(
  groups.flatMap((group) =>
    (Object.keys(group) as TypedValueType[]).flatMap((type) =>
      (group[type] ?? []).map((name): [string, TypedValueType] => [name, type]),
    ),
  ),
);

/** The type that libvirt documents for a field; undefined for a field that is not known here. */
export function documentedType(name: string): TypedValueType | undefined {
  return table.get(name);
}

/** The names of all fields that are known here. */
export function documentedFields(): Iterable<string> {
  return table.keys();
}
