/** What the installed libvirt has. */
import { bind } from './library.js';
import { Cell, littleEndian } from './memory.js';

let installed: number | undefined;

/** Whether the installed libvirt is of this version or newer: `1.2.11`. */
export function isAvailable(since: string): boolean {
  return versionNumber(since) <= installedVersion();
}

/** As libvirt counts: major * 1000000 + minor * 1000 + release. 0 where libvirt is not installed. */
export function installedVersion(): number {
  installed ??= askVersion();
  return installed;
}

function askVersion(): number {
  const version = new Cell(8);
  const status = bind('int virGetVersion(void *libVer, const char *type, void *typeVer)')(version.bytes, null, null);
  return status === 0 ? Number(version.view.getBigUint64(0, littleEndian)) : 0;
}

function versionNumber(version: string): number {
  const [major = 0, minor = 0, release = 0] = version.split('.').map(Number);
  return major * 1_000_000 + minor * 1000 + release;
}
