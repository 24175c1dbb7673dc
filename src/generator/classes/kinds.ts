// The classes of the high-level API, one for each kind of object that libvirt hands out.
import type { ObjectKind } from '../vocabulary.js';

export interface ClassFacts {
  /** Name of the class. */
  readonly name: string;
  /** What it is, in a few words. */
  readonly about: string;
  readonly kind: ObjectKind;
  /** libvirt's name of the kind: the prefix of its functions; with `Ptr` behind it the type of its handles. */
  readonly prefix: string;
  /** The function that gives a reference back. */
  readonly release: string;
  /** The class of the objects that this kind belongs to. */
  readonly parent: string | undefined;
  /** The function whose answer tells one object from others, without asking a daemon. */
  readonly label: string | undefined;
  /** Whether src/libvirt/ extends what is generated. */
  readonly extended: boolean;
}

type Optional = Partial<Pick<ClassFacts, 'about' | 'parent' | 'label' | 'extended'>>;

function facts(name: string, prefix: string, optional: Optional): ClassFacts {
  const kind = prefix.slice(3) as ObjectKind;
  return {
    name,
    kind,
    prefix,
    release: `${prefix}Free`,
    parent: 'Connection',
    label: undefined,
    extended: false,
    about: '',
    ...optional,
  };
}

function child(name: string, optional: Optional = {}): ClassFacts {
  return facts(name, `vir${name}`, { label: `vir${name}GetName`, ...optional });
}

export const classes: readonly ClassFacts[] = [
  { ...facts('Connection', 'virConnect', { parent: undefined, extended: true }), release: 'virConnectClose' },
  child('Domain', { extended: true }),
  child('DomainSnapshot', { about: 'The state of a guest at one time', parent: 'Domain' }),
  child('DomainCheckpoint', {
    about: 'A point in time from which on the blocks that a guest changes are known',
    parent: 'Domain',
  }),
  child('Network', { about: 'A virtual network' }),
  child('NetworkPort', {
    about: 'A place in a virtual network, for one interface of a guest',
    parent: 'Network',
    label: 'virNetworkPortGetUUIDString',
  }),
  child('Interface', { about: 'A network interface of the host' }),
  child('StoragePool', { about: 'A place where volumes are kept' }),
  child('StorageVol', { extended: true }),
  child('NodeDevice', { about: 'A device of the host' }),
  child('NWFilter', { about: 'Rules for the traffic of guests' }),
  child('NWFilterBinding', { about: 'A filter at work on one port', label: 'virNWFilterBindingGetPortDev' }),
  child('Secret', { about: 'A key or password that libvirt keeps', label: 'virSecretGetUUIDString' }),
  child('Stream', { label: undefined, extended: true }),
  { ...facts('AdmConnection', 'virAdmConnect', { parent: undefined, extended: true }), release: 'virAdmConnectClose' },
  child('AdmServer', { about: 'One of the servers inside of a daemon', parent: 'AdmConnection' }),
  child('AdmClient', {
    about: 'A program that is connected to a daemon',
    parent: 'AdmServer',
    label: 'virAdmClientGetID',
  }),
];

const byKind = new Map(classes.map((each) => [each.kind, each]));
const byName = new Map(classes.map((each) => [each.name, each]));
const byType = new Map(classes.map((each) => [`${each.prefix}Ptr`, each]));

export function classOfKind(kind: ObjectKind): ClassFacts | undefined {
  return byKind.get(kind);
}

/** The class of the handles of a type (`virDomainPtr`). */
export function classOfType(type: string): ClassFacts | undefined {
  return byType.get(type);
}

/** Throws where there is no such class. */
export function classNamed(name: string): ClassFacts {
  const found = byName.get(name);
  if (!found) throw new RangeError(`no class \`${name}\``);
  return found;
}

/** The classes that an object of this class belongs to, the nearest first. */
export function ancestors(each: ClassFacts): readonly ClassFacts[] {
  if (each.parent === undefined) return [];
  const parent = classNamed(each.parent);
  return [parent, ...ancestors(parent)];
}

/** `DomainSnapshot` -> `domain_snapshot`: the name of the class's file. */
export function fileOf(each: ClassFacts): string {
  return each.name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase();
}
