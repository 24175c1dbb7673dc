// Calls of virtshim/ffi within the test's own process, on libvirt's test driver.
import { join } from 'node:path';
import koffi from 'koffi';
import type { LibvirtFunction } from '../../src/ffi/index.js';
import * as ffi from '../../src/ffi/index.js';
import type { virConnectPtr, virDomainPtr } from '../../src/generated/ffi/types.js';
import { ROOT, temporaryFolder } from './paths.js';

const setenv = koffi.load(null).func('int setenv(const char *name, const char *value, int replace)');

/** A host of libvirt's test driver with one of each kind; each connection to it has a state of its own. */
export const hostUri = `test://${join(ROOT, 'test/fixtures/ffi/node.xml')}`;

/** Opens the host. Records go to a temporary folder: the shim reads C's environment, of which jest shows tests a copy. */
export function openHost(): virConnectPtr {
  setenv('VIRTSHIM_TRAIL', temporaryFolder('trail'), 0);
  return ffi.virConnectOpen(hostUri);
}

/** The guest of the host. */
export function guestOf(conn: virConnectPtr): virDomainPtr {
  return ffi.virDomainLookupByName(conn, 'gäst');
}

export const ways = ['sync', 'async'] as const;
export type Way = (typeof ways)[number];

/** Calls a function one way or the other; what it throws at once is a rejection, too. */
export async function call<F extends (...args: never[]) => unknown>(
  way: Way,
  fn: LibvirtFunction<F>,
  ...args: Parameters<F>
): Promise<ReturnType<F>> {
  return way === 'async' ? fn.async(...args) : (fn(...args) as ReturnType<F>);
}

/** What a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`expected a failure, got ${String(value)}`);
    },
    (error: unknown) => error,
  );
}
