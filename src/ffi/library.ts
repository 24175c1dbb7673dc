/** The shim as a library to call into. libvirt itself is never loaded from here: every call passes the shim. */
import { createRequire } from 'node:module';
import { loadingNative, type Native, native, shimPath } from '../native.js';
import type { RawResult, RawValue } from './values.js';

export type Koffi = typeof import('koffi');

/** A C function as koffi offers it. */
export type RawFunction = (...args: RawValue[]) => RawResult;

interface Library {
  func(prototype: string): RawFunction;
}

let koffiModule: Koffi | undefined;
let shim: Library | undefined;
let cLibrary: Library | undefined;
let isAttached = false;

/** Binds a function of the shim. Throws VIRTSHIM_NATIVE_MISSING where koffi, the addon or the shim do not load. */
export function bind(prototype: string): RawFunction {
  attached();
  // By its soname: that is the one in the process, which LD_PRELOAD may have brought from elsewhere.
  shim ??= loadingNative('the shim', () => koffi().load('libvirtshim.so', { global: true, lazy: true }));
  return shim.func(prototype);
}

/** Binds a function of the shim at its first call. */
export function lazily(prototype: string): RawFunction {
  let bound: RawFunction | undefined;
  return (...args) => {
    bound ??= bind(prototype);
    return bound(...args);
  };
}

/** The addon, ready to call into the shim. */
export function attached(): Native {
  if (!isAttached) loadingNative('the shim', () => native().attach(shimPath()));
  isAttached = true;
  return native();
}

/** Binds a function of the C library. */
export function bindC(prototype: string): RawFunction {
  cLibrary ??= koffi().load(null);
  return cLibrary.func(prototype);
}

/** koffi, loaded at its first use, so that importing virtshim loads no addon. */
export function koffi(): Koffi {
  koffiModule ??= loadingNative('koffi', loadKoffi);
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
