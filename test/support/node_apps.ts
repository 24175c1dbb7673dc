// Programs for Node that know nothing of the shim, in a folder of their own that has the package installed.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, temporaryFolder } from './paths.js';
import { deny, imageFile, permissiveExcept, runShimmed, type ShimmedOutcome, type ShimOptions } from './shim.js';

/** Binds libvirt by dlsym and destroys the guest `test`; says how that ended. */
export const KOFFI = `
const koffi = require('koffi');
const lib = koffi.load('libvirt.so.0');
lib.func('void virSetErrorFunc(void *, void *)')(null, null);
const connection = lib.func('void *virConnectOpen(const char *)')('test:///default');
const domain = lib.func('void *virDomainLookupByName(void *, const char *)')(connection, 'test');
const result = lib.func('int virDomainDestroy(void *)')(domain);
module.exports = { result, message: lib.func('const char *virGetLastErrorMessage()')() };
`;

/** The same by an addon that is linked with libvirt. */
export const UNRAID = `
import { Hypervisor } from '@unraid/libvirt';
const hypervisor = new Hypervisor({ uri: 'test:///default' });
await hypervisor.connectOpen();
const domain = await hypervisor.domainLookupByName('test');
const ended = hypervisor.domainDestroy(domain).then(() => 'destroyed', (error) => String(error.message ?? error));
console.log(JSON.stringify(await ended));
`;

const files = {
  'koffi.cjs': KOFFI,
  'unraid.mjs': UNRAID,
  'main.cjs': `console.log(JSON.stringify(require('./koffi.cjs')));`,
};

/** A folder with these files, besides `koffi.cjs`, `unraid.mjs`, and `main.cjs`, which prints how koffi.cjs ended. */
export function makeApp(more: Readonly<Record<string, string>> = {}): string {
  const app = temporaryFolder('app');
  const modules = join(app, 'node_modules');
  mkdirSync(modules);
  symlinkSync(ROOT, join(modules, 'virtshim'));
  for (const name of ['koffi', '@unraid']) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  for (const [name, text] of Object.entries({ ...files, ...more })) writeFileSync(join(app, name), text);
  return app;
}

export interface AppOutcome extends ShimmedOutcome {
  /** Each line of the output, read as JSON. */
  readonly lines: readonly unknown[];
}

/** Runs `program ARGS` in the app's folder; nothing is preloaded. */
export function runApp(program: string, app: string, args: readonly string[], options: ShimOptions = {}): AppOutcome {
  const outcome = runShimmed(program, args, { preload: false, cwd: app, ...options });
  return { ...outcome, lines: jsonLines(outcome.stdout) };
}

export function jsonLines(output: string): unknown[] {
  return output
    .split('\n')
    .filter((line) => /^[["{]/.test(line))
    .map((line): unknown => JSON.parse(line));
}

/** An image that refuses virDomainDestroy by the rule `no-destroy`, and nothing else. */
export function noDestroy(): Promise<string> {
  return imageFile(permissiveExcept([deny('no-destroy', ['virDomainDestroy'])]));
}

/** What the record says about refused calls: one each. */
export function refusals({ records }: ShimmedOutcome): (string | undefined)[] {
  return records.filter(({ effect }) => effect === 'denied').map(({ rule, event }) => `${event} ${rule}`);
}
