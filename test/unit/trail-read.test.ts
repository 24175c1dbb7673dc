import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  bytesToText,
  parseRecord,
  readTrail,
  type TrailLine,
  textToBytes,
  unescapeValue,
} from '../../src/trail/index.js';
import { emit, writeCalls } from '../support/trail_writer.js';

const folders: string[] = [];
const kept = (dir: string) => {
  folders.push(dir);
  return dir;
};
afterAll(() => {
  for (const dir of folders) rmSync(dir, { recursive: true });
});

/** What a descriptor is open on; it may be closed by now. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

async function read(dir: string): Promise<TrailLine[]> {
  const lines: TrailLine[] = [];
  for await (const line of readTrail(dir)) lines.push(line);
  return lines;
}

const ROOT_ATTRIBUTES =
  'rid="5f3a0c9be1d27704" seq="7" time="2026-11-23T05:30:01.123456789Z" pid="1" tid="2" uid="3" auid="4294967295" ' +
  `ses="4294967295" comm="virsh" exe="/usr/bin/virsh" chain="${'0'.repeat(64)}"`;

describe('a record', () => {
  test('is read with all that it says', () => {
    const record = parseRecord(
      `<methodresponse ${ROOT_ATTRIBUTES}><event>virDomainAttachDeviceFlags</event>` +
        '<decision effect="permitted" rule="r">rule `r`</decision><connection driver="qemu" uri="qemu:///system" ' +
        'readonly="0"/><resource kind="domain" name="a\\\\b" uuid="u"/><param><domain>a\\\\b</domain><xml>&lt;disk/>' +
        '\\x0A</xml><flags>1</flags><params><field name="x" type="int">1</field></params><keys><item>a</item>' +
        '<item null="1"/></keys><out out="1"/></param><state>0</state><result>-1</result>' +
        '<error code="55" domain="10">no</error><duration>12</duration></methodresponse>',
    );
    expect(record).toEqual({
      type: 'methodresponse',
      rid: '5f3a0c9be1d27704',
      seq: 7,
      time: '2026-11-23T05:30:01.123456789Z',
      pid: 1,
      tid: 2,
      uid: 3,
      auid: 4294967295,
      ses: 4294967295,
      comm: 'virsh',
      exe: '/usr/bin/virsh',
      nested: false,
      chain: '0'.repeat(64),
      event: 'virDomainAttachDeviceFlags',
      success: false,
      decision: { effect: 'permitted', rule: 'r', reason: 'rule `r`' },
      connection: { driver: 'qemu', uri: 'qemu:///system', readOnly: false },
      resource: { kind: 'domain', name: 'a\\b', uuid: 'u' },
      params: [
        { name: 'domain', attributes: {}, text: 'a\\b', items: [] },
        { name: 'xml', attributes: {}, text: '<disk/>\n', items: [] },
        { name: 'flags', attributes: {}, text: '1', items: [] },
        { name: 'params', attributes: {}, text: '', items: [{ name: 'x', type: 'int', value: '1' }] },
        { name: 'keys', attributes: {}, text: '', items: [{ value: 'a' }, {}] },
        { name: 'out', attributes: { out: '1' }, text: '', items: [] },
      ],
      result: { attributes: {}, text: '-1', items: [] },
      error: { code: 55, domain: 10, message: 'no' },
      durationNs: 12,
    });
  });

  test('of an attempt has no outcome, one of a notice no call', () => {
    const call = parseRecord(
      `<methodcall ${ROOT_ATTRIBUTES}><event>virDomainSuspend</event><decision effect="denied"/></methodcall>`,
    );
    expect(call.success).toBeUndefined();
    expect(call.decision).toEqual({ effect: 'denied', reason: '' });
    const notice = parseRecord(`<notice ${ROOT_ATTRIBUTES} kind="policy-broken">it is &amp; gone</notice>`);
    expect(notice.notice).toEqual({ kind: 'policy-broken', text: 'it is & gone' });
    expect(notice.event).toBeUndefined();
  });

  test.each([
    ['', 'column 0: document must contain a root element'],
    ['<methodcall', 'column 11: document must contain a root element'],
    ['<virsh/>', '`virsh` is not a record'],
    ['<methodcall/>', '<methodcall> has no `rid`'],
    [`<methodcall ${ROOT_ATTRIBUTES.replace('"7"', '"x"')}/>`, '`x` is not a number'],
    [`<methodcall ${ROOT_ATTRIBUTES}/>`, '<methodcall> has no <event>'],
    [
      `<methodcall ${ROOT_ATTRIBUTES}><event>e</event><decision effect="maybe"/></methodcall>`,
      '`maybe` is not an effect',
    ],
  ])('that is none says so: %s', (line, message) => {
    expect(() => parseRecord(line)).toThrow(message);
  });
});

describe('values', () => {
  test('of any bytes come back from a trail as they were', async () => {
    const bytes = Buffer.from(Array.from({ length: 255 }, (_, index) => index + 1));
    const values = [bytes, Buffer.from('\\x0A'), Buffer.from('Gäst €🐧'), Buffer.from([0xed, 0xa0, 0x80])];
    const lines = await read(kept(emit(values)));
    const names = lines.map(({ record }) => textToBytes(record?.resource?.name ?? ''));
    expect(names.map((name) => name.toString('hex'))).toEqual(values.map((value) => value.toString('hex')));
  });

  test('of any bytes survive as text', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(textToBytes(bytesToText(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test('keep a backslash that is no escape', () => {
    expect(unescapeValue('a\\\\x41\\x41\\x4')).toBe('a\\x41A\\x4');
  });
});

describe('a trail', () => {
  test('is read in the order of its records, whatever its files are called', async () => {
    const dir = kept(emit(['one']));
    renameSync(join(dir, 'trail.xml'), join(dir, 'trail.xml-20261123'));
    writeCalls(1, 1, 1, dir);
    renameSync(join(dir, 'trail.xml'), join(dir, 'trail.xml.1'));
    writeCalls(1, 1, 1, dir);
    expect((await read(dir)).map(({ record }) => record?.seq)).toEqual([1, 2, 3, 4, 5]);
  });

  test('tells lines that are no records, with their place', async () => {
    const dir = kept(emit(['one', 'two']));
    const [first = '', second = ''] = (await read(dir)).map(({ raw }) => raw.toString());
    writeFileSync(join(dir, 'trail.xml'), `${first}\nrubbish\n\n${second}`);
    const lines = await read(dir);
    expect(lines.map(({ line, problem }) => [line, problem])).toEqual([
      [1, undefined],
      [2, expect.stringContaining('column')],
      [4, 'the line is incomplete'],
    ]);
  });

  test('is read no faster than its lines are taken, and closed when no more are', async () => {
    const dir = kept(emit(['one']));
    const [line = ''] = (await read(dir)).map(({ raw }) => raw.toString());
    writeFileSync(join(dir, 'trail.xml'), `${line}\n`.repeat(60_000));
    const position = () => {
      const fds = readdirSync('/proc/self/fd').filter((fd) => linkOf(fd) === join(dir, 'trail.xml'));
      return fds.map((fd) => Number(/pos:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]));
    };
    for await (const { record } of readTrail(dir)) {
      expect(record?.seq).toBe(1);
      await new Promise((resume) => setTimeout(resume, 100));
      const [read = Number.NaN, ...others] = position();
      expect(others).toEqual([]);
      expect(read).toBeLessThan(statSync(join(dir, 'trail.xml')).size / 4);
      break;
    }
    expect(position()).toEqual([]);
  });

  test('keeps what it handed out, however much is read after that', async () => {
    const dir = kept(writeCalls(1, 2, 4000));
    const lines = await read(dir);
    expect(`${lines.map(({ raw }) => raw.toString()).join('\n')}\n`).toBe(readFileSync(join(dir, 'trail.xml'), 'utf8'));
  });

  test.each(['', 'node=a '])('is no audit log: %jtype=', async (node) => {
    const dir = kept(mkdtempSync(join(tmpdir(), 'trail-read-')));
    const file = join(dir, 'audit.log');
    writeFileSync(file, `${node}type=DAEMON_START msg=audit(1.002:3): op=start\n`);
    const said = (path: string) => `\`virtshim report --timeline --file ${path}\` shows the calls in an audit log`;
    await expect(read(file)).rejects.toMatchObject({
      ...{ code: 'VIRTSHIM_TRAIL_MISSING', message: `\`${file}\` is an audit log, not a trail`, hint: said(file) },
    });
    await expect(read(dir)).rejects.toMatchObject({
      ...{ message: `no trail in \`${dir}\``, hint: `name the folder that holds trail.xml; ${said(dir)}` },
    });
  });

  test('that is not there is a coded error', async () => {
    const dir = kept(mkdtempSync(join(tmpdir(), 'virtshim-none-')));
    await expect(read(dir)).rejects.toMatchObject({ code: 'VIRTSHIM_TRAIL_MISSING' });
    await expect(read(join(dir, 'x'))).rejects.toMatchObject({ code: 'VIRTSHIM_TRAIL_MISSING' });
  });
});
