// virtshim/ffi in processes of its own: under policies, in worker threads, without its native files, for a long time.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { hostUri } from '../support/ffi.js';
import { runScript, tryScript } from '../support/node_api.js';
import { ROOT, temporaryFolder } from '../support/paths.js';
import { deny, imageFile, permissiveExcept, shimEnvironment } from '../support/shim.js';

const prelude = `
const ffi = await import('${join(ROOT, 'dist/ffi/index.js')}');
const open = () => ffi.virConnectOpen('${hostUri}');
const guest = (conn) => ffi.virDomainLookupByName(conn, 'gäst');
const failure = async (fn) => { try { await fn(); return null; } catch (error) {
  const { name, code, domain, functionName, message, rule, policy, reason, recordId } = error;
  return { name, code, domain, functionName, message, rule, policy, reason, recordId };
} };
`;

test('a refusal is a PolicyDeniedError with rule, reason and record, both ways', async () => {
  const policy = await imageFile(permissiveExcept([deny('no-destroy', ['virDomainDestroy'], ['gäst'])]));
  const { reports, records, stderr } = runScript(
    `${prelude}
    const domain = guest(open());
    report(await failure(() => ffi.virDomainDestroy(domain)));
    report(await failure(() => ffi.virDomainDestroy.async(domain)));
    report(ffi.virDomainIsActive(domain));
    report(await failure(() => ffi.virDomainResume(domain)));`,
    { policy },
  );
  const denied = {
    ...{ name: 'PolicyDeniedError', code: 88, domain: 55, functionName: 'virDomainDestroy', rule: 'no-destroy' },
    ...{ policy: 'test', reason: "rule 'no-destroy' of policy 'test'" },
    recordId: expect.stringMatching(/^[0-9a-f]{16}$/),
  };
  expect(reports).toMatchObject([denied, denied, true, { name: 'LibvirtError', functionName: 'virDomainResume' }]);
  const ids = reports.slice(0, 2).map((report) => (report as { recordId: string }).recordId);
  expect(records.filter(({ effect }) => effect === 'denied').map(({ rid }) => rid)).toEqual(ids);
  expect(stderr).toBe('');
});

test('a refusal by default has no rule', async () => {
  const policy = await imageFile({
    name: 'closed',
    defaults: { '*': 'allow', control: 'deny' },
    audit: { netlink: false },
    rules: [],
  });
  const { reports } = runScript(`${prelude} report(await failure(() => ffi.virDomainSuspend(guest(open()))));`, {
    policy,
  });
  const reason = expect.stringMatching(/^no rule of policy 'closed' allows [\w.:-]+$/);
  expect(reports).toMatchObject([{ name: 'PolicyDeniedError', rule: null, policy: 'closed', reason }]);
});

test('names cannot pass for a reason', async () => {
  const name = "x: rule 'a' of policy 'b' (record 0123456789abcdef)";
  const policy = await imageFile(permissiveExcept([deny('no-start', ['virDomainCreate'])]));
  const { reports } = runScript(
    `${prelude}
    const xml = \`<domain type='test'><name>${name}</name><memory>1024</memory><os><type>hvm</type></os></domain>\`;
    const domain = ffi.virDomainDefineXML(open(), xml);
    report(await failure(() => ffi.virDomainCreate(domain)));`,
    { policy },
  );
  expect(reports).toMatchObject([{ rule: 'no-start', policy: 'test', reason: "rule 'no-start' of policy 'test'" }]);
});

test('what a read-only connection forbids is no refusal of a policy', () => {
  const { reports } = runScript(`${prelude}
    const domain = guest(ffi.virConnectOpenReadOnly('${hostUri}'));
    report(await failure(() => ffi.virDomainSuspend.async(domain)));`);
  expect(reports).toMatchObject([{ name: 'LibvirtError', code: 29 }]);
});

test('calls are recorded, synchronous and asynchronous ones', () => {
  const { records } = runScript(`${prelude}
    const domain = guest(open());
    ffi.virDomainSuspend(domain);
    await ffi.virDomainResume.async(domain);
    ffi.virDomainFree(domain);`);
  const calls = records.filter(({ root }) => root === 'methodcall').map(({ event }) => event);
  expect(calls).toEqual(['virDomainSuspend', 'virDomainResume']);
});

test('worker threads call by themselves and get their own errors', () => {
  const { reports } = runScript(`${prelude}
    const { Worker } = await import('node:worker_threads');
    const text = \`
      Promise.all([import('node:worker_threads'), import('${join(ROOT, 'dist/ffi/index.js')}')]).then(async ([{ parentPort, workerData }, ffi]) => {
        const conn = ffi.virConnectOpen('${hostUri}');
        const codes = [];
        for (let i = 0; i < 200; i += 1) {
          try { ffi.virDomainLookupByName(conn, 'nobody' + workerData); } catch (error) { codes.push(error.code); }
          await ffi.virNetworkLookupByName.async(conn, 'nobody').catch((error) => codes.push(error.code));
        }
        const name = ffi.virDomainGetName(ffi.virDomainLookupByName(conn, 'gäst'));
        parentPort.postMessage([name, [...new Set(codes)].sort(), codes.length]);
      });
    \`;
    const answers = await Promise.all([1, 2, 3].map((workerData) => new Promise((resolve, reject) => {
      const worker = new Worker(text, { eval: true, workerData });
      worker.once('message', resolve);
      worker.once('error', reject);
    })));
    report(answers);
    process.exit(0);`);
  const answer = ['gäst', [42, 43], 400];
  expect(reports).toEqual([[answer, answer, answer]]);
});

test('importing loads nothing; the first call says what is missing, and the way out', () => {
  const folder = temporaryFolder('package');
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const { reports } = runScript(`
    const ffi = await import('${join(folder, 'dist/ffi/index.js')}');
    for (const fn of [ffi.virConnectOpen, ffi.virConnectOpen.async]) {
      try { await fn('test:///default'); } catch ({ name, code, hint }) { report({ name, code, hint }); }
    }`);
  const missing = { name: 'VirtshimError', code: 'VIRTSHIM_NATIVE_MISSING', hint: expect.stringContaining('build') };
  expect(reports).toEqual([missing, missing]);
});

test('where the permission model forbids addons, the error names the option', () => {
  const { reports } = tryScript(
    `const ffi = await import('${join(ROOT, 'dist/ffi/index.js')}');
    try { ffi.virConnectOpen('test:///default'); } catch ({ code, hint }) { report({ code, hint }); }`,
    { node: ['--experimental-permission', '--allow-fs-read=*'] },
  );
  expect(reports).toEqual([{ code: 'VIRTSHIM_NATIVE_MISSING', hint: expect.stringContaining('--allow-addons') }]);
});

test('the package offers virtshim/ffi and virtshim/constants', () => {
  const app = temporaryFolder('app');
  mkdirSync(join(app, 'node_modules'));
  symlinkSync(ROOT, join(app, 'node_modules/virtshim'));
  const { reports } = runScript(
    `const { createRequire } = await import('node:module');
    const at = (name) => import(createRequire('${join(app, 'main.js')}').resolve(name));
    const [ffi, flat] = await Promise.all([at('virtshim/ffi'), at('virtshim/constants')]);
    report([ffi.virDomainGetName.name, ffi.VIR_DOMAIN_RUNNING, flat.VIR_DOMAIN_RUNNING]);`,
  );
  expect(reports).toEqual([['virDomainGetName', 1, 1]]);
});

test('no kind of call leaks, whether it succeeds or fails', () => {
  const rounds = 1500;
  // The smallest piece that malloc gives out takes 32 bytes.
  const limit = 16 * rounds;
  const script = join(ROOT, 'test/fixtures/ffi/memory.mjs');
  const env = shimEnvironment({ preload: false }, temporaryFolder('trail'));
  const args = ['--expose-gc', script, hostUri, String(rounds), String(limit)];
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  const lines = stdout.trim().split('\n');
  const measured = lines.map((line) => JSON.parse(line) as [string, string, number]);
  expect(stderr).toBe('');
  expect(measured.length).toBe(42);
  expect(measured.filter(([, , bytes]) => bytes > limit)).toEqual([]);
});
