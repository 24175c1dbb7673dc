import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runScript, tryScript } from '../support/node_api.js';
import { temporaryFolder } from '../support/paths.js';
import { deny, imageFile, permissiveExcept, readRecords, TESTED_SHIM } from '../support/shim.js';

const noDestroy = permissiveExcept([deny('no-destroy', ['domain.stop'], ['test'])]);

function jsonPolicy(): string {
  const path = join(temporaryFolder('policy'), 'policy.json');
  writeFileSync(path, JSON.stringify(noDestroy));
  return path;
}

const destroy = `
const connection = await Connection.open('test:///default');
const domain = await connection.lookupByName('test');
const denied = await domain.destroy().then(() => null, (error) => error);
const { name, rule, reason, recordId, functionName, code, domain: from } = denied ?? {};
report(denied && { name, rule, recordId, functionName, code, from, is: [denied instanceof PolicyDeniedError, denied instanceof LibvirtError, denied instanceof Error] });
report((await domain.state()).state);
`;

describe('configure', () => {
  test('a policy in JSON refuses, the trail has the record that the error names', () => {
    const trail = join(temporaryFolder('trail'), 'new');
    const { reports } = runScript(
      `virtshim.configure({ policy: ${JSON.stringify(jsonPolicy())}, trail: ${JSON.stringify(trail)} });${destroy}`,
    );
    const recordId = (reports[0] as { recordId: string }).recordId;
    expect(reports).toEqual([
      {
        ...{ name: 'PolicyDeniedError', rule: 'no-destroy', functionName: 'virDomainDestroy', code: 88, from: 55 },
        recordId: expect.stringMatching(/^[0-9a-f]{16}$/),
        is: [true, true, true],
      },
      1,
    ]);
    const refused = readRecords(trail).filter((record) => record.rid === recordId);
    expect(refused).toMatchObject([{ event: 'virDomainDestroy', effect: 'denied', rule: 'no-destroy' }]);
  });

  test('a compiled policy does the same, also for synchronous calls', async () => {
    const { reports } = runScript(`
      virtshim.configure({ policy: ${JSON.stringify(await imageFile(noDestroy))} });
      const connection = Connection.openSync('test:///default');
      const domain = connection.lookupByNameSync('test');
      assert.throws(() => domain.destroySync(), { name: 'PolicyDeniedError', rule: 'no-destroy' });
      domain.suspendSync();
      report(domain.stateSync().state);
    `);
    expect(reports).toEqual([3]);
  });

  test('the mode stands over that of the policy', () => {
    const { reports } = runScript(
      `virtshim.configure({ policy: ${JSON.stringify(jsonPolicy())}, mode: 'permissive' });${destroy}`,
    );
    expect(reports).toEqual([null, 5]);
  });

  test('what is left out stays as the environment has it', async () => {
    const { reports, records } = runScript(`virtshim.configure({ mode: 'enforcing' });${destroy}`, {
      policy: await imageFile(noDestroy),
    });
    expect(reports[0]).toMatchObject({ rule: 'no-destroy' });
    expect(records.map((record) => record.event)).toContain('virDomainDestroy');
  });

  test('refuses what cannot be used, and changes nothing then', () => {
    const { reports } = runScript(`
      const before = JSON.stringify(process.env);
      const code = (settings) => { try { virtshim.configure(settings); } catch (error) { return error.code; } };
      report(code({ policy: '/nowhere/policy.json', trail: './trail' }));
      report(code({ policy: '/nowhere/policy.img', trail: './trail' }));
      report(code({ policy: ${JSON.stringify(__filename)}, trail: './trail' }));
      report(code({ mode: 'strict' }));
      assert.equal(JSON.stringify(process.env), before);
    `);
    expect(reports).toEqual(['VIRTSHIM_FILE', 'VIRTSHIM_FILE', 'VIRTSHIM_POLICY_SYNTAX', 'VIRTSHIM_USAGE']);
  });

  test('is refused once the shim is loaded', () => {
    const late = "assert.throws(() => virtshim.configure({ mode: 'permissive' }), { code: 'VIRTSHIM_LATE' });";
    runScript(`Connection.openSync('test:///default');${late}`);
    const { status } = tryScript(late, { preload: true, env: { LD_PRELOAD: TESTED_SHIM } });
    expect(status).toBe(0);
  });

  test('is refused in a worker thread, which has an environment of its own', () => {
    const { reports } = runScript(`
      const { Worker } = await import('node:worker_threads');
      const text = \`import { parentPort } from 'node:worker_threads';
        import { configure } from 'file://${join(process.cwd(), 'dist/index.js')}';
        try { configure({ mode: 'permissive' }); } catch (error) { parentPort.postMessage(error.code); }\`;
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(text)));
      report(await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject)));
    `);
    expect(reports).toEqual(['VIRTSHIM_LATE']);
  });

  test('the policies that come with the package are usable by name of the file', () => {
    const policy = join(process.cwd(), 'policies/read-only.json');
    expect(JSON.parse(readFileSync(policy, 'utf8'))).toMatchObject({ name: 'read-only' });
    const { reports } = runScript(`virtshim.configure({ policy: ${JSON.stringify(policy)} });${destroy}`);
    expect(reports[0]).toMatchObject({ name: 'PolicyDeniedError', functionName: 'virDomainDestroy' });
  });
});
