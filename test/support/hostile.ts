// Values that have fooled readers of logs, or could.

const repeat = (text: string, bytes: number) => text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes);

/** Names, URIs and the like, as bytes without NUL. */
export const hostileValues: ReadonlyMap<string, Buffer> = new Map(
  Object.entries({
    'a space': 'a b',
    quotes: `'"'"`,
    'a forged result': `res=success'`,
    'a forged result after a quote': `demo" res=success'`,
    'a forged uuid': 'x,uuid=deadbeef',
    'another forged uuid': 'x uuid=deadbeef-0000-4000-8000-000000000000',
    'a forged executable': 'demo,exe=/bin/evil',
    'a forged user': 'uid=77',
    'a forged terminal': 'demo,terminal=tty9',
    'a forged guest': 'vm="victim"',
    'a forged operation': 'x op=start res=success',
    'an enrichment': '\x1dUID="evil" AUID="evil"',
    'the end of the message': `x' \x1dUID="evil"`,
    'a second record': 'x\ntype=VIRT_CONTROL msg=audit(1.000:1): pid=1 uid=0 msg=\'op=start vm="victim" res=success\'',
    'a line end': 'a\nb',
    'a carriage return': 'a\rb',
    'a tab': 'a\tb',
    'an escape sequence': '\x1b[2J\x1b]0;evil\x07',
    'the end of a CDATA section': ']]>',
    markup: '</methodresponse><methodresponse rid="0"/>',
    'a comment': '<!-- x -->',
    'an entity': '&amp;&#10;&x;',
    'an escape of ours': '\\x41\\\\',
    'a single backslash': '\\',
    'percent signs': '%s%n%00%41',
    'hex digits': 'DEADBEEF',
    'a question mark': '?',
    'a closing bracket': 'demo)',
    'a trailing colon': 'demo:',
    'a trailing comma': "demo,'",
    'a right-to-left override': 'demo\u202egnp.exe',
    isolates: '\u2066demo\u2069',
    'look-alikes': 'd\u0435m\u043e',
    'no-break and zero-width spaces': 'de\u00a0m\u200bo\ufeff',
    'line separators': 'a\u2028b\u2029c\u0085d',
    noncharacters: '\ufffe\uffff\ufdd0',
    'beyond the first plane': '\u{1f600}\u{10ffff}',
    'combining characters': 'e\u0301'.repeat(20),
    'a shell': '$(reboot);`reboot`|reboot&',
    'a path': '../../etc/passwd',
    '255 bytes': repeat('n', 255),
    '256 bytes': repeat('m', 256),
    '5000 bytes': repeat('0123456789', 5000),
    '5000 bytes that have to be encoded': repeat('a ', 5000),
    '5000 bytes of two each': repeat('\u00e9', 2500),
  } satisfies Record<string, string>).map(([what, text]) => [what, Buffer.from(text)]),
);

/** Bytes that are no UTF-8. */
export const invalidUtf8: ReadonlyMap<string, Buffer> = new Map([
  ['a lone continuation', Buffer.from([0x61, 0x80, 0x62])],
  ['a byte that never occurs', Buffer.from([0xff, 0xfe])],
  ['a cut sequence', Buffer.from([0x61, 0xe2, 0x82])],
  ['an overlong slash', Buffer.from([0xc0, 0xaf])],
  ['a surrogate', Buffer.from([0xed, 0xa0, 0x80])],
  ['beyond Unicode', Buffer.from([0xf4, 0x90, 0x80, 0x80])],
  ['a quote behind a lead byte', Buffer.from([0xc3, 0x22, 0x20, 0x72, 0x65, 0x73, 0x3d])],
]);

/** Every byte from 1 to 255 between two letters. */
export function everyByte(): Buffer[] {
  return Array.from({ length: 255 }, (_, i) => Buffer.from([0x61, i + 1, 0x7a]));
}
