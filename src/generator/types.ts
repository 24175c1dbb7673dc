// The type table: every C type that may stand in a public libvirt prototype. A type that is not here stops the
// generator, so that a new libvirt cannot slip in something that opaque prototypes would pass wrongly.
import type { ArgType, Failure, ObjectKind, ReturnType } from './vocabulary.js';

/** Passed in a register as they are. */
const scalars: Readonly<Record<string, ArgType>> = {
  int: 'Int',
  'unsigned int': 'UInt',
  long: 'Long',
  'unsigned long': 'ULong',
  'long long': 'LongLong',
  'unsigned long long': 'ULongLong',
  size_t: 'Size',
  double: 'Double',
};

const objects: Readonly<Record<string, ObjectKind>> = {
  virConnectPtr: 'Connect',
  virDomainPtr: 'Domain',
  virDomainSnapshotPtr: 'DomainSnapshot',
  virDomainCheckpointPtr: 'DomainCheckpoint',
  virNetworkPtr: 'Network',
  virNetworkPortPtr: 'NetworkPort',
  virInterfacePtr: 'Interface',
  virStoragePoolPtr: 'StoragePool',
  virStorageVolPtr: 'StorageVol',
  virSecretPtr: 'Secret',
  virNodeDevicePtr: 'NodeDevice',
  virNWFilterPtr: 'NWFilter',
  virNWFilterBindingPtr: 'NWFilterBinding',
  virStreamPtr: 'Stream',
  virAdmConnectPtr: 'AdmConnect',
  virAdmServerPtr: 'AdmServer',
  virAdmClientPtr: 'AdmClient',
};

/** What a pointer means unless overrides.json says otherwise for one function. */
const pointers: Readonly<Record<string, ArgType>> = {
  'const char *': 'String',
  'const char **': 'StringList',
  'const unsigned char *': 'Uuid',
  'void *': 'Opaque',
  virTypedParameterPtr: 'TypedParams',
  virConnectAuthPtr: 'Opaque',
  virErrorPtr: 'Out',
  ...out(['char *', 'char **', 'char ***', 'char ** const', 'unsigned char *', 'unsigned char **']),
  ...out(['int *', 'int **', 'unsigned int *', 'unsigned long *', 'size_t *', 'double *']),
  ...out(['long long *', 'unsigned long long *', 'virTypedParameterPtr *', 'virSecurityLabelPtr *']),
  ...out(['virConnectPtr *', 'virDomainPtr *', 'virDomainStatsRecordPtr *', 'virDomainStatsRecordPtr **']),
  ...out(['virDomainFSInfoPtr **', 'virDomainIOThreadInfoPtr **', 'virDomainInterfacePtr **']),
  ...out(['virNetworkDHCPLeasePtr **', 'virSecurityLabelPtr', 'virSecurityModelPtr', 'virStorageVolInfoPtr']),
  ...out(['virStoragePoolInfoPtr', 'virDomainBlockStatsPtr', 'virDomainFSInfoPtr', 'virDomainBlockInfoPtr']),
  ...out(['virDomainBlockJobInfoPtr', 'virDomainControlInfoPtr', 'virDomainDiskErrorPtr', 'virDomainInfoPtr']),
  ...out(['virDomainJobInfoPtr', 'virVcpuInfoPtr', 'virDomainIOThreadInfoPtr', 'virDomainInterfacePtr']),
  ...out(['virDomainInterfaceStatsPtr', 'virDomainMemoryStatPtr', 'virNetworkDHCPLeasePtr', 'virNodeCPUStatsPtr']),
  ...out(['virNodeInfoPtr', 'virNodeMemoryStatsPtr']),
};

function out(names: readonly string[]): Record<string, ArgType> {
  return Object.fromEntries(names.map((name) => [name, 'Out' as const]));
}

const returns: Readonly<Record<string, readonly [ReturnType, Failure]>> = {
  void: ['Void', 'None'],
  int: ['Int', 'Negative'],
  'unsigned int': ['UInt', 'MinusOne'],
  'unsigned long': ['ULong', 'Zero'],
  'long long': ['LongLong', 'MinusOne'],
  'unsigned long long': ['ULongLong', 'Zero'],
  'char *': ['String', 'Null'],
  'const char *': ['ConstString', 'Null'],
  'unsigned char *': ['Pointer', 'Null'],
  virErrorPtr: ['Pointer', 'Null'],
  virTypedParameterPtr: ['Pointer', 'Null'],
};

export interface ArgMeaning {
  readonly type: ArgType;
  readonly object: ObjectKind;
}

/** The kind of object that `type` points to, or None. */
export function objectKind(type: string): ObjectKind {
  return objects[type] ?? 'None';
}

/** The kind of the objects in an array that a function returns through `type` ("virDomainPtr **"), or None. */
export function listedKind(type: string): ObjectKind {
  return type.endsWith('Ptr **') ? objectKind(type.slice(0, -3)) : 'None';
}

/** What an argument of `type` is by default, or undefined where the type is unknown. */
export function argMeaning(type: string, callbacks: ReadonlySet<string>): ArgMeaning | undefined {
  const object = objectKind(type);
  if (object !== 'None') return { type: 'Object', object };
  if (callbacks.has(type)) return { type: 'Callback', object: 'None' };
  const known = scalars[type] ?? pointers[type] ?? (listedKind(type) === 'None' ? undefined : 'Out');
  return known && { type: known, object: 'None' };
}

/** How a value of `type` is returned and which value means failure, or undefined where the type is unknown. */
export function returnMeaning(type: string): readonly [ReturnType, Failure] | undefined {
  return objectKind(type) === 'None' ? returns[type] : ['Pointer', 'Null'];
}

export function isScalar(type: string): boolean {
  return type in scalars;
}

/** The type in a wrapper's prototype: integers and double as they are, all pointers opaque. */
export function opaqueType(type: string): string {
  if (type === 'void' || isScalar(type)) return type;
  return type.startsWith('const ') ? 'const void *' : 'void *';
}
