/** Functions of libvirt that act on no object. */
import * as ffi from '../ffi/index.js';
import type { Integer64 } from '../ffi/values.js';

export interface Version {
  /** major * 1,000,000 + minor * 1,000 + release. */
  readonly libVer: Integer64;
  /** The driver's, counted in the same way; libvirt gives its own here. */
  readonly typeVer: Integer64;
}

/** `virGetVersion`, since libvirt 0.0.3: the version of the library, not of a daemon. */
export async function getVersion(type?: string | null): Promise<Version> {
  return ffi.virGetVersion.async(type);
}

/** `virGetVersion` while the thread waits. */
export function getVersionSync(type?: string | null): Version {
  return ffi.virGetVersion(type);
}

/** `virInitialize`, since libvirt 0.1.0. Opening a connection does it, too. */
export async function initialize(): Promise<void> {
  return ffi.virInitialize.async();
}

/** `virInitialize` while the thread waits. */
export function initializeSync(): void {
  ffi.virInitialize();
}

/** `virAdmGetVersion`, since libvirt 2.0.0. */
export async function admGetVersion(): Promise<Integer64> {
  return ffi.virAdmGetVersion.async();
}

/** `virAdmGetVersion` while the thread waits. */
export function admGetVersionSync(): Integer64 {
  return ffi.virAdmGetVersion();
}

/** `virAdmInitialize`, since libvirt 2.0.0. */
export async function admInitialize(): Promise<void> {
  return ffi.virAdmInitialize.async();
}

/** `virAdmInitialize` while the thread waits. */
export function admInitializeSync(): void {
  ffi.virAdmInitialize();
}
