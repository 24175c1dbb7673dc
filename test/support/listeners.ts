// Scripts that listen for libvirt's events through virtshim/ffi, each in a process of its own.
import { join } from 'node:path';
import { runScript, type ScriptOptions, type ScriptOutcome, tryScript } from './node_api.js';
import { ROOT } from './paths.js';

/** The built module. */
export const FFI = join(ROOT, 'dist/ffi/index.js');

const prelude = `
import * as ffi from '${FFI}';
const attempt = (f) => { try { f(); return 'taken'; } catch (error) { return error.message; } };
const guest = (name) => \`<domain type='test'><name>\${name}</name><memory>1024</memory><os><type>hvm</type></os></domain>\`;
`;

/** A host of the test driver that each connection has for itself. It has a domain `test`, too. */
export const HOST = `test://${join(ROOT, 'test/fixtures/callbacks/host.xml')}`;

/** With libvirt's loop running, a connection `conn` to the test driver and its domain `domain`. */
export const OPEN = `
ffi.startEventLoop();
const conn = ffi.virConnectOpen('test:///default');
const domain = ffi.virDomainLookupByName(conn, 'test');
`;

/** Runs a module that finds `ffi`, `report`, `sleep`, `until`, `attempt`, `guest`. Throws where it does not exit with 0. */
export function runListeners(text: string, options: ScriptOptions = {}): ScriptOutcome {
  return runScript(prelude + text, options);
}

/** The same, however it ends. */
export function tryListeners(text: string, options: ScriptOptions = {}): ScriptOutcome {
  return tryScript(prelude + text, options);
}
