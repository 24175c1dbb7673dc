// Hostile names, URIs, programs and arguments through the real libvirt: each record stays one well-formed element that
// stands for exactly the bytes that were given, and each line of audit text is found by the real ausearch where it
// belongs and nowhere else.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { compilePolicy } from '../../src/policy/compile.js';
import { loadPolicy } from '../../src/policy/load.js';
import { type ActorRun, act, actorProgram, type Command, domainXml, OPEN, recordBytes } from '../support/actor.js';
import { everyByte, hostileValues, invalidUtf8 } from '../support/hostile.js';
import { temporaryFolder } from '../support/paths.js';
import { deny, imageFile, permissiveExcept, shimEnvironment } from '../support/shim.js';
import { requireTool } from '../support/tools.js';
import { ausearch, ReadRecord, readTrail, schemaErrors, shellWord, trailLines } from '../support/trail_checks.js';

const test = requireTool('cc', 'xmllint', 'ausearch', 'auvirt');

const everyValue = new Map([...hostileValues, ...invalidUtf8]);

// All that is permitted leaves both records, and the audit text goes to the file.
function recordingAll(rules = [deny('no-reset', ['virDomainReset'])]) {
  return imageFile(
    permissiveExcept(rules, {
      audit: { netlink: false, file: 'always', levels: { 'vir*': 'request-response' } },
    }),
  );
}

function run(commands: readonly Command[], policy: string, program?: string): ActorRun {
  const run = act(commands, { policy, program });
  expect(`${run.status} ${run.signal} ${run.stderr}`).toBe('0 null ');
  expect(run.answers).toHaveLength(commands.length);
  return run;
}

const auditLog = (trail: string) => join(trail, 'audit.log');
const auditLines = (trail: string) => readFileSync(auditLog(trail), 'latin1').split('\n').slice(0, -1);

// The grammar of the text, the parts that a value could break.
const TEXT =
  /^type=VIRT_CONTROL msg=audit\(\d+\.\d{3}:\d+\): pid=\d+ uid=\d+ auid=\d+ ses=\d+( subj=[\w:./-]+)? msg='virt=([\w./:-]+|\?) op=\w+ reason=(permitted|denied|error)( vm=("[A-Za-z0-9._+@:/,-]+"|[0-9A-F]+))?( uuid=[0-9a-f-]{36})?( target="[^"'= ]*")?( rule="[^"'= ]*")?( err=\d+)?( apiflags=0x[0-9a-f]+)?( dev=[\w-]+)?( path=("[A-Za-z0-9._+@:/,-]+"|[0-9A-F]+))?( new-(mem|vcpu)=\d+)? rid=[0-9a-f]{16} chain=[0-9a-f]{16} trail=[0-9a-f]{16}( asserted-(actor|via|reason)="[^"'= ]*")*( uri="[^"'= ]*")? comm=("[A-Za-z0-9._+@:/,?-]+"|[0-9A-F]+) exe=("[A-Za-z0-9._+@:/,?-]+"|[0-9A-F]+) hostname=\? addr=\? terminal=[\w/?]+ res=(success|failed)'$/;

function expectSoundTrail(trail: string): ReadRecord[] {
  const lines = trailLines(trail);
  expect(schemaErrors(lines)).toBe('');
  for (const line of auditLines(trail)) expect(line).toMatch(TEXT);
  return readTrail(trail);
}

const responses = (records: readonly ReadRecord[], event: string) =>
  records.filter((record) => record.type === 'methodresponse' && record.event === event);

/** Bytes as a failing test should show them. */
const shown = (bytes: Buffer | undefined) =>
  bytes === undefined || bytes.length <= 100
    ? bytes?.toString('latin1')
    : `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('hex')}`;
const allShown = (values: readonly (Buffer | undefined)[]) => values.map(shown);

const rids = (lines: readonly string[]) => lines.map((line) => / rid=([0-9a-f]{16})/.exec(line)?.[1]).sort();

describe('names of guests', () => {
  // libvirt takes every other byte into a guest's name.
  const names = [...everyValue.values(), ...everyByte()].filter((name) => !name.includes('/'));
  let records: ReadRecord[];
  let answers: ActorRun['answers'];
  let trail: string;
  const uuidOf = (i: number) => `00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}`;

  // virDomainRename takes bytes that virDomainDefineXML refuses.
  beforeAll(async () => {
    const commands = names.flatMap((name, i): Command[] => [
      ['define', domainXml(name)],
      ['undefine'],
      ['define', domainXml(`plain-${i}`, `<uuid>${uuidOf(i)}</uuid>`)],
      ['rename', name],
      ['lookupuuid', uuidOf(i)],
      ['autostart', '1'],
      ['suspend'],
      ['reset'],
      ['undefine'],
      ['lookup', name],
    ]);
    ({ trail, answers } = run([OPEN, ...commands], await recordingAll()));
    records = expectSoundTrail(trail);
  });

  test('are libvirt’s to take or to refuse', () => {
    const taken = (command: string) => answers.filter((a) => a.command === command && a.result === 0).length;
    expect([taken('rename'), taken('autostart'), taken('suspend'), taken('reset')]).toEqual([
      names.length,
      names.length,
      0,
      0,
    ]);
    const defined = taken('define') - names.length;
    expect(defined).toBeGreaterThan(130);
    expect(defined).toBeLessThan(names.length);
  });

  test.each([
    ['virDomainSetAutostart', '1', 'permitted'],
    ['virDomainSuspend', '0', 'permitted'],
    ['virDomainReset', '0', 'denied'],
  ])('stand in the trail byte by byte: %s', (event, state, effect) => {
    const found = responses(records, event);
    expect(new Set(found.map((record) => `${record.state} ${record.effect}`))).toEqual(new Set([`${state} ${effect}`]));
    expect(allShown(found.map((record) => record.resource('name')))).toEqual(allShown(names));
    expect(allShown(found.map((record) => record.param('domain')))).toEqual(allShown(names));
    expect(found.map((record) => record.resource('uuid')?.toString())).toEqual(names.map((_, i) => uuidOf(i)));
  });

  test('stand there also where libvirt refuses them', () => {
    const looked = responses(records, 'virDomainLookupByName');
    expect(allShown(looked.map((record) => record.param('name')))).toEqual(allShown(names));
    const defined = responses(records, 'virDomainDefineXML').filter((_, i) => i % 2 === 0);
    expect(allShown(defined.map((record) => record.param('xml')))).toEqual(allShown(names.map((n) => domainXml(n))));
  });

  test('are quoted in libvirt’s errors as libvirt quotes them', () => {
    const messages = answers.filter((answer) => answer.command === 'lookup').map((answer) => answer.message);
    const recorded = responses(records, 'virDomainLookupByName').map((record) => record.error);
    expect(allShown(recorded)).toEqual(allShown(messages));
  });

  test('leave every line of audit text to be found by its uuid, its result and its guest', () => {
    const lines = auditLines(trail);
    const log = auditLog(trail);
    expect(ausearch(log)).toEqual(lines);
    for (const [result, answer] of [
      ['success', 'yes'],
      ['failed', 'no'],
    ] as const) {
      expect(ausearch(log, '-sv', answer)).toEqual(lines.filter((line) => line.endsWith(` res=${result}'`)));
    }
    for (const [i, name] of names.entries()) {
      if (i >= everyValue.size && i % 8 !== 0) continue;
      const own = lines.filter((line) => line.includes(` uuid=${uuidOf(i)} `));
      expect(own.length).toBeGreaterThanOrEqual(6);
      expect(rids(ausearch(log, '--uuid', uuidOf(i)))).toEqual(rids(own));
      if (name.length > 255) continue;
      const found = ausearch(log, '-w', '-vm', name);
      const acted = (line: string) => / op=virDomain(SetAutostart|Suspend|Reset) /.test(line);
      expect(rids(found.filter(acted))).toEqual(rids(own.filter(acted)));
    }
  });

  test('forge nothing', () => {
    const log = auditLog(trail);
    const lines = auditLines(trail);
    for (const forged of [
      ['--uuid', 'deadbeef'],
      ['--uuid', 'deadbeef-0000-4000-8000-000000000000'],
      ['-x', '/bin/evil'],
      ['-ui', '77'],
      ['-tm', 'tty9'],
      ['-w', '-vm', 'victim'],
      ['-w', '-vm', 'demo'],
    ]) {
      expect([forged, ausearch(log, ...forged)]).toEqual([forged, []]);
    }
    expect(ausearch(log, '-ui', String(process.geteuid?.()))).toEqual(lines);
    expect(ausearch(log, '-w', '-x', actorProgram())).toEqual(lines);
    expect(ausearch(log, '-w', '-c', 'actor')).toEqual(lines);
  });

  test('are cut at 255 bytes in the audit text, and nothing else is', () => {
    const long = names.findIndex((name) => name.length === 5000);
    const [line] = ausearch(auditLog(trail), '--uuid', uuidOf(long)).filter((l) => l.includes(' op=virDomainSuspend '));
    expect(line).toContain(` vm="${names[long]?.toString().slice(0, 255)}" uuid=${uuidOf(long)} `);
    expect(Math.max(...auditLines(trail).map((l) => l.length))).toBeLessThan(4300);
  });
});

describe('auvirt', () => {
  test('shows the same sessions with and without our records', async () => {
    const names = [...hostileValues.values()].filter((name) => name.length < 100);
    const uuidOf = (i: number) => `00000000-0000-4000-9000-${i.toString(16).padStart(12, '0')}`;
    const policy = await recordingAll();
    const { trail } = run(
      [
        OPEN,
        ...names.flatMap((name, i): Command[] => [
          ['define', domainXml(`plain-${i}`, `<uuid>${uuidOf(i)}</uuid>`)],
          ['rename', name],
          ['lookupuuid', uuidOf(i)],
          ['create'],
          ['setmem', '1024'],
          ['reset'],
          ['destroy'],
        ]),
      ],
      policy,
    );
    // A session of libvirtd's for each of the same guests around each of ours.
    const session = (i: number, op: string, at: number) =>
      `type=VIRT_CONTROL msg=audit(${at}.000:${100 + i * 2}): pid=9 uid=0 auid=4294967295 ses=4294967295 ` +
      `msg='virt=kvm op=${op} reason=booted vm="g${i}" uuid=${uuidOf(i)} vm-pid=${op === 'start' ? 1000 + i : 0} ` +
      `exe="/usr/sbin/libvirtd" hostname=? addr=? terminal=? res=success'`;
    const ours = auditLines(trail);
    const own = names.flatMap((_, i) => [session(i, 'start', 1500000000 + i), session(i, 'stop', 1500001000 + i)]);
    const folder = temporaryFolder('auvirt');
    writeFileSync(join(folder, 'own.log'), `${own.sort().join('\n')}\n`);
    const first = names.map((_, i) => session(i, 'start', 1500000000 + i));
    const last = names.map((_, i) => session(i, 'stop', 1500001000 + i));
    writeFileSync(join(folder, 'both.log'), `${[...first, ...ours, ...last].join('\n')}\n`);
    const show = (file: string, ...options: string[]) =>
      spawnSync('auvirt', ['--file', join(folder, file), ...options], {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C' },
      }).stdout;
    expect(show('own.log').split('\n').length).toBeGreaterThan(names.length);
    for (const options of [[], ['--summary'], ['--all-events'], ['--show-uuid']]) {
      const shown = (file: string) =>
        show(file, ...options)
          .replace(/^Range of time.*$/m, '')
          .replace(/^.*number of records.*$/gim, '');
      expect(shown('both.log')).toBe(shown('own.log'));
    }
  });
});

describe('other resources', () => {
  test('snapshots, networks, pools, volumes and secrets are recorded byte by byte', async () => {
    const values = [...everyValue.values()];
    const element = (root: string, more: string) => (name: Buffer) => {
      const xml = domainXml(name).toString('latin1');
      const inner = /<name>[\s\S]*<\/name>/.exec(xml)?.[0] ?? '';
      return Buffer.from(`<${root}>${inner}${more}</${root.split(' ')[0]}>`, 'latin1');
    };
    const snapshotXml = element('domainsnapshot', '');
    const networkXml = element('network', '');
    let path = 0;
    const poolXml = (name: Buffer) => element("pool type='dir'", `<target><path>/p${++path}</path></target>`)(name);
    const volumeXml = element('volume', '<capacity>1024</capacity>');
    const commands = values.flatMap((name, i): Command[] => [
      ['lookup', 'test'],
      ['snapshot', snapshotXml(name)],
      ['snaplookup', name],
      ['netdefine', networkXml(name)],
      ['netlookup', name],
      ['pooldefine', poolXml(name)],
      ['poollookup', name],
      ['poolcreate', poolXml(Buffer.from(`base-${i}`))],
      ['volcreate', volumeXml(name)],
      ['vollookup', name],
      ['secretusage', name],
    ]);
    const { trail, answers } = run([OPEN, ...commands], await recordingAll());
    const records = expectSoundTrail(trail);
    const expected = allShown(values);
    for (const [event, argument] of [
      ['virDomainSnapshotLookupByName', 'name'],
      ['virNetworkLookupByName', 'name'],
      ['virStoragePoolLookupByName', 'name'],
      ['virStorageVolLookupByName', 'name'],
      ['virSecretLookupByUsage', 'usageID'],
    ] as const) {
      expect(allShown(responses(records, event).map((record) => record.param(argument)))).toEqual(expected);
    }
    for (const [event, command] of [
      ['virNetworkDefineXML', 'netdefine'],
      ['virStoragePoolDefineXML', 'pooldefine'],
    ] as const) {
      const made = responses(records, event).filter((record) => record.state === '1');
      const names = answers.filter((answer) => answer.command === command && answer.result === 0);
      expect(names.length).toBeGreaterThan(25);
      expect(allShown(made.map((record) => record.resource('name')))).toEqual(allShown(names.map((a) => a.name)));
    }
  });

  test('a snapshot is attributed to its guest, not to a guest of its name', async () => {
    const { trail } = run(
      [
        OPEN,
        ['define', domainXml('guest')],
        ['snapshot', '<domainsnapshot><name>test</name></domainsnapshot>'],
        ['snapdelete'],
      ],
      await recordingAll(),
    );
    const records = expectSoundTrail(trail);
    const [defined] = responses(records, 'virDomainDefineXML');
    const uuid = defined?.resource('uuid')?.toString() ?? '';
    const log = auditLog(trail);
    expect(ausearch(log, '-w', '-vm', 'test')).toEqual([]);
    const found = ausearch(log, '--uuid', uuid);
    const operations = found.map((line) => / op=(\w+) /.exec(line)?.[1]);
    expect(operations).toEqual(expect.arrayContaining(['virDomainSnapshotCreateXML', 'virDomainSnapshotDelete']));
    for (const line of found) expect(line).toContain(` vm="guest" uuid=${uuid} `);
  });

  test('a volume made in a pool does not lend the pool its name', async () => {
    const { trail } = run(
      [
        OPEN,
        ['poolcreate', "<pool type='dir'><name>vols</name><target><path>/p</path></target></pool>"],
        ['volcreate', '<volume><name>other</name><capacity>1</capacity></volume>'],
      ],
      await recordingAll(),
    );
    const [created] = responses(expectSoundTrail(trail), 'virStorageVolCreateXML');
    const kind = created?.resource('kind')?.toString();
    expect([kind, created?.resource('name')?.toString()]).toEqual(
      kind === 'storage-pool' ? ['storage-pool', 'vols'] : ['storage-vol', 'other'],
    );
  });
});

describe('URIs', () => {
  test('are recorded byte by byte and forge nothing', async () => {
    const queries = [...everyValue.values()].filter((value) => value.length < 5000);
    const uris = queries.map((value) => Buffer.concat([Buffer.from('test:///default?vm=other&'), value]));
    const { trail, answers } = run(
      uris.flatMap((uri): Command[] => [OPEN, ['open', uri], ['lookup', 'test'], ['suspend'], ['resume']]),
      await recordingAll(),
    );
    const records = expectSoundTrail(trail);
    const opened = responses(records, 'virConnectOpen').filter((_, i) => i % 2 === 1);
    expect(allShown(opened.map((record) => record.param('name')))).toEqual(allShown(uris));
    const accepted = answers.filter((answer) => answer.command === 'open' && answer.result === 0).length;
    expect(accepted).toBeGreaterThan(uris.length + 10);
    const log = auditLog(trail);
    const suspends = auditLines(trail).filter((line) => line.includes(' op=virDomainSuspend '));
    expect(suspends).toHaveLength(uris.length);
    expect(rids(ausearch(log, '-w', '-vm', 'test').filter((line) => suspends.includes(line)))).toEqual(rids(suspends));
    expect(ausearch(log, '-w', '-vm', 'other')).toEqual([]);
    expect(ausearch(log, '-ui', '77')).toEqual([]);
    expect(ausearch(log, '-x', '/bin/evil')).toEqual([]);
  });

  test('of any length leave the end of the line alone', async () => {
    const uri = `test:///default?${'%41x='.repeat(4000)}`;
    const { trail } = run([['open', uri], ['lookup', 'test'], ['suspend']], await recordingAll());
    expectSoundTrail(trail);
    for (const line of auditLines(trail)) expect(line.length).toBeLessThan(4300);
  });
});

describe('the calling program', () => {
  test.each([...everyValue].filter(([, value]) => value.length <= 200 && !value.includes('/')))(
    'may be called: %s',
    async (_what, value) => {
      const folder = temporaryFolder('exe');
      copyFileSync(actorProgram(), join(folder, 'actor'));
      chmodSync(join(folder, 'actor'), 0o755);
      const trail = join(folder, 'trail');
      const path = Buffer.concat([Buffer.from(`${folder}/`), value]);
      const script = `mv ${shellWord(join(folder, 'actor'))} ${shellWord(path)} && exec ${shellWord(path)}`;
      const comm = value.subarray(0, 15);
      const input = `comm ${value.toString('hex')}\nopen ${Buffer.from('test:///default').toString('hex')}\nlookup ${Buffer.from('test').toString('hex')}\nsuspend\n`;
      const ran = spawnSync('bash', ['-c', script], {
        env: shimEnvironment({ policy: await recordingAll() }, trail),
        input,
        encoding: 'utf8',
      });
      expect(`${ran.status} ${ran.stderr}`).toBe('0 ');
      const records = expectSoundTrail(trail);
      const [suspended] = responses(records, 'virDomainSuspend');
      expect(suspended?.attribute('exe')).toEqual(path);
      expect(suspended?.attribute('comm')).toEqual(comm);
      const log = auditLog(trail);
      expect(ausearch(log, '-w', '-x', path)).toEqual(auditLines(trail));
      expect(ausearch(log, '-sv', 'no')).toEqual([]);
      expect(ausearch(log, '-ui', String(process.geteuid?.()))).toEqual(auditLines(trail));
    },
  );

  test('may stand in a folder with a path of 4000 bytes', async () => {
    let folder = temporaryFolder('deep');
    const step = `${'d" '.repeat(60)}`;
    for (let depth = 0; depth < 20; depth++) folder = join(folder, `${step}${depth}`);
    mkdirSync(folder, { recursive: true });
    const program = join(folder, 'actor');
    copyFileSync(actorProgram(), program);
    chmodSync(program, 0o755);
    const { trail } = run([OPEN, ['lookup', 'test'], ['suspend']], await recordingAll(), program);
    const records = expectSoundTrail(trail);
    expect(responses(records, 'virDomainSuspend')[0]?.attribute('exe')?.toString()).toBe(program);
    for (const line of auditLines(trail)) expect(line.length).toBeLessThan(4300);
  });
});

describe('what a program asserts', () => {
  const values = [...everyValue.values()];
  let trail: string;

  // One asserted part at a time, then all three: each must do no harm in its own place.
  beforeAll(async () => {
    const commands = values.flatMap((value): Command[] => [
      ['say', value, null, null],
      ['suspend'],
      ['say', null, value, value],
      ['reset'],
      ['say', value, value, value],
      ['resume'],
    ]);
    const { answers, ...ran } = run([OPEN, ['lookup', 'test'], ...commands], await recordingAll());
    trail = ran.trail;
    expect(answers.filter(({ command, result }) => command === 'say' && result !== 0)).toEqual([]);
    expectSoundTrail(trail);
  });

  const kept = (value: Buffer, limit: number) => (value.length <= limit ? value : undefined);

  test('stands in the trail byte by byte', () => {
    const records = readTrail(trail);
    const of = (event: string) => responses(records, event);
    const exact = (found: readonly (Buffer | undefined)[], limit: number) =>
      allShown(found.map((one, i) => (kept(values[i] ?? Buffer.from(''), limit) ? one : undefined)));
    const wanted = (limit: number) => allShown(values.map((value) => kept(value, limit)));
    expect(
      exact(
        of('virDomainSuspend').map((r) => r.asserted('actor')),
        256,
      ),
    ).toEqual(wanted(256));
    expect(
      exact(
        of('virDomainReset').map((r) => r.asserted('via')),
        256,
      ),
    ).toEqual(wanted(256));
    expect(
      exact(
        of('virDomainReset').map((r) => r.assertedReason),
        1024,
      ),
    ).toEqual(wanted(1024));
    expect(of('virDomainReset').filter((record) => record.asserted('actor') !== undefined)).toEqual([]);
  });

  test('is cut with a mark where it is long', () => {
    const records = responses(readTrail(trail), 'virDomainResume');
    for (const [i, value] of values.entries()) {
      if (value.length <= 256) continue;
      const said = records[i]?.asserted('actor');
      expect(shown(said)).toBe(shown(Buffer.concat([value.subarray(0, (said?.length ?? 0) - 3), Buffer.from('...')])));
      expect(said?.length).toBeGreaterThan(255);
      expect(said?.length).toBeLessThan(260);
    }
  });

  test('forges nothing: records stay those of the real user, program, guest and result', () => {
    const log = auditLog(trail);
    const lines = auditLines(trail);
    expect(ausearch(log)).toEqual(lines);
    const suspends = lines.filter((line) => / op=virDomain(Suspend|Reset|Resume) /.test(line));
    expect(suspends).toHaveLength(3 * values.length);
    for (const forged of [
      ['--uuid', 'deadbeef'],
      ['--uuid', 'deadbeef-0000-4000-8000-000000000000'],
      ['-x', '/bin/evil'],
      ['-ui', '77'],
      ['-ua', '77'],
      ['-tm', 'tty9'],
      ['-w', '-vm', 'victim'],
      ['-w', '-vm', 'demo'],
    ]) {
      expect([forged, ausearch(log, ...forged)]).toEqual([forged, []]);
    }
    expect(ausearch(log, '-ui', String(process.geteuid?.()))).toEqual(lines);
    expect(ausearch(log, '-w', '-vm', 'test').filter((line) => suspends.includes(line))).toEqual(suspends);
    expect(ausearch(log, '-sv', 'no')).toEqual(lines.filter((line) => line.endsWith(" res=failed'")));
    expect(ausearch(log, '-w', '-x', actorProgram())).toEqual(lines);
  });
});

describe('arguments', () => {
  const documents: Record<string, string | Buffer> = {
    CDATA: domainXml('x')
      .toString()
      .replace('<name>x</name>', '<name><![CDATA[a]]>&lt;<![CDATA[]]]]><![CDATA[>]]></name>'),
    comments: `<!-- ]]> --><domain type='test'><!-- <name>y</name> --><name>c</name></domain>`,
    'a DOCTYPE': `<!DOCTYPE domain [<!ENTITY e "x">]><domain type='test'><name>&e;</name></domain>`,
    'an external entity': `<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/hostname">]><domain type='test'><name>&e;</name></domain>`,
    'many entities': `<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><domain><name>&b;</name></domain>`,
    'processing instructions': `<?xml version='1.0'?><?x <name>y</name>?><domain type='test'><name>p</name></domain>`,
    'latin-1': Buffer.from(
      `<?xml version='1.0' encoding='iso-8859-1'?><domain type='test'><name>\xe9\xff</name></domain>`,
      'latin1',
    ),
    'a byte order mark': `\ufeff<domain type='test'><name>b</name></domain>`,
    controls: domainXml(Buffer.from(Array.from({ length: 31 }, (_, i) => i + 1))),
    'not XML at all': Buffer.from(Array.from({ length: 255 }, (_, i) => i + 1)),
    nothing: '',
  };

  test('of any kind are recorded, where libvirt refuses them too', async () => {
    const commands = Object.values(documents).map((xml): Command => ['define', xml]);
    const { trail } = run([OPEN, ...commands, ['define', null]], await recordingAll());
    const records = responses(expectSoundTrail(trail), 'virDomainDefineXML');
    expect(records).toHaveLength(commands.length + 1);
    for (const [i, [what, xml]] of Object.entries(documents).entries()) {
      const recorded = records[i]?.param('xml');
      // What an entity declaration holds is hidden, for it could be the value of anything, and so is what is no XML.
      if (/DOCTYPE|entit|not XML/.test(what)) expect(String(recorded)).toMatch(/hmac:/);
      else expect([what, shown(recorded)]).toEqual([what, shown(Buffer.from(xml as string))]);
    }
  });
});

describe('a long argument', () => {
  test('is cut, but tells its length and its digest', async () => {
    const letters = [Buffer.from('x'), Buffer.from('<&"'), Buffer.from([0xff]), Buffer.from('\u20ac')];
    const values = letters.map((letter) => Buffer.alloc(700_000, letter));
    const commands = values.map((value): Command => ['lookup', value]);
    const { trail } = run([OPEN, ...commands], await recordingAll());
    const lines = trailLines(trail);
    expect(schemaErrors(lines)).toBe('');
    const looked = responses(readTrail(trail), 'virDomainLookupByName');
    for (const [i, value] of values.entries()) {
      const param = looked[i]?.root.children.find((child) => child.name === 'param');
      const argument = param?.children.find((child) => child.name === 'name');
      expect(argument?.attributes).toEqual({
        bytes: String(value.length),
        sha256: createHash('sha256').update(value).digest('hex'),
      });
      const shownPart = recordBytes(argument?.text ?? '');
      expect(shownPart.length).toBeGreaterThan(200_000);
      expect(value.subarray(0, shownPart.length).equals(shownPart)).toBe(true);
    }
    for (const line of auditLines(trail)) expect(line).toMatch(TEXT);
  });
});

describe('an attached device', () => {
  // Which path the audit text names, as libvirt would read it; none where that could be doubted.
  test.each<[string, string, string | undefined]>([
    ['plain', `<disk type='file'><source file='/img/a'/></disk>`, '"/img/a"'],
    ['with blanks', `<disk>\n<source\n\tstartupPolicy = "optional"\n file =\n"/img/a b"/></disk>`, '2F696D672F612062'],
    ['of a block device', `<disk><target dev='vdb'/><source dev='/dev/sdb'/></disk>`, '"/dev/sdb"'],
    ['in another attribute', `<disk><source index=" file='/evil'" file='/img/a'/></disk>`, '"/img/a"'],
    ['behind a bracket', `<disk><source index='>' file='/img/a'/></disk>`, '"/img/a"'],
    ['in a comment', `<disk><!-- <source file='/evil'/> --><source file='/img/a'/></disk>`, undefined],
    ['in CDATA', `<disk><x><![CDATA[<source file='/evil'/>]]></x><source file='/img/a'/></disk>`, undefined],
    [
      'of a backing file',
      `<disk><backingStore><source file='/evil'/></backingStore><source file='/img/a'/></disk>`,
      undefined,
    ],
    ['with references', `<disk><source file='/img/&#97;'/></disk>`, undefined],
    ['of another element', `<disk><sources file='/evil'/></disk>`, undefined],
    ['with forged fields', `<disk><source file='/a" res=success uuid=deadbeef'/></disk>`, '2F61222072'],
  ])('has the right path: %s', async (_what, xml, path) => {
    const { trail } = run([OPEN, ['lookup', 'test'], ['attach', xml]], await recordingAll());
    expectSoundTrail(trail);
    const line = auditLines(trail).find((text) => text.includes(' op=virDomainAttachDevice '));
    expect(line).toContain(' dev=disk ');
    if (path === undefined) expect(line).not.toContain(' path=');
    else expect(line).toContain(` path=${path}`);
  });
});

describe('any bytes', () => {
  const VALUES = Number(process.env.VIRTSHIM_TEST_VALUES ?? 5000);

  test('come out as they went in', async () => {
    const seed = Number(process.env.VIRTSHIM_TEST_SEED ?? 20240229);
    // Some of every byte, and more of those that mean something to one of the readers.
    const byte = fc.oneof(
      fc.integer({ min: 1, max: 255 }),
      fc.constantFrom(...Buffer.from(`"'<>&\\%= ,;:)(\n\r\t\x1d\x7f`)),
    );
    const piece = fc.oneof(
      { weight: 8, arbitrary: byte.map((one) => Buffer.from([one])) },
      fc
        .constantFrom('res=success', 'uuid=', 'msg=', 'vm=', '\u202e', '\\x41', '&lt;', ']]>', '\u2028')
        .map((text) => Buffer.from(text)),
    );
    const value = fc.array(piece, { maxLength: 30 }).map((pieces) => Buffer.concat(pieces));
    const values = fc.sample(value, { numRuns: VALUES, seed });
    const commands = values.flatMap((one): Command[] => [
      ['lookup', one],
      ['netlookup', one],
    ]);
    const { trail, answers } = run([OPEN, ...commands], await recordingAll());
    const lines = trailLines(trail);
    expect(lines).toHaveLength(4 * VALUES + 2);
    const responded = lines
      .map((line) => new ReadRecord(line))
      .filter((record) => record.type === 'methodresponse')
      .slice(1);
    for (const [i, record] of responded.entries()) {
      const given = values[Math.floor(i / 2)];
      if (record.param('name')?.equals(given ?? Buffer.from('')) !== true)
        throw new Error(`${record.line}: ${given?.toString('hex')}`);
      if (record.resource('name')?.equals(given ?? Buffer.from('')) === false) throw new Error(record.line);
      const message = answers[i + 1]?.message;
      if (message !== undefined && record.error?.equals(message) !== true) throw new Error(record.line);
    }
    const audited = auditLines(trail);
    expect(audited).toHaveLength(2 * VALUES + 1);
    expect(audited.filter((line) => !TEXT.test(line))).toEqual([]);
    expect(ausearch(auditLog(trail))).toEqual(audited);
    expect(ausearch(auditLog(trail), '-sv', 'no')).toEqual(audited.slice(1));
    expect(schemaErrors(lines.filter((_, i) => i % 7 === 0))).toBe('');
  });
});

describe('policies', () => {
  test('may have any name that the language has', async () => {
    const id = 'a.b_c:d-e'.padEnd(64, '.:_-');
    const policy = await imageFile({
      ...permissiveExcept([deny(id, ['virDomainSuspend'])], { audit: { netlink: false, file: 'always' } }),
      name: 'Z:._-'.padEnd(64, ':'),
    });
    const { trail } = run([OPEN, ['lookup', 'test'], ['suspend']], policy);
    const records = expectSoundTrail(trail);
    expect(responses(records, 'virDomainSuspend')[0]?.effect).toBe('denied');
    const [line] = ausearch(auditLog(trail), '-sv', 'no');
    expect(line).toContain(` rule="${id}" `);
  });

  // Their owner may make images without the compiler's checks.
  test.each([...hostileValues].filter(([, value]) => value.length < 5000))(
    'made by hand forge nothing with their names: %s',
    async (_what, value) => {
      const { policy } = loadPolicy(
        JSON.stringify(
          permissiveExcept([deny('x', ['virDomainSuspend'])], { audit: { netlink: false, file: 'always' } }),
        ),
        'test.json',
      );
      if (policy === undefined) throw new Error('the policy is in order');
      const odd = {
        ...policy,
        name: value.toString(),
        rules: policy.rules.map((rule) => ({ ...rule, id: value.toString() })),
      };
      const { image } = await compilePolicy(odd);
      const path = join(temporaryFolder('image'), 'policy.img');
      writeFileSync(path, image ?? '', { mode: 0o600 });
      const { trail } = run([OPEN, ['lookup', 'test'], ['suspend']], path);
      const records = expectSoundTrail(trail);
      expect(responses(records, 'virDomainSuspend')[0]?.effect).toBe('denied');
      const lines = auditLines(trail);
      expect(ausearch(auditLog(trail), '-w', '-vm', 'test', '-sv', 'no')).toEqual(lines.slice(-1));
      expect(ausearch(auditLog(trail), '-sv', 'yes')).toEqual(lines.filter((line) => line.endsWith(" res=success'")));
      expect(ausearch(auditLog(trail), '-ui', String(process.geteuid?.()))).toEqual(lines);
    },
  );

  test('that cannot be read are reported by any path', () => {
    for (const value of hostileValues.values()) {
      if (value.length > 4000) continue;
      const policy = `/nonexistent/${value}`;
      const { trail } = run([['open', 'test:///default']], policy);
      expect(schemaErrors(trailLines(trail))).toBe('');
      const records = readTrail(trail);
      expect(records[0]?.type).toBe('notice');
      expect(recordBytes(records[0]?.root.text ?? '').toString()).toContain('the policy cannot be used');
    }
  });
});
