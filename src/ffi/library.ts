/** The shim as a library to call into. libvirt itself is never loaded from here: every call passes the shim. */
import { createRequire } from 'node:module';
import { VirtshimError } from '../errors.js';
import { type Native, native, shimPath } from '../native.js';
import type { RawResult, RawValue } from './values.js';

export type Koffi = typeof import('koffi');

/** A C function as koffi offers it. */
export type RawFunction = (...args: RawValue[]) => RawResult;

interface Library {
  func(prototype: string): RawFunction;
}

let koffiModule: Koffi | undefined;
let shim: Library | undefined;
let process_: Library | undefined;
let isAttached = false;

/** Binds a function of the shim. Throws VIRTSHIM_NATIVE_MISSING where koffi or the shim do not load. */
export function bind(prototype: string): RawFunction {
  shim ??= loading('libvirtshim.so', () => koffi().load(shimPath(), { global: true, lazy: true }));
  return shim.func(prototype);
}

/** The addon, ready to call into the shim. */
export function attached(): Native {
  if (!isAttached) native().attach(shimPath());
  isAttached = true;
  return native();
}

/** Binds a function of the C library. */
export function bindC(prototype: string): RawFunction {
  process_ ??= koffi().load(null);
  return process_.func(prototype);
}

/** koffi, loaded at its first use, so that importing virtshim loads no addon. */
export function koffi(): Koffi {
  koffiModule ??= loading('koffi', loadKoffi);
  return koffiModule;
}

function loadKoffi(): Koffi {
  const loaded = createRequire(import.meta.url)('koffi') as Koffi;
  if (!isKnown(loaded, 'OwnedString')) loaded.disposable('OwnedString', 'str');
  return loaded;
}

// Names of types belong to koffi, which more than one copy of this module may share.
function isKnown(loaded: Koffi, type: string): boolean {
  try {
    return loaded.type(type) !== undefined;
  } catch {
    return false;
  }
}

function loading<T>(what: string, load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (error instanceof VirtshimError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new VirtshimError('VIRTSHIM_NATIVE_MISSING', `cannot load ${what}: ${reason}`, {
      hint: isForbidden(error)
        ? 'the permission model is on: allow addons with --allow-addons'
        : 'install virtshim again',
      cause: error,
    });
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_DLOPEN_DISABLED';
}
