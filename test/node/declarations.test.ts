import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT, temporaryFolder } from '../support/paths.js';

const program = `
import { Connection, configure, constants, type Domain, LibvirtError } from 'virtshim';
configure({ trail: './trail' });
await using connection = await Connection.open('test:///default');
const domains: Domain[] = await connection.listAllDomains();
for (const domain of domains) console.log(domain.nameSync(), (await domain.info()).cpuTime);
await connection.lookupByName('x').catch((error) => {
  if (error instanceof LibvirtError) console.log(error.code === constants.VIR_ERR_NO_DOMAIN, error.functionName);
});
`;

const common = `
import type { Domain } from 'virtshim';
export async function name(): Promise<string> {
  const { Connection } = await import('virtshim');
  const domain: Domain = await (await Connection.open()).lookupByID(1);
  return domain.name();
}
`;

test('the declarations hold for programs in TypeScript, ES modules and CommonJS', () => {
  const folder = temporaryFolder('types');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/virtshim'));
  symlinkSync(join(ROOT, 'node_modules/@types'), join(folder, 'node_modules/@types'));
  writeFileSync(join(folder, 'program.mts'), program);
  writeFileSync(join(folder, 'common.cts'), common);
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const run = spawnSync(tsc, [...options, 'program.mts', 'common.cts'], { cwd: folder, encoding: 'utf8' });
  expect([run.status, run.stdout]).toEqual([0, '']);
});
