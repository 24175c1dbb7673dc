// The words of native/api/facts.h, in its order: the position of a word is its number in the tables.

export const libraries = ['libvirt', 'libvirt-qemu', 'libvirt-lxc', 'libvirt-admin'] as const;
export type Library = (typeof libraries)[number];

export const sonames: Readonly<Record<Library, string>> = {
  libvirt: 'libvirt.so.0',
  'libvirt-qemu': 'libvirt-qemu.so.0',
  'libvirt-lxc': 'libvirt-lxc.so.0',
  'libvirt-admin': 'libvirt-admin.so.0',
};

/** Name in classes.json and policies -> enumerator of CallClass. */
export const callClasses = {
  helper: 'Helper',
  'local-query': 'LocalQuery',
  query: 'Query',
  lookup: 'Lookup',
  connection: 'Connection',
  'event-reg': 'EventReg',
  control: 'Control',
  config: 'Config',
  resource: 'Resource',
  'guest-access': 'GuestAccess',
  'data-access': 'DataAccess',
  secret: 'Secret',
  'stream-transfer': 'StreamTransfer',
  admin: 'Admin',
} as const;
export type CallClass = keyof typeof callClasses;

/** Enumerator of ObjectKind -> its name in records and policies (libvirt's access driver's, where that has one). */
export const objectKinds = {
  None: 'none',
  Connect: 'connect',
  Domain: 'domain',
  DomainSnapshot: 'domain-snapshot',
  DomainCheckpoint: 'domain-checkpoint',
  Network: 'network',
  NetworkPort: 'network-port',
  Interface: 'interface',
  StoragePool: 'storage-pool',
  StorageVol: 'storage-vol',
  Secret: 'secret',
  NodeDevice: 'node-device',
  NWFilter: 'nwfilter',
  NWFilterBinding: 'nwfilter-binding',
  Stream: 'stream',
  AdmConnect: 'adm-connect',
  AdmServer: 'adm-server',
  AdmClient: 'adm-client',
} as const;
export type ObjectKind = keyof typeof objectKinds;

const scalarArgs = ['Int', 'UInt', 'Long', 'ULong', 'LongLong', 'ULongLong', 'Size', 'Double'] as const;
const readArgs = ['String', 'StringList', 'TypedParams', 'IntList', 'Uuid', 'Bytes'] as const;
export const argTypes = [...scalarArgs, ...readArgs, 'Object', 'Out', 'Callback', 'Opaque'] as const;
export type ArgType = (typeof argTypes)[number];

const integerReturns = ['Int', 'UInt', 'ULong', 'LongLong', 'ULongLong'] as const;
export const returnTypes = ['Void', ...integerReturns, 'Pointer', 'String', 'ConstString'] as const;
export type ReturnType = (typeof returnTypes)[number];

export const failures = ['None', 'Negative', 'MinusOne', 'Zero', 'Null'] as const;
export type Failure = (typeof failures)[number];

export const flagConditions = ['Always', 'AllSet', 'NoneSet', 'Equals'] as const;
export type FlagCondition = (typeof flagConditions)[number];

/** As in facts.h. */
export const maxArgs = 12;
export const maxChecks = 8;
