// The quick reader of records' own form against a parser of XML: it says the same, or leaves the line to the parser.
import { rmSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseAnyElement, scanElement } from '../../src/trail/element.js';
import { escapeValue, escapeXml, parseRecord, textToBytes, unescapeValue } from '../../src/trail/index.js';
import { recordBytes } from '../support/actor.js';
import { hostileValues, invalidUtf8 } from '../support/hostile.js';
import { emit, linesOf, writeCalls } from '../support/trail_writer.js';

function linesFrom(dir: string): string[] {
  const lines = linesOf(dir);
  rmSync(dir, { recursive: true });
  return lines;
}

const values = [...hostileValues.values(), ...invalidUtf8.values()];
const lines = [
  ...linesFrom(emit(values)),
  ...linesFrom(emit(['<disk type="file"><source file="/a&amp;b"/></disk>', ...values], ['device'])),
  ...linesFrom(writeCalls(1, 1, 5)),
];

/** As the parser sees it; undefined where it refuses the line. */
function parsed(line: string): unknown {
  try {
    return parseAnyElement(line);
  } catch {
    return undefined;
  }
}

describe('lines of the writers', () => {
  test('are all read without a parser, and as a parser reads them', () => {
    for (const line of lines) {
      expect(scanElement(line)).toBeDefined();
      expect(scanElement(line)).toEqual(parsed(line));
    }
  });
});

describe('other lines', () => {
  const short = lines.filter((line) => line.length < 1500);
  const pieces = [
    '<',
    '>',
    '/',
    '"',
    "'",
    '&',
    ';',
    '&amp;',
    '&#65;',
    '\\',
    '\\x41',
    ' ',
    '\t',
    '=',
    '<a>',
    '</a>',
    '<a/>',
  ];
  const more = [
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<?x?>',
    '\u0000',
    '\ufffe',
    '\ud800',
    '\udc80',
    'é',
    '<methodcall ',
    ' rid="x"',
  ];

  test('are read as a parser reads them, or left to it', () => {
    let read = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...short),
        fc.nat(),
        fc.nat(8),
        fc.constantFrom('', ...pieces, ...more),
        (line, at, gone, piece) => {
          const from = at % line.length;
          const other = line.slice(0, from) + piece + line.slice(from + gone);
          const scanned = scanElement(other);
          if (scanned === undefined) return;
          read++;
          expect(scanned).toEqual(parsed(other));
        },
      ),
      { numRuns: 20_000 },
    );
    expect(read).toBeGreaterThan(1000);
  });

  test.each([
    '',
    '<a',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    '<a/>x',
    'x<a/>',
    ' <a/>',
    '<a b=""c=""/>',
    '<a b="" b=""/>',
    "<a b=''/>",
    '<a b="<"/>',
    '<a b = ""/>',
    '<a  b=""/>',
    '<a b="&lt"/>',
    '<a>&x;</a>',
    '<a>]]></a>',
    '<a ></a>',
    '<a/ >',
    '</a>',
    '<a></a',
    '<a><b></a></b>',
    '<a>'.repeat(20) + '</a>'.repeat(20),
  ])('%j is left to the parser', (line) => {
    expect(scanElement(line)).toBeUndefined();
  });
});

describe('escapes', () => {
  test('of the writers are made again from values', () => {
    for (const line of lines) {
      const [, attribute = ''] = /<resource kind="domain" name="([^"]*)"/.exec(line) ?? [];
      const { resource } = parseRecord(line);
      expect(escapeXml(resource?.name ?? '')).toBe(attribute);
      expect(
        recordBytes(
          attribute.replace(
            /&(lt|gt|quot|amp);/g,
            (entity) => ({ '&lt;': '<', '&gt;': '>', '&quot;': '"' })[entity] ?? '&',
          ),
        ),
      ).toEqual(textToBytes(resource?.name ?? ''));
    }
  });

  test('are undone by reading, and leave nothing that could do harm', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (value) => {
        expect(unescapeValue(escapeValue(value))).toBe(value);
        expect(escapeValue(value)).toMatch(/^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\p{Surrogate}]*$/u);
      }),
    );
  });
});
