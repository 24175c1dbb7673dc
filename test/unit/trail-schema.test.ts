// The schemas of records: they hold for whatever real writers write, and for nothing that they do not write.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { jsonText } from '../../src/cli/text.js';
import * as format from '../../src/generator/trail/format.js';
import { parseRecord } from '../../src/trail/index.js';
import { hostileValues, invalidUtf8 } from '../support/hostile.js';
import { ROOT } from '../support/paths.js';
import { requireTool } from '../support/tools.js';
import { emit, linesOf, writeCalls } from '../support/trail_writer.js';

const withXmllint = requireTool('xmllint');
const GENERATED = join(ROOT, 'src/generated');

/** What xmllint says about the lines as one document; empty where they are valid. */
function complaints(lines: readonly string[]): string {
  const run = spawnSync('xmllint', ['--noout', '--huge', '--schema', join(GENERATED, 'trail.xsd'), '-'], {
    input: `<trail>\n${lines.join('\n')}\n</trail>\n`,
    encoding: 'utf8',
  });
  return run.status === 0 ? '' : run.stderr;
}

const validate = new Ajv2020({ strict: true }).compile(
  JSON.parse(readFileSync(join(GENERATED, 'trail.schema.json'), 'utf8')),
);

/** What ajv says about the line as JSON; empty where it is valid. */
function jsonComplaints(value: unknown): string {
  return validate(JSON.parse(jsonText(value))) ? '' : JSON.stringify(validate.errors?.slice(0, 3));
}

function linesFrom(dir: string): string[] {
  const lines = linesOf(dir);
  rmSync(dir, { recursive: true });
  return lines;
}

const singles = Array.from({ length: 255 }, (_, index) => Buffer.from([index + 1]));
const others = [']]>', '<!-- -->', '&#10;', '\\', '\\x0a', 'n'.repeat(5000), Buffer.from([0xef, 0xbf, 0xbf])];
const hostile = () => linesFrom(emit([...singles, ...others, ...hostileValues.values(), ...invalidUtf8.values()]));
const devices = () => linesFrom(emit([...hostileValues.values(), '<disk><source file="/a"/></disk>'], ['device']));
const calls = () => linesFrom(writeCalls(1, 1, 5));

describe('the schema of trail.xml', () => {
  withXmllint('holds for records of any values', () => {
    expect(complaints(hostile())).toBe('');
    expect(complaints(devices())).toBe('');
  });

  withXmllint('holds for calls and responses', () => {
    expect(complaints(calls())).toBe('');
  });

  withXmllint('finds what no writer writes', () => {
    const [line = ''] = linesFrom(emit(['demo']));
    expect(complaints([line])).toBe('');
    for (const [from, to] of [
      ['<state>0</state>', ''],
      ['<state>0', '<state>2'],
      ['effect="permitted"', 'effect="allowed"'],
      ['readonly="0"', 'readonly="no"'],
      ['kind="domain" name="demo"', 'kind="domain" name="\\n"'],
      [' uid=', ' user='],
      ['</param>', '</param><extra/>'],
      ['<param>', '<param><nobodysArgument/>'],
      ['<param>', '<param><flags address="0x7ffe"/>'],
      [/seq="\d+"/, 'seq="0"'],
      [/Z" pid/, '" pid'],
    ] as const) {
      expect(line).toMatch(from);
      expect(complaints([line.replace(from, to)])).not.toBe('');
    }
  });
});

describe('the schema of JSON lines', () => {
  test('holds for records of any values', () => {
    for (const line of [...hostile(), ...devices(), ...calls()]) expect(jsonComplaints(parseRecord(line))).toBe('');
  });

  test('finds what no record has', () => {
    const [line = ''] = linesFrom(emit(['demo']));
    const record = parseRecord(line);
    expect(jsonComplaints(record)).toBe('');
    const { rid: _rid, ...nameless } = record;
    for (const other of [
      nameless,
      { ...record, type: 'call' },
      { ...record, type: 'notice' },
      { ...record, rid: 'x' },
      { ...record, seq: 0 },
      { ...record, uid: '0' },
      { ...record, success: 'yes' },
      { ...record, decision: { effect: 'allowed', reason: '' } },
      { ...record, params: [{ name: 'flags' }] },
      { ...record, extra: 1 },
    ]) {
      expect(jsonComplaints(other)).not.toBe('');
    }
  });
});

describe('the documents', () => {
  const text = readFileSync(join(ROOT, 'docs/records.md'), 'utf8');
  const elements = [...format.what, format.state, ...format.outcome, ...format.items];
  const attributes = [
    ...[...format.identity, format.chain, ...format.argumentAttributes, ...format.resultAttributes],
    ...elements.flatMap((element) => element.attributes),
  ];

  test('name every element and attribute', () => {
    const names = [...elements, ...attributes].map(({ name }) => name);
    const missing = names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text.replaceAll('virtshim', '')));
    expect(missing).toEqual([]);
  });
});
