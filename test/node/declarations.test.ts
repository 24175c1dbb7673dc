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

const events = `
import { Connection, type DomainEvents } from 'virtshim';
const connection = await Connection.open('test:///default');
const domain = await connection.lookupByName('test');
for await (const event of connection.domainEvents('lifecycle')) {
  const name: DomainEvents['lifecycle']['eventName'] = event.eventName;
  if (event.eventName === 'VIR_DOMAIN_EVENT_STARTED') console.log(event.domain.nameSync(), event.detail + 1, name);
  // @ts-expect-error no such constant
  if (event.eventName === 'VIR_DOMAIN_EVENT_FOO') console.log(name);
}
for await (const { params } of connection.domainEvents('jobCompleted', { domain })) console.log(params.operation);
// @ts-expect-error no such event
connection.domainEvents('nonsense');
// @ts-expect-error networks have no domain
connection.networkEvents('lifecycle', { domain });
connection.watch('domain').on('trayChange', ({ reason }) => reason + 1).on('error', (error) => error.message);
connection.watch('connection').once('close', ({ reasonName }) => reasonName?.length);
// @ts-expect-error no such event
connection.watch('secret').on('nonsense', () => {});
const credentials = async () => ({ authname: 'a', passphrase: 'b' });
await Connection.openAuth('test:///default', { credentials });
// @ts-expect-error answers have to come at once
Connection.openAuthSync('test:///default', { credentials });
`;

test('the declarations hold for programs in TypeScript, ES modules and CommonJS', () => {
  const folder = temporaryFolder('types');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/virtshim'));
  symlinkSync(join(ROOT, 'node_modules/@types'), join(folder, 'node_modules/@types'));
  writeFileSync(join(folder, 'program.mts'), program);
  writeFileSync(join(folder, 'common.cts'), common);
  writeFileSync(join(folder, 'events.mts'), events);
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const run = spawnSync(tsc, [...options, 'program.mts', 'common.cts', 'events.mts'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect([run.status, run.stdout]).toEqual([0, '']);
});
