/** The facts about XML that rules can ask for by name, and which functions take XML. */
import type { ApiFunction } from '../generated/api.js';

export type XmlValueType = 'string' | 'number' | 'boolean';

export interface XmlFact {
  readonly type: XmlValueType;
  /** Lower-case, no final period. */
  readonly description: string;
}

/** In the order of the image's numbers, which is that of native/policy/xml_facts.h. */
export const xmlFacts: Readonly<Record<string, XmlFact>> = {
  'disk-source': { type: 'string', description: 'file, device, folder or network name behind a disk' },
  'disk-encrypted': { type: 'boolean', description: 'whether a disk is encrypted' },
  hostdev: { type: 'number', description: 'how many devices of the host are passed through' },
  'qemu-commandline': { type: 'boolean', description: 'whether arguments are passed to QEMU past libvirt' },
  'graphics-listen': { type: 'string', description: 'address that a screen listens on' },
  'graphics-password': { type: 'boolean', description: 'whether a screen wants a password' },
  memory: { type: 'number', description: 'maximum memory in KiB' },
  vcpus: { type: 'number', description: 'maximum number of processors' },
  emulator: { type: 'string', description: 'path of the emulator' },
};

/** In the order of the image's numbers. */
export const xmlFactNames: readonly string[] = Object.keys(xmlFacts);

const xmlArguments: ReadonlySet<string> = new Set([
  'xml',
  'xmlDesc',
  'xmldesc',
  'dxml',
  'destxml',
  'backupXML',
  'checkpointXML',
]);

/** Whether the function takes XML that rules can ask about. */
export function hasXml(fn: ApiFunction): boolean {
  return fn.args.some((arg) => arg.type === 'String' && xmlArguments.has(arg.name));
}
