import { describe, expect, test } from '@jest/globals';
import { displayWidth, jsonText, table } from '../../src/cli/text.js';
import { printable } from '../../src/printable.js';

describe('text for terminals', () => {
  test('shows what would steer the terminal', () => {
    expect(printable('a\x1b[31mb\nc\u202ed\u2028e')).toBe('a\\x1b[31mb\\x0ac\\u{202e}d\\u{2028}e');
    expect(printable('Gäste – 東京')).toBe('Gäste – 東京');
  });

  test('and so does JSON, which stays the same JSON', () => {
    const value = { name: 'a\x1b\x7f\u202e\u2028\u{e0001}ü' };
    expect(jsonText(value)).toBe('{"name":"a\\u001b\\u007f\\u202e\\u2028\\udb40\\udc01ü"}');
    expect(JSON.parse(jsonText(value, 2))).toEqual(value);
  });

  test('a cell of unusual length is whole and widens nothing', () => {
    const long = 'x'.repeat(5000);
    expect(
      table([
        [long, 'a'],
        ['b', 'c'],
      ]),
    ).toBe(`${long}  a\nb  c\n`);
  });

  test('aligns columns', () => {
    const rows = [
      ['a', 'bbb', 'c'],
      ['aaaa', 'b', ''],
    ];
    expect(table(rows)).toBe('a     bbb  c\naaaa  b\n');
  });
});

test.each([
  ['demo', 4],
  ['café', 4],
  ['cafe\u0301', 4],
  ['本番', 4],
  ['가상', 4],
  ['ｆｕｌｌ', 8],
  ['🐧', 2],
  ['𠮷', 2],
])('%s takes %i columns', (text, width) => {
  expect(displayWidth(text)).toBe(width);
});

test('columns are as wide as they look', () => {
  const lines = table([
    ['本番', 'x'],
    ['demo', 'x'],
    ['cafe\u0301', 'x'],
  ]).split('\n');
  expect(lines.slice(0, 3)).toEqual(['本番  x', 'demo  x', 'cafe\u0301  x']);
});
