// Credentials that libvirt asks for: its test driver knows users with passwords.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as ffi from '../../src/ffi/index.js';
import { call, failureOf, openHost, ways } from '../support/ffi.js';
import { runScript } from '../support/node_api.js';
import { ROOT, temporaryFolder } from '../support/paths.js';

const password = 'öffne dich 8w3rq';
let uri: string;

beforeAll(() => {
  ffi.virConnectClose(openHost());
  const host = readFileSync(join(ROOT, 'test/fixtures/ffi/node.xml'), 'utf8');
  const user = `<auth><user password='${password}'>sesam</user></auth>`;
  const file = join(temporaryFolder('auth'), 'node.xml');
  writeFileSync(file, host.replace('<node>', `<node>${user}`));
  uri = `test://${file}`;
});

const types = [ffi.VIR_CRED_AUTHNAME, ffi.VIR_CRED_PASSPHRASE];
const answers = (secret: string) => (cred: readonly ffi.Credential[]) =>
  cred.map(({ type }) => (type === ffi.VIR_CRED_AUTHNAME ? 'sesam' : secret));

describe.each(ways)('called %s', (way) => {
  test('answers open the connection', async () => {
    const asked: ffi.Credential[] = [];
    const cb = (cred: readonly ffi.Credential[]) => {
      asked.push(...cred);
      return answers(password)(cred);
    };
    const conn = await call(way, ffi.virConnectOpenAuth, uri, { credtype: types, cb });
    expect(ffi.virConnectGetURI(conn)).toBe(uri);
    expect(asked.map(({ type }) => type)).toEqual(types);
    expect(asked[1]).toEqual({
      ...{ type: 5, prompt: expect.stringContaining('sesam'), challenge: 'localhost', defresult: null },
    });
    ffi.virConnectClose(conn);
  });

  test.each([
    ['a wrong answer', answers('guess'), ffi.VIR_ERR_AUTH_FAILED],
    ['no answer', () => null, ffi.VIR_ERR_AUTH_FAILED],
    ['answers that are too few', () => [], ffi.VIR_ERR_INTERNAL_ERROR],
  ])('%s fails', async (_, cb, code) => {
    const error = await failureOf(call(way, ffi.virConnectOpenAuth, uri, { credtype: types, cb }));
    expect(error).toMatchObject({ name: 'LibvirtError', code });
  });

  test('what the function throws comes out of the call', async () => {
    const cb = () => {
      throw new Error('the vault is closed');
    };
    const attempt = call(way, ffi.virConnectOpenAuth, uri, { credtype: types, cb });
    await expect(attempt).rejects.toThrow('the vault is closed');
  });

  test('the other calls of the thread go on afterwards', async () => {
    await failureOf(call(way, ffi.virConnectOpenAuth, uri, { credtype: types, cb: () => null }));
    await expect(call(way, ffi.virConnectOpen, 'nowhere:///')).rejects.toMatchObject({ name: 'LibvirtError' });
  });
});

test('asynchronous opens wait for promises, synchronous ones cannot', async () => {
  const cb = async (cred: readonly ffi.Credential[]) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return answers(password)(cred);
  };
  const conn = await ffi.virConnectOpenAuth.async(uri, { credtype: types, cb });
  ffi.virConnectClose(conn);
  expect(() => ffi.virConnectOpenAuth(uri, { credtype: types, cb })).toThrow(
    expect.objectContaining({ code: 'VIRTSHIM_ARGUMENT', message: expect.stringContaining('promise') }),
  );
});

test('no record holds what was answered', () => {
  const { records } = runScript(`
    const ffi = await import('${join(ROOT, 'dist/ffi/index.js')}');
    const auth = { credtype: [2, 5], cb: (cred) => cred.map(({ type }) => (type === 2 ? 'sesam' : '${password}')) };
    for (const open of [ffi.virConnectOpenAuth, ffi.virConnectOpenAuth.async]) {
      const conn = await open('${uri}', auth);
      ffi.virDomainSuspend(ffi.virDomainLookupByName(conn, 'gäst'));
    }`);
  const text = records.map(({ line }) => line).join('\n');
  expect(records.map(({ event }) => event)).toContain('virDomainSuspend');
  expect(text).not.toContain('8w3rq');
});
