/** The installed libvirt: which libraries the loader finds, where, and of which version. */
import { readFileSync, realpathSync } from 'node:fs';
import koffi from 'koffi';

export const SONAMES = ['libvirt.so.0', 'libvirt-qemu.so.0', 'libvirt-lxc.so.0', 'libvirt-admin.so.0'] as const;

export interface InstalledLibrary {
  readonly soname: string;
  readonly path: string;
}

/** Loads each library as any program would and asks the kernel which file that was. */
export function installedLibraries(): InstalledLibrary[] {
  const found: InstalledLibrary[] = [];
  for (const soname of SONAMES) {
    if (!loads(soname)) continue;
    const path = mappedFile(soname);
    if (path !== undefined) found.push({ soname, path });
  }
  return found;
}

function loads(soname: string): boolean {
  try {
    koffi.load(soname);
    return true;
  } catch {
    return false;
  }
}

function mappedFile(soname: string): string | undefined {
  const paths = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .map((line) => line.slice(line.indexOf('/')))
    .filter((path) => path.startsWith('/'));
  // The file's own name goes on after the soname: libvirt.so.0.9000.0.
  const path = paths.find((candidate) => candidate.slice(candidate.lastIndexOf('/') + 1).startsWith(soname));
  return path === undefined ? undefined : realpathSync(path);
}

/** "9.0.0", from virGetVersion; undefined where it fails. */
export function libvirtVersion(): string | undefined {
  const getVersion = koffi
    .load('libvirt.so.0')
    .func('virGetVersion', 'int', [koffi.out(koffi.pointer('unsigned long')), 'str', 'void *']);
  const version: [number] = [0];
  if (getVersion(version, null, null) !== 0) return undefined;
  const number = version[0];
  return `${Math.floor(number / 1_000_000)}.${Math.floor(number / 1000) % 1000}.${number % 1000}`;
}
