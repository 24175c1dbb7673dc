// What the TypeScript compiler accepts and refuses of calls of the low-level functions.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { ROOT } from '../support/paths.js';

// Inside of the checkout, where the compiler finds the types of Node.
const folder = mkdtempSync(join(ROOT, 'build/types-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The lines of `program` that the compiler complains about, each with the code of the error. */
function complaints(program: string): readonly string[] {
  const imports = `import * as ffi from '${join(ROOT, 'src/ffi/index.js')}';\n`;
  const given =
    'declare const conn: ffi.virConnectPtr, dom: ffi.virDomainPtr, flag: ffi.virDomainModificationImpact;\n';
  writeFileSync(join(folder, 'program.ts'), `${imports}${given}${program}`);
  const config = { extends: join(ROOT, 'tsconfig.base.json'), files: ['program.ts'] };
  const compilerOptions = { noEmit: true, rootDir: ROOT, noUnusedLocals: false, noUnusedParameters: false };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...config, compilerOptions }));
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const { stdout } = spawnSync(tsc, ['-p', folder, '--pretty', 'false'], { cwd: folder, encoding: 'utf8' });
  const lines = stdout.split('\n').flatMap((line) => /^(\S+)\((\d+),\d+\): error (TS\d+)/.exec(line) ?? []);
  const found = Array.from({ length: lines.length / 4 }, (_, i) => lines.slice(i * 4 + 1, i * 4 + 4));
  return found.map(([file, line, code]) => `${file === 'program.ts' ? Number(line) - 2 : file} ${code}`);
}

test('calls as they are meant', () => {
  expect(
    complaints(`
const open: ffi.virConnectPtr = ffi.virConnectOpen();
const info: ffi.virDomainInfo = ffi.virDomainGetInfo(dom);
const memory: number | bigint = info.maxMem;
const { state, reason }: { state: number; reason: number } = ffi.virDomainGetState(dom);
const parameters = ffi.virDomainGetMemoryParameters(dom, flag);
ffi.virDomainSetMemoryParameters(dom, { hard_limit: 1n, other: { type: 'ullong', value: 5 }, many: ['a', 'b'] }, flag);
const name: Promise<string> = ffi.virDomainGetName.async(dom);
ffi.virDomainMigrate(dom, conn, undefined, null, 'tcp://host');
ffi.virConnectDomainEventRegisterAny(conn, null, 0, (_conn, _dom, event, detail) => event + detail);
ffi.virConnectDomainEventRegisterAny(conn, dom, 4, (_conn, _dom, path) => path?.length);
const later: Promise<number> = ffi.virConnectNetworkEventRegisterAny.async(conn, null, 0, () => {});
const old: boolean = ffi.virDomainGetAutostartOnce.available;
const everything: ffi.ByHandFunctions = ffi;
const down: ffi.virDomainState = ffi.VIR_DOMAIN_SHUTOFF;
`),
  ).toEqual([]);
});

test('calls that are wrong', () => {
  expect(
    complaints(`ffi.virDomainSuspend(conn);
ffi.virDomainSuspend(5n);
ffi.virDomainGetXMLDesc(dom, 'flags');
ffi.virDomainSetAutostart(dom);
ffi.virDomainOpenConsole(dom, null);
ffi.virConnectDomainEventRegisterAny(conn, null, 2, (_conn, _dom, offset: string) => {});
ffi.virConnectDomainEventRegisterAny(conn, null, 999, () => {});
ffi.virDomainSetMemoryParameters(dom, { hard_limit: { type: 'money', value: 5 } });
const text: string = ffi.virNodeDeviceGetParent(0n as ffi.virNodeDevicePtr);
const state: ffi.virDomainState = 99;
`),
  ).toEqual([
    '1 TS2345',
    '2 TS2345',
    '3 TS2345',
    '4 TS2554',
    '5 TS2554',
    '6 TS2345',
    '7 TS2345',
    '8 TS2322',
    '9 TS2322',
    '10 TS2322',
  ]);
});
