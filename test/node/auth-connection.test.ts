// Names and passwords that libvirt asks for while a connection is opened: by the test driver, and by a libvirtd with SASL.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Daemon, startDaemon, whyNoDaemon } from '../support/libvirtd.js';
import { runScript, type ScriptOptions } from '../support/node_api.js';
import { temporaryFolder } from '../support/paths.js';
import { findTool, requireThat } from '../support/tools.js';
import { learningPolicy } from '../support/transparency.js';

const workplace = temporaryFolder('auth');
const password = 'correct-horse-battery';

/** Runs a script on the host at `uri`; what it leaves must not hold the password. */
async function run(uri: string, text: string) {
  const trail = join(temporaryFolder('trail'), 'trail');
  const prelude = `
    const uri = ${JSON.stringify(uri)};
    const password = ${JSON.stringify(password)};
    const outcomeOf = async (opening) => {
      try {
        const connection = await opening();
        const name = await connection.getHostname();
        await connection.close();
        return ['opened', typeof name];
      } catch (error) {
        return [error.name, error.functionName ?? error.code ?? null, error.message];
      }
    };
  `;
  const options: ScriptOptions = { policy: await learningPolicy(), trail };
  const { reports, records } = runScript(prelude + text, options);
  return {
    reports,
    records,
    left: readdirSync(trail)
      .map((file) => readFileSync(join(trail, file), 'latin1'))
      .join(),
  };
}

describe("the test driver's users", () => {
  const file = join(workplace, 'node.xml');
  const uri = `test://${file}`;

  beforeAll(() => {
    writeFileSync(file, `<node><auth><user password='${password}'>alice</user><user>bob</user></auth></node>`);
  });

  test('are asked for by type, and are in no record', async () => {
    const { reports, records, left } = await run(
      uri,
      `
      const asked = [];
      const credentials = (requests) => {
        asked.push(...requests);
        return requests.map(({ type }) => (type === 'authname' ? 'alice' : password));
      };
      report(await outcomeOf(() => Connection.openAuth(uri, { credentials })));
      report(asked.map(({ type, prompt, defresult }) => [type, typeof prompt, defresult]));
      report(await outcomeOf(() => Connection.openAuth(uri, {
        credentials: async () => ({ authname: 'alice', passphrase: password, noechoprompt: password }),
      })));
      report(await outcomeOf(async () => Connection.openAuthSync(uri, { credentials })));
      `,
    );
    expect(reports).toEqual([
      ['opened', 'string'],
      [
        ['authname', 'string', null],
        [expect.stringMatching(/^(passphrase|noechoprompt)$/), 'string', null],
      ],
      ['opened', 'string'],
      ['opened', 'string'],
    ]);
    expect(records.filter((each) => each.event === 'virConnectOpenAuth' && each.root === 'methodresponse').length).toBe(
      3,
    );
    expect(left).toContain('virConnectOpenAuth');
    expect(left).not.toContain(password);
  });

  test.each([
    ['openAuth', 'openAuth'],
    ['openAuthSync', 'openAuthSync'],
  ])('that are wrong, missing or given up are errors of libvirt: %s', async (_, open) => {
    const { reports, left } = await run(
      uri,
      `
      const answers = [
        { authname: 'alice', passphrase: 'wrong', noechoprompt: 'wrong' },
        { authname: 'nobody', passphrase: password, noechoprompt: password },
        null,
        [],
      ];
      for (const each of answers) report(await outcomeOf(async () => Connection.${open}(uri, { credentials: () => each })));
      report(await outcomeOf(async () => Connection.${open}(uri, { types: ['username'], credentials: () => [] })));
      report(await outcomeOf(async () => Connection.${open}(uri, {
        credentials: () => { throw new RangeError('no terminal'); },
      })));
      report(await outcomeOf(async () => Connection.openAuth(uri, { credentials: async () => { throw new Error('later'); } })));
      `,
    );
    const refused = ['LibvirtError', 'virConnectOpenAuth', expect.stringContaining('authentication')];
    expect(reports).toEqual([
      ...[refused, refused, refused],
      ['LibvirtError', 'virConnectOpenAuth', expect.any(String)],
      refused,
      ['RangeError', null, 'no terminal'],
      ['Error', null, 'later'],
    ]);
    expect(left).not.toContain(password);
  });

  test('cannot be waited for while the thread waits', async () => {
    const { reports } = await run(
      uri,
      'report(await outcomeOf(async () => Connection.openAuthSync(uri, { credentials: async () => [] })));',
    );
    expect(reports).toEqual([
      ['VirtshimError', 'VIRTSHIM_ARGUMENT', expect.stringContaining('must not return a promise')],
    ]);
  });

  test('may take their time: the event loop goes on', async () => {
    const { reports } = await run(
      uri,
      `
      let ticks = 0;
      const timer = setInterval(() => ticks++, 5);
      const credentials = async (requests) => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        return requests.map(({ type }) => (type === 'authname' ? 'alice' : password));
      };
      const opening = Array.from({ length: 8 }, () => outcomeOf(() => Connection.openAuth(uri, { credentials })));
      report((await Promise.all(opening)).every(([how]) => how === 'opened'));
      clearInterval(timer);
      report(ticks > 10);
      `,
    );
    expect(reports).toEqual([true, true]);
  });

  test('read only by a flag', async () => {
    const { reports } = await run(
      uri,
      `
      const credentials = () => ({ authname: 'bob' });
      const connection = await Connection.openAuth(uri, { credentials, flags: constants.VIR_CONNECT_RO });
      report(await connection.networkCreateXML('<network/>').catch((error) => error.message));
      `,
    );
    expect(reports).toEqual([expect.stringContaining('read only access')]);
  });
});

const missing = ['saslpasswd2'].filter(
  (tool) => findTool(tool) === undefined && findTool(`/usr/sbin/${tool}`) === undefined,
);
const whyNot = whyNoDaemon() ?? (missing.length > 0 ? 'saslpasswd2 not installed' : undefined);
const withSasl = requireThat(whyNot === undefined, whyNot ?? '');

describe('a libvirtd that wants SASL', () => {
  let daemon: Daemon;

  beforeAll(async () => {
    if (whyNot === undefined)
      daemon = await startDaemon({ cache: join(workplace, 'cache'), auth: 'sasl', env: makeUsers() });
  });

  afterAll(() => daemon?.stop());

  withSasl('lets in who knows the password, and tells of nobody else why', async () => {
    const { reports, left } = await run(
      daemon.uri,
      `
      const right = { authname: 'alice@virtshim', passphrase: password };
      report(await outcomeOf(() => Connection.openAuth(uri, { credentials: async () => right })));
      report(await outcomeOf(async () => Connection.openAuthSync(uri, { credentials: () => right })));
      report(await outcomeOf(() => Connection.openAuth(uri, { credentials: () => ({ ...right, passphrase: 'wrong' }) })));
      report(await outcomeOf(() => Connection.openAuth(uri, { credentials: () => ({ ...right, authname: 'eve@virtshim' }) })));
      report(await outcomeOf(() => Connection.open(uri)));
      const opening = Array.from({ length: 10 }, (_, i) => outcomeOf(() => Connection.openAuth(uri, {
        credentials: () => (i % 2 ? right : { ...right, passphrase: 'wrong' }),
      })));
      report((await Promise.all(opening)).map(([how]) => how));
      `,
    );
    const opened = ['opened', 'string'];
    const refused = ['LibvirtError', 'virConnectOpenAuth', expect.stringContaining('authentication failed')];
    expect(reports).toEqual([
      ...[opened, opened, refused, refused],
      ['LibvirtError', 'virConnectOpen', expect.stringContaining('authentication')],
      Array.from({ length: 10 }, (_, i) => (i % 2 ? 'opened' : 'LibvirtError')),
    ]);
    expect(left).toContain('virConnectOpenAuth');
    expect(left).not.toContain(password);
  });
});

/** The environment of a daemon that knows `alice@virtshim`. */
function makeUsers(): Record<string, string> {
  const folder = join(workplace, 'sasl');
  const database = join(folder, 'passwd.db');
  mkdirSync(folder);
  writeFileSync(join(folder, 'libvirt.conf'), `mech_list: scram-sha-256\nsasldb_path: ${database}\n`);
  const tool = findTool('saslpasswd2') ?? '/usr/sbin/saslpasswd2';
  const args = ['-p', '-c', '-f', database, '-a', 'libvirt', '-u', 'virtshim', 'alice'];
  const made = spawnSync(tool, args, { input: `${password}\n`, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`saslpasswd2: ${made.stderr}`);
  return { SASL_CONF_PATH: folder };
}
