// Guests in XML that wants to be read in two ways, or to be too much: what libvirt makes of each, it says itself.

/** Where disks may be, and where none may be. */
export const decoy = '/images/a';
export const secret = '/secret/key';

const head = '<name>x</name><memory>8192</memory><os><type>hvm</type></os>';

export const disk = (inner: string) => `<disk type='file' device='disk'>${inner}<target dev='vda'/></disk>`;
export const guestOf = (devices: string, attributes = '', before = '') =>
  `${before}<domain type='test' ${attributes}>${head}<devices>${devices}</devices></domain>`;
const sourceOf = (path: string) => `<source file='${path}'/>`;
const plain = guestOf(disk(sourceOf(secret)));
const doctype = (subset: string, devices: string) => guestOf(devices, '', `<!DOCTYPE domain [${subset}]>`);
const declared = (encoding: string) => `<?xml version='1.0' encoding='${encoding}'?>${plain}`;

function inUtf16(text: string, bigEndian: boolean): Buffer {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return bigEndian ? bytes.swap16() : bytes;
}

/** Bytes that stand for `/` or `s` to a lenient reader. */
function withBytes(bytes: readonly number[]): Buffer {
  const [before = '', after = ''] = plain.split(secret);
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(`ecret/key${after}`)]);
}

/** Documents that hold the secret path in some disguise, most of them beside the decoy. */
export const disguises: Readonly<Record<string, string | Buffer>> = {
  plain,
  'character references': guestOf(disk("<source file='&#x2f;s&#101;cret&#47;key'/>")),
  'dots and slashes': guestOf(disk(sourceOf('/images/..//./secret/key'))),
  'blanks around a path': guestOf(disk(sourceOf(` ${secret} `))),
  'two sources, the decoy first': guestOf(disk(sourceOf(decoy) + sourceOf(secret))),
  'two sources, the decoy last': guestOf(disk(sourceOf(secret) + sourceOf(decoy))),
  'two lists of devices': guestOf(
    `${disk(sourceOf(decoy))}</devices><devices>${disk(sourceOf(secret)).replace('vda', 'vdb')}`,
  ),
  'a guest in a guest': guestOf(disk(sourceOf(decoy)), '', '').replace('</domain>', `${plain}</domain>`),
  'a comment beside': guestOf(disk(`<!-- ${sourceOf(decoy)} -->${sourceOf(secret)}`)),
  'a comment that ends late': guestOf(disk(`<!-->${sourceOf(decoy)}-->${sourceOf(secret)}`)),
  'a processing instruction': guestOf(disk(`<?x ${sourceOf(decoy)}?>${sourceOf(secret)}`)),
  'CDATA that looks like a source': guestOf(disk(`<![CDATA[${sourceOf(decoy)}]]>${sourceOf(secret)}`)),
  'a prefix before the element': guestOf(disk(`<x:source file='${secret}'/>`), "xmlns:x='urn:x'"),
  'a prefix, and the decoy': guestOf(disk(`<x:source file='${secret}'/>${sourceOf(decoy)}`), "xmlns:x='urn:x'"),
  'the decoy, and a prefix': guestOf(disk(`${sourceOf(decoy)}<x:source file='${secret}'/>`), "xmlns:x='urn:x'"),
  'a namespace of its own': guestOf(disk(`<source xmlns='urn:x' file='${secret}'/>`)),
  'a namespace for all': guestOf(disk(sourceOf(secret)), "xmlns='urn:x'"),
  "libvirt's namespace for all": guestOf(disk(sourceOf(secret)), "xmlns='http://libvirt.org/schemas/domain/qemu/1.0'"),
  "libvirt's namespace for devices": guestOf('', "xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'").replace(
    '<devices>',
    `<q:devices>${disk(sourceOf(secret))}</q:devices><devices>`,
  ),
  'a prefix before the attribute': guestOf(disk(`<source x:file='${secret}'/>`), "xmlns:x='urn:x'"),
  'an attribute with and without': guestOf(disk(`<source x:file='${secret}' file='${decoy}'/>`), "xmlns:x='urn:x'"),
  'an attribute without and with': guestOf(disk(`<source file='${decoy}' x:file='${secret}'/>`), "xmlns:x='urn:x'"),
  'an attribute twice': guestOf(disk(`<source file='${decoy}' file='${secret}'/>`)),
  'a default of the internal subset': doctype(`<!ATTLIST source file CDATA '${secret}'>`, disk('<source/>')),
  'a fixed default': doctype(`<!ATTLIST source file CDATA #FIXED '${secret}'>`, disk('<source/>')),
  'an entity': doctype(`<!ENTITY e '${secret}'>`, disk("<source file='&e;'/>")),
  'an entity of entities': doctype("<!ENTITY s '/secret'><!ENTITY e '&s;/key'>", disk("<source file='&e;'/>")),
  'an element in an entity': doctype(`<!ENTITY e "${sourceOf(secret)}">`, disk(`&e;${sourceOf(decoy)}`)),
  'a parameter entity': doctype(`<!ENTITY % p "<!ATTLIST source file CDATA '${secret}'>">%p;`, disk('<source/>')),
  'an entity that is not there': guestOf(disk("<source file='/secret&nothing;/key'/>")),
  'a document type in lower case': guestOf(disk(sourceOf(secret)), '', '<!doctype domain>'),
  'a document type in a comment': guestOf(disk(sourceOf(secret)), '', '<!-- <!DOCTYPE -->'),
  'an empty document type': guestOf(disk(sourceOf(secret)), '', '<!DOCTYPE domain>'),
  'two roots': `${guestOf(disk(sourceOf(decoy)))}${plain}`,
  'text behind the root': `${plain}x`,
  'text before the root': `x${plain}`,
  'blanks before the root': `\n \t${plain}`,
  'blanks before the declaration': ` ${declared('UTF-8')}`,
  'no end': plain.slice(0, -3),
  'NUL behind the root': `${plain}\0${guestOf(disk(sourceOf(decoy)))}`,
  'NUL within': plain.replace(secret, `${secret}\0`),
  'a reference to NUL': guestOf(disk("<source file='/secret/key&#0;'/>")),
  'a reference to half a character': guestOf(disk("<source file='/secret/key&#xD800;'/>")),
  'XML 1.1': `<?xml version='1.1'?>${plain}`,
  'XML 9.9': `<?xml version='9.9'?>${plain}`,
  'xml:base': guestOf(disk(`<source xml:base='/secret/' file='key'/>`)),
  XInclude: guestOf(
    disk("<xi:include href='file:///etc/hostname' parse='text'/>"),
    "xmlns:xi='http://www.w3.org/2001/XInclude'",
  ),
  metadata: guestOf(disk(sourceOf(decoy))).replace(
    '<devices>',
    `<metadata>${disk(sourceOf(secret))}</metadata><devices>`,
  ),
  'UTF-8, said': declared('UTF-8'),
  'UTF-8, said with a mark': `\ufeff${declared('utf-8')}`,
  'UTF-16, little end first': inUtf16(plain, false),
  'UTF-16, big end first': inUtf16(plain, true),
  'UTF-16, said but not so': declared('UTF-16'),
  'UTF-16, said with a mark of UTF-8': `\ufeff${declared('UTF-16')}`,
  'UTF-7': declared('UTF-7').replace(secret, '+AC8-secret+AC8-key'),
  'Latin 1': declared('ISO-8859-1'),
  'Windows 1252': declared('windows-1252'),
  'Shift-JIS': declared('Shift_JIS'),
  'UTF-32, said but not so': declared('UCS-4'),
  'EBCDIC, said but not so': declared('EBCDIC-CP-US'),
  HTML: declared('HTML'),
  'an encoding that nobody knows': declared('X-NOBODY'),
  'an encoding in the version': `<?xml version='encoding="UTF-8"' encoding='ISO-8859-1'?>${plain}`,
  'an encoding twice': `<?xml version='1.0' encoding='UTF-8' encoding='UTF-7'?>${plain}`,
  'overlong bytes': withBytes([0xc0, 0xaf, 0x73]),
  'a byte of Latin 1': withBytes([0x2f, 0x73, 0xe9]),
  'half a surrogate pair': withBytes([0xed, 0xa0, 0x80, 0x2f, 0x73]),
  'a byte too many': withBytes([0x2f, 0x73, 0xff]),
};

/** Documents of which each alone would take much time, memory or stack. `place`: a file and a URL nobody may ask for. */
export function bombs(place: { file: string; url: string }): Readonly<Record<string, string | Buffer>> {
  const entities = Array.from({ length: 20 }, (_, i) => `<!ENTITY e${i + 1} '${`&e${i};`.repeat(10)}'>`).join('');
  const levels = (count: number) => `${'<a>'.repeat(count)}${'</a>'.repeat(count)}`;
  const external = (subset: string, use = '') => doctype(subset, disk(`<source file='/x'/>${use}`));
  return {
    'a billion laughs': doctype(`<!ENTITY e0 'ha'>${entities}`, disk("<source file='&e20;'/>")),
    'a billion laughs in text': doctype(`<!ENTITY e0 'ha'>${entities}`, disk('&e20;')),
    'quadratic growth': doctype(`<!ENTITY e '${'x'.repeat(100_000)}'>`, disk('&e;'.repeat(50_000))),
    'an entity of itself': doctype("<!ENTITY e '&e;'>", disk('&e;')),
    'a file': external(`<!ENTITY e SYSTEM 'file://${place.file}'>`, '&e;'),
    'a file by parameter': external(`<!ENTITY % e SYSTEM 'file://${place.file}'> %e;`),
    'a server': external(`<!ENTITY e SYSTEM '${place.url}'>`, '&e;'),
    'a server by parameter': external(`<!ENTITY % e SYSTEM '${place.url}'> %e;`),
    'a document type of a server': guestOf('', '', `<!DOCTYPE domain SYSTEM '${place.url}'>`),
    'a document type of a file': guestOf('', '', `<!DOCTYPE domain PUBLIC 'x' 'file://${place.file}'>`),
    'an inclusion': guestOf(disk(`<xi:include href='${place.url}'/>`), "xmlns:xi='http://www.w3.org/2001/XInclude'"),
    'a schema of a server': guestOf(
      '',
      `xmlns:s='http://www.w3.org/2001/XMLSchema-instance' s:noNamespaceSchemaLocation='${place.url}'`,
    ),
    '100,000 levels': guestOf(levels(100_000)),
    '100,000 levels without an end': '<domain>'.repeat(100_000),
    '100 MB of text': Buffer.concat([
      Buffer.from('<domain><name>'),
      Buffer.alloc(100e6, 'x'),
      Buffer.from('</name></domain>'),
    ]),
    '100 MB of elements': Buffer.concat([
      Buffer.from('<domain>'),
      Buffer.alloc(100e6, '<a/>'),
      Buffer.from('</domain>'),
    ]),
    '4 MB of elements': guestOf('<a/>'.repeat(1_000_000)),
    '400,000 attributes': guestOf(`<a${Array.from({ length: 400_000 }, (_, i) => ` a${i}=''`).join('')}/>`),
    '100,000 namespaces': guestOf(`<a${Array.from({ length: 100_000 }, (_, i) => ` xmlns:a${i}='u'`).join('')}/>`),
    '100,000 disks': guestOf("<disk><source file='/images/a' dev='/images/a' name='x'/></disk>".repeat(100_000)),
    '1,000 disks': guestOf("<disk><source file='/images/a' dev='/images/a'/></disk>".repeat(1_000)),
    '9,000 sources': guestOf(`<disk>${"<source file='/images/a' dev='/images/a'/>".repeat(9_000)}</disk>`),
    '200 disks within each other': guestOf(
      `${'<disk>'.repeat(200)}${"<source file='/images/a'/>".repeat(4000)}${'</disk>'.repeat(200)}`,
    ),
    'a path of a megabyte': guestOf(disk(sourceOf('/..'.repeat(340_000)))),
    'references of a megabyte': guestOf(disk(sourceOf('&#47;'.repeat(200_000)))),
    nothing: '',
    'an open tag': '<',
    'an open comment': `<!--${'-'.repeat(1_000_000)}`,
    'open CDATA': `<domain><![CDATA[${']'.repeat(1_000_000)}`,
  };
}
