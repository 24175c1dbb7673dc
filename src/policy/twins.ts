/** Functions of libvirt that do the same, one with more arguments: whoever judges one must judge the other. */
import { type ApiFunction, functions, functionsByName } from '../generated/api.js';

// virDomainCreate / virDomainCreateWithFlags, virDomainMigrate / virDomainMigrate3, virDomainSave / virDomainSaveParams
const twinEndings = ['Flags', 'WithFlags', 'WithFiles', 'Params', 'WithFormat', 'Any', 'Alias', '2', '3'];

// Names that grew in other ways.
const irregular: readonly (readonly string[])[] = [
  ['virConnectOpen', 'virConnectOpenAuth', 'virConnectOpenReadOnly'],
  ['virDomainCreateXML', 'virDomainCreateXMLWithFiles', 'virDomainCreateLinux'],
  ['virNodeDeviceDettach', 'virNodeDeviceDetachFlags'],
  ['virStorageVolWipe', 'virStorageVolWipePattern'],
  ['virDomainOpenGraphics', 'virDomainOpenGraphicsFD'],
  ['virDomainBlockRebase', 'virDomainBlockCopy', 'virDomainBlockPull'],
];

/** Each function's twins, itself left out. */
export const twinsOf: ReadonlyMap<string, readonly ApiFunction[]> = findTwins();

function findTwins(): Map<string, ApiFunction[]> {
  const families = new Map<string, ApiFunction[]>();
  for (const fn of functions) {
    const root = rootOf(fn);
    families.set(root, [...(families.get(root) ?? []), fn]);
  }
  const twins = new Map<string, ApiFunction[]>();
  for (const family of families.values()) {
    for (const fn of family) {
      const others = family.filter((other) => other !== fn);
      if (others.length > 0) twins.set(fn.name, others);
    }
  }
  return twins;
}

/** The name that the family goes by: the shortest that endings can be cut back to. */
function rootOf(fn: ApiFunction): string {
  const family = irregular.find((names) => names.includes(fn.name));
  if (family?.[0] !== undefined) return family[0];
  let name = fn.name;
  for (let shorter = shorten(fn, name); shorter !== undefined; shorter = shorten(fn, name)) name = shorter;
  return name;
}

// Only functions of the same class: virDomainGetVcpus reads, whatever the names around it.
function shorten(fn: ApiFunction, name: string): string | undefined {
  for (const ending of twinEndings) {
    const shorter = name.endsWith(ending) ? name.slice(0, -ending.length) : undefined;
    if (shorter !== undefined && functionsByName.get(shorter)?.class === fn.class) return shorter;
  }
  return undefined;
}
