// Secrets that go through libvirt calls never reach a record, however they are spelled.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect } from '@jest/globals';
import { type ActorRun, act, type Command, domainXml, OPEN } from '../support/actor.js';
import { deny, imageFile, permissiveExcept } from '../support/shim.js';
import { requireTool } from '../support/tools.js';
import { readTrail, schemaErrors, trailLines } from '../support/trail_checks.js';

const test = requireTool('cc', 'xmllint');

// Long enough not to occur by chance, without a letter that hex could hide.
const SECRET = 'QzXkRw7Wv2Ytn';

/** How a reader could still recognise the secret, or most of it. */
function spellings(secret: string): Map<string, Buffer> {
  const bytes = Buffer.from(secret);
  const each = (spell: (byte: number) => string) => [...bytes].map(spell).join('');
  const hex = bytes.toString('hex');
  // Base64 of the secret at each of the three offsets at which it may stand in a longer text.
  const base64 = [0, 1, 2].map((skip) => {
    const text = Buffer.concat([Buffer.alloc(skip), bytes])
      .toString('base64')
      .replace(/=*$/, '');
    return text.slice(Math.ceil((skip * 4) / 3) + 1, -1);
  });
  const texts: Record<string, string> = {
    plain: secret,
    'its first half': secret.slice(0, 7),
    'its second half': secret.slice(-7),
    hex,
    'upper-case hex': hex.toUpperCase(),
    'decimal references': each((byte) => `&#${byte};`),
    'hex references': each((byte) => `&#x${byte.toString(16)};`),
    'escaped decimal references': each((byte) => `&amp;#${byte};`),
    'escaped hex references': each((byte) => `&amp;#x${byte.toString(16)};`),
    'percent signs': each((byte) => `%${byte.toString(16)}`),
    escapes: each((byte) => `\\x${byte.toString(16)}`),
    'upper-case escapes': each((byte) => `\\x${byte.toString(16).toUpperCase()}`),
    'JSON escapes': each((byte) => `u00${byte.toString(16)}`),
    base64: base64[0] ?? '',
    'base64, one on': base64[1] ?? '',
    'base64, two on': base64[2] ?? '',
    'UTF-7': Buffer.from(secret, 'utf16le').swap16().toString('base64').replace(/=*$/, ''),
  };
  return new Map([
    ...Object.entries(texts).map(([what, text]) => [what, Buffer.from(text)] as const),
    ['UTF-16', Buffer.from(secret, 'utf16le')],
  ]);
}

const decimal = [...SECRET].map((c) => `&#${c.charCodeAt(0)};`).join('');
const hexadecimal = [...SECRET].map((c) => `&#x${c.charCodeAt(0).toString(16)};`).join('');
const base64 = Buffer.from(SECRET).toString('base64');
const utf7 = (text: string) => `+${Buffer.from(text, 'utf16le').swap16().toString('base64').replace(/=*$/, '')}-`;
const withDevice = (device: string) => domainXml('x', `<devices>${device}</devices>`);
const define = (device: string): Command => ['define', withDevice(device)];

const cases: Record<string, readonly Command[]> = {
  'graphics password': [define(`<graphics type='vnc' passwd='${SECRET}'/>`)],
  'odd spacing': [define(`<graphics type='spice'\n\tpasswd \r\n=\t"${SECRET}"/>`)],
  'upper case': [define(`<graphics type='vnc' PASSWD='${SECRET}' Password='${SECRET}'/>`)],
  'decimal references': [define(`<graphics type='vnc' passwd='${decimal}'/>`)],
  'hex references': [define(`<graphics type='vnc' passwd="${hexadecimal}"/>`)],
  'a reference in the middle': [define(`<graphics type='vnc' passwd='&#x41;${SECRET}&amp;'/>`)],
  'in CDATA': [define(`<x><![CDATA[<graphics passwd='${SECRET}'/>]]></x>`)],
  'in a comment': [define(`<!-- <graphics type='vnc' passwd='${SECRET}'/> -->`)],
  'in a comment, in quotes of the other kind': [define(`<!-- passwd="it's ${SECRET}" -->`)],
  'in an entity': [
    ['define', `<!DOCTYPE d [<!ENTITY p "${SECRET}">]>${withDevice("<graphics type='vnc' passwd='&p;'/>")}`],
  ],
  'in an entity behind a system identifier': [
    [
      'define',
      `<!DOCTYPE d SYSTEM "a>b" [<!ENTITY p "${SECRET}">]>${withDevice("<graphics type='vnc' passwd='&p;'/>")}`,
    ],
  ],
  'in an attribute default': [
    ['define', `<!DOCTYPE d [<!ATTLIST graphics passwd CDATA "${SECRET}">]>${withDevice("<graphics type='vnc'/>")}`],
  ],
  'in UTF-7': [
    [
      'define',
      `<?xml version='1.0' encoding='UTF-7'?>${withDevice(`<graphics type='vnc' ${utf7(`passwd="${SECRET}"`)}/>`)}`,
    ],
    [
      'define',
      `<?xml version="1.0" encoding="UTF-7" standalone='utf-8'?><d>${utf7(SECRET)} ${utf7(`passwd='${SECRET}'`)}</d>`,
    ],
  ],
  'with a byte order mark': [['define', `\ufeff${withDevice(`<graphics type='vnc' passwd='${SECRET}'/>`)}`]],
  'in XML that does not parse': [
    ['define', `<domain><devices><graphics passwd='${SECRET}'`],
    ['define', `<domain><devices><graphics passwd=${SECRET}/></devices></domain>`],
    ['define', `<domain><graphics passwd='${SECRET}'></domain>`],
    ['define', `<domain>\n<graphics passwd='${SECRET}' <\n</domain>`],
    ['define', `passwd='${SECRET}'`],
    ['define', `${withDevice(`<graphics type='vnc' passwd='${SECRET}'/>`)}trailing`],
  ],
  'a password that XML’s errors quote': [
    define(`<graphics type='vnc' passwd='${SECRET}&bad;'/>`),
    define(`<graphics type='vnc' passwd='${SECRET}<'/>`),
    define(`<graphics type='vnc' passwd='${SECRET}' passwd='${SECRET}'/>`),
    define(`<graphics type='vnc' passwd='\x01${SECRET}'/>`),
    define(`<graphics type='vnc' passwd='${SECRET}' passwdValidTo='${SECRET}'/>`),
  ],
  'iSCSI and Ceph': [
    define(`<disk type='network'><auth username='u'><secret type='iscsi' usage='x'/></auth></disk>`),
    [
      'pooldefine',
      `<pool type='iscsi'><name>p</name><source><auth type='chap' username='u' passwd='${SECRET}'/></source></pool>`,
    ],
    [
      'poolcreate',
      `<pool type='iscsi'><name>p</name><source><auth type='chap' login='u' passwd='${decimal}'/></source></pool>`,
    ],
  ],
  cookies: [
    define(`<disk><source protocol='https'><cookies><cookie name='c'>${SECRET}</cookie></cookies></source></disk>`),
    define(`<disk><source><cookies><cookie name='c'><![CDATA[${SECRET}]]></cookie></cookies></source></disk>`),
    define(`<disk><source><cookies><cookie name='c'><!-- x -->${SECRET}</cookie></cookies></source></disk>`),
    define(`<disk><source><cookies><cookie name='c'><?x y?>${SECRET}</cookie></cookies></source></disk>`),
    define(`<disk><source><cookies><cookie name='c'>a<x/>${SECRET}</cookie></cookies></source></disk>`),
    define(`<disk><source><cookies><cookie name='c'>${decimal}</cookie></cookies></source></disk>`),
  ],
  'content of an element': [
    define(`<password>${SECRET}</password>`),
    define(`<x:passphrase xmlns:x='urn:x' a='>'>${SECRET}</x:passphrase>`),
    define(`<password\n>\n${SECRET}\n</password\n>`),
    define(`<PassWord>${SECRET}</PassWord>`),
    define(`<password><inner>${SECRET}</inner></password>`),
  ],
  'qemu’s command line': [
    define(
      `<qemu:commandline xmlns:qemu='urn:q'><qemu:arg value='-object'/><qemu:arg value='secret,id=s,data=${SECRET}'/></qemu:commandline>`,
    ),
    define(`<qemu:commandline xmlns:qemu='urn:q'><qemu:env name='VNC_PASSWORD' value='${SECRET}'/></qemu:commandline>`),
    define(`<qemu:commandline xmlns:qemu='urn:q'><qemu:env value='${SECRET}' name='API_TOKEN'/></qemu:commandline>`),
    define(`<q:commandline xmlns:q='urn:q'><q:arg value='-password'/><q:arg value='${SECRET}'/></q:commandline>`),
  ],
  'an attached device': [
    ['attach', `<graphics type='vnc' passwd='${SECRET}'/>`],
    ['attach', `<disk type='file'><source file='/x'/><auth username='u' passwd="${SECRET}"/></disk>`],
  ],
  'a path that is a whole configuration': [
    ['attach', `<disk type='file'><source file='json:{"driver":"https","password":"${SECRET}"}'/></disk>`],
    ['attach', `<disk type='file'><source file='nbd://user:${SECRET}@host/x'/></disk>`],
    ['attach', `<disk type='file'><source file="json:{&quot;cookie&quot;:&quot;${SECRET}&quot;}"/></disk>`],
  ],
  metadata: [
    ['metadata', `<k:x xmlns:k='urn:k' password='${SECRET}'/>`],
    ['metadata', `<password>${SECRET}</password>`],
  ],
  'a user’s password': [
    ['setpassword', 'root', SECRET],
    ['setpassword', 'root', `x${SECRET}\n"`],
    ['setpassword', SECRET.slice(0, 3), SECRET],
  ],
  'a secret’s value': [
    ['secret', SECRET],
    ['secret', base64],
  ],
  'launch security': [
    ['launchsecret', 'sev-secret', base64],
    ['launchsecret', 'sev-secret-header', SECRET],
    ['launchsecret', 'SEV_PASSWORD', SECRET],
  ],
  'QMP commands': [
    ['monitor', `{"execute":"set_password","arguments":{"protocol":"vnc","password":"${SECRET}"}}`],
    ['monitor', `{"execute":"set_password","arguments":{"protocol":"vnc","pass\\u0077ord":"${SECRET}"}}`],
    ['monitor', `{"execute":"change-vnc-password","arguments":{ "password" : "a\\"${SECRET}" }}`],
    ['monitor', `{'execute':'object-add','arguments':{'qom-type':'secret','id':'s','data':'${SECRET}'}}`],
    ['monitor', `{"execute":"object-add","arguments":{"props":{"data":"${base64}","format":"base64"}}}`],
    ['monitor', `{"execute":"block_passwd","arguments":{"password":["${SECRET}"]}}`],
    ['monitor', `{"execute":"x","arguments":{"password":"${SECRET}`],
  ],
  'commands for people': [
    ['monitor', `set_password vnc ${SECRET}`, '1'],
    ['monitor', `set_password -d disp vnc ${SECRET}`, '1'],
    ['monitor', `set_password vnc ${SECRET} keep`, '1'],
    ['monitor', `change vnc password ${SECRET}`, '1'],
    ['monitor', `change  vnc\tpassword\t${SECRET}`, '1'],
    ['monitor', `object_add secret,id=s0,data=${SECRET},format=raw`, '1'],
    ['monitor', `object_add secret,id=s0,data=a,,${SECRET}`, '1'],
    ['monitor', `block_passwd drive0 ${SECRET}`, '1'],
    ['monitor', `{"execute":"human-monitor-command","arguments":{"command-line":"set_password vnc ${SECRET}"}}`],
    ['monitor', `{"execute":"human-monitor-command","arguments":{"command-line":"change vnc password ${SECRET}"}}`],
    ['monitor', `drive_add 0 file.url=https://x,file.password-secret=s,file.cookie=${SECRET}`, '1'],
  ],
  'agent commands': [
    [
      'agent',
      `{"execute":"guest-set-user-password","arguments":{"username":"root","password":"${base64}","crypted":false}}`,
    ],
    ['agent', `{"execute":"guest-exec","arguments":{"path":"/bin/sh","arg":["--password","${SECRET}"]}}`],
    [
      'agent',
      `{"execute":"guest-exec","arguments":{"path":"/bin/sh","arg":["--password=${SECRET}"],"input-data":"${base64}"}}`,
    ],
    ['agent', `{"execute":"guest-exec","arguments":{"path":"x","env":["PASSWORD=${SECRET}"]}}`],
    ['agent', `{"execute":"guest-file-write","arguments":{"handle":1,"buf-b64":"${base64}"}}`],
  ],
  'native configurations': [
    ['native', `qemu -vnc :1,password=${SECRET} -object secret,id=s,data=${SECRET}`],
    ['native', `qemu -spice password=${SECRET},port=1`],
  ],
  URIs: [
    ['open', `qemu+ssh://user:${SECRET}@host.invalid/system`],
    ['open', `test://user:${SECRET}@host/default`],
    ['open', `test+ssh://user:a%40${SECRET}@[::1]:22/default`],
    ['open', `xx://:${SECRET}@host/`],
    ['open', `xx://user:pa/${SECRET}@host/`],
    ['open', `xx://user:pa?${SECRET}@host/`],
    ['open', `xx://user:pa#${SECRET}@host/`],
    ['open', `xx://user:pa"${SECRET}@host/`],
    ['open', `xx://user:pa '${SECRET}@host/`],
    ['open', `xx://user:a@b:${SECRET}@host/`],
    ['open', `xx://host/?password=${SECRET}&auth=${SECRET.slice(0, 2)}`],
    ['open', `xx://host/?sshauth=password;passwd=${SECRET}`],
    ['openro', `xx:///x?token=${SECRET}`],
    ['openauth', `xx://user:${SECRET}@host/`, '0'],
    ['migrate', null, `qemu+ssh://user:${SECRET}@host/system`],
    ['open', 'test:///default'],
  ],
};

describe('a secret', () => {
  const trails = new Map<string, { run: ActorRun; events: number }>();

  beforeAll(async () => {
    const policy = await imageFile(
      permissiveExcept([], { audit: { netlink: false, file: 'always', levels: { 'vir*': 'request-response' } } }),
    );
    for (const [what, commands] of Object.entries(cases)) {
      const run = act([OPEN, ['lookup', 'test'], ...commands], { policy });
      expect([what, run.status, run.answers.length]).toEqual([what, 0, commands.length + 2]);
      trails.set(what, { run, events: commands.length });
    }
  });

  test.each(Object.keys(cases))('is nowhere in the trail: %s', (what) => {
    const { run, events } = trails.get(what) ?? { run: { trail: '', answers: [] }, events: 0 };
    const lines = trailLines(run.trail);
    expect(schemaErrors(lines)).toBe('');
    const recorded = readTrail(run.trail).filter((record) => record.type === 'methodresponse');
    expect(recorded.length).toBeGreaterThanOrEqual(events + 2);
    const leaks: string[] = [];
    for (const file of readdirSync(run.trail)) {
      const content = readFileSync(join(run.trail, file));
      for (const [how, spelling] of spellings(SECRET)) {
        const at = content.indexOf(spelling);
        if (at >= 0)
          leaks.push(`${file}, ${how}: ${content.subarray(Math.max(0, at - 90), at + 30).toString('latin1')}`);
      }
    }
    expect(leaks).toEqual([]);
  });

  test('is found by this search where nothing hides it', () => {
    const found = [...spellings(SECRET)].filter(([how, spelling]) => {
      const samples = [
        SECRET,
        decimal,
        base64,
        Buffer.from(SECRET).toString('hex'),
        Buffer.from(SECRET, 'utf16le'),
        utf7(SECRET),
      ];
      return samples.some((sample) => Buffer.from(sample as string).includes(spelling)) && how !== '';
    });
    expect(found.map(([how]) => how)).toEqual(
      expect.arrayContaining(['plain', 'its first half', 'hex', 'decimal references', 'base64', 'UTF-16', 'UTF-7']),
    );
  });

  test('leaves the same digest wherever it is the same', () => {
    const { trail } = trails.get('a user’s password')?.run ?? { trail: '' };
    const digests = readTrail(trail).map((record) => String(record.param('password') ?? ''));
    const [first, , , , third] = digests.filter((digest) => digest.startsWith('hmac:'));
    expect(first).toMatch(/^hmac:[0-9a-f]{16}$/);
    expect(third).toBe(first);
    expect(new Set(digests.filter((digest) => digest !== '')).size).toBe(2);
  });
});

describe('keys that are pressed', () => {
  test('are not told, for they may type a password', async () => {
    const policy = await imageFile(
      permissiveExcept([], { audit: { netlink: false, levels: { 'vir*': 'request-response' } } }),
    );
    const { trail } = act([OPEN, ['lookup', 'test'], ['sendkey']], { policy });
    const [pressed] = readTrail(trail).filter((record) => record.event === 'virDomainSendKey');
    expect(String(pressed?.param('keycodes'))).toMatch(/^hmac:[0-9a-f]{16}$/);
    expect(String(pressed?.param('nkeycodes'))).toBe('3');
  });
});

describe('long arguments', () => {
  // Made so that whoever looks for the end of something from each beginning looks at the whole text each time.
  const repeated = (text: string) => text.repeat(Math.ceil(400_000 / text.length));
  const long: readonly Command[] = [
    ['define', `<d>${repeated('<secret>')}`],
    ['define', `<d>${repeated('<secret>')}${repeated('</a>')}`],
    ['define', `<d>${repeated('<secret ')}`],
    ['define', `<d>${repeated('<password ')}`],
    ['define', `<d>${repeated('<cookie>')}${repeated('</cookies>')}`],
    ['define', `<d>${repeated('<env ')}`],
    ['define', `<d>${repeated('<env "')}`],
    ['define', `<d>${repeated('<arg value="a')}`],
    ['define', `<d>${repeated('://')}@`],
    ['define', `<d>${repeated('://[')}@`],
    ['define', `<d>${repeated('://a/')}@`],
    ['define', `<d>${repeated('://:a/')} @`],
    ['open', `a${repeated('://:@')}`],
    ['open', `a${repeated('://a:b')}@`],
    ['define', `<d>${repeated('password=')}`],
    ['define', `<d>${repeated('password ')}`],
    ['define', `<d>${repeated('passwd=&quot;\\')}`],
    ['define', repeated('<!DOCTYPE ')],
    ['define', `${repeated('<!DOCTYPE ')}[`],
    ['define', `${repeated(`<!DOCTYPE '`)}>`],
    ['define', repeated('<?')],
    ['monitor', repeated('{"password":')],
    ['monitor', repeated('"password",')],
    ['monitor', repeated('{"key":[')],
    ['monitor', repeated('password ')],
    ['attach', `<disk>${repeated('<source ')}`],
    ['attach', `<disk><source ${repeated('a="b" ')}`],
  ];

  test('are recorded in time', async () => {
    const policy = await imageFile(
      permissiveExcept([deny('x', ['virDomainReset'], ['x'])], {
        audit: { netlink: false, file: 'always', levels: { 'vir*': 'request-response' } },
      }),
    );
    const commands: Command[] = [OPEN, ['lookup', 'test'], ...long];
    const begin = Date.now();
    act(commands, { shim: false });
    const bare = Date.now() - begin;
    const run = act(commands, { policy });
    expect(run.answers).toHaveLength(commands.length);
    expect(Date.now() - begin - bare).toBeLessThan(5 * bare + 5000);
  });
});

describe('what is no secret', () => {
  test('stays readable', async () => {
    const policy = await imageFile(
      permissiveExcept([], { audit: { netlink: false, levels: { 'vir*': 'request-response' } } }),
    );
    const xml = withDevice(
      `<graphics type='vnc' port='5901' passwd='${SECRET}'/><disk><source file='/img/a.qcow2'/></disk>`,
    );
    const { trail } = act([OPEN, ['define', xml], ['open', 'qemu+ssh://admin@host.invalid:22/system?no_tty=1']], {
      policy,
    });
    const records = readTrail(trail);
    const recorded = String(records.find((record) => record.event === 'virDomainDefineXML')?.param('xml'));
    expect(recorded.replace(/hmac:[0-9a-f]{16}/, SECRET)).toBe(String(xml));
    const opened = records.filter((record) => record.event === 'virConnectOpen').at(-1);
    expect(String(opened?.param('name'))).toBe('qemu+ssh://admin@host.invalid:22/system?no_tty=1');
  });
});
