import {
  appendFileSync,
  cpSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type TrailVerification, verifyTrail } from '../../src/trail/index.js';
import { temporaryFolder } from '../support/paths.js';
import { emit, linesOf, writeCalls } from '../support/trail_writer.js';

const RECORDS = 12;
let original: string;
const folders: string[] = [];

beforeAll(() => {
  original = writeCalls(1, 1, RECORDS / 2);
  folders.push(original);
});
afterAll(() => {
  for (const dir of folders) rmSync(dir, { recursive: true });
});

/** A copy of the trail whose lines went through `change`. */
function changed(change: (lines: string[]) => string[]): string {
  const dir = temporaryFolder('verify');
  folders.push(dir);
  cpSync(original, dir, { recursive: true });
  writeFileSync(
    join(dir, 'trail.xml'),
    change(linesOf(original))
      .map((line) => `${line}\n`)
      .join(''),
  );
  return dir;
}

const kinds = ({ problems }: TrailVerification) =>
  problems.map(({ kind, seq }) => (seq === undefined ? kind : `${kind} ${seq}`));

describe('a trail as it was written', () => {
  test('verifies', async () => {
    const result = await verifyTrail(original);
    expect(result).toMatchObject({ ok: true, records: RECORDS, first: 1, last: RECORDS, problems: [], unanswered: [] });
    expect(result.head).toMatch(/^[0-9a-f]{64}$/);
  });

  test('of many processes and rotated files verifies', async () => {
    const dir = writeCalls(4, 2, 50);
    folders.push(dir);
    renameSync(join(dir, 'trail.xml'), join(dir, 'trail.xml.1'));
    writeCalls(2, 2, 50, dir);
    const result = await verifyTrail(dir);
    expect(result).toMatchObject({ ok: true, records: 1200, files: ['trail.xml.1', 'trail.xml'] });
  });

  test('names calls that were never answered', async () => {
    const dir = changed((lines) => lines.slice(0, 3));
    unlinkSync(join(dir, '.trail.state'));
    const rid = /rid="(\w+)"/.exec(linesOf(dir)[2] ?? '')?.[1];
    const result = await verifyTrail(dir);
    expect(result.unanswered).toMatchObject([{ seq: 3, line: 3, event: 'virDomainSuspend', rid }]);
    expect(result.ok).toBe(true);
  });
});

describe('a trail that someone changed', () => {
  test('a record', async () => {
    const result = await verifyTrail(changed((lines) => lines.with(4, (lines[4] ?? '').replace('test', 'text'))));
    expect(kinds(result)).toEqual(['changed 5']);
    expect(result.problems[0]).toMatchObject({ line: 5, file: expect.stringContaining('trail.xml') });
  });

  test('a chain value', async () => {
    const flip = (line = '') => line.replace(/chain="(.)/, (_, digit: string) => `chain="${digit === '0' ? '1' : '0'}`);
    const result = await verifyTrail(changed((lines) => lines.with(4, flip(lines[4]))));
    expect(result.problems[0]).toMatchObject({ kind: 'changed', seq: 5 });
  });

  test('a record removed', async () => {
    const result = await verifyTrail(changed((lines) => lines.toSpliced(3, 2)));
    expect(kinds(result)).toEqual(['removed 6']);
    expect(result.problems[0]?.message).toBe('records 4 to 5 are missing');
  });

  test('the first records removed', async () => {
    const result = await verifyTrail(changed((lines) => lines.slice(1)));
    expect(kinds(result)).toEqual(['removed 2']);
    expect(result.problems[0]?.message).toBe('record 1 is missing');
  });

  test('the last records removed', async () => {
    const result = await verifyTrail(changed((lines) => lines.slice(0, -3)));
    expect(kinds(result)).toEqual([`cut ${RECORDS - 2}`]);
  });

  test('all records removed', async () => {
    expect(kinds(await verifyTrail(changed(() => [])))).toEqual(['cut 1']);
  });

  test('a record repeated', async () => {
    const result = await verifyTrail(changed((lines) => lines.toSpliced(6, 0, lines[2] ?? '')));
    expect(kinds(result)).toEqual(['added 3']);
    expect(result.problems[0]).toMatchObject({ line: 7 });
  });

  test('a record invented', async () => {
    const result = await verifyTrail(
      changed((lines) => lines.toSpliced(6, 0, (lines[6] ?? '').replace('test', 'text'))),
    );
    expect(kinds(result)).toEqual(['added 7']);
  });

  test('two records exchanged', async () => {
    const result = await verifyTrail(changed((lines) => lines.with(3, lines[4] ?? '').with(4, lines[3] ?? '')));
    expect(result.ok).toBe(false);
    expect(result.problems[0]).toMatchObject({ line: 4 });
  });

  test('a line that is no record', async () => {
    const result = await verifyTrail(changed((lines) => lines.toSpliced(6, 0, 'rubbish')));
    expect(kinds(result)).toEqual(['not-a-record']);
    expect(result.problems[0]).toMatchObject({ line: 7 });
  });

  test('the end of the last line', async () => {
    const dir = changed((lines) => lines);
    truncateSync(join(dir, 'trail.xml'), readFileSync(join(dir, 'trail.xml')).length - 5);
    expect(kinds(await verifyTrail(dir))).toEqual(['incomplete', `cut ${RECORDS}`]);
  });

  test('all of it, chain and state included, where the audit text remembers', async () => {
    const dir = emit(['one', 'two']);
    const forged = emit(['one', 'other']);
    folders.push(dir, forged);
    const ids = linesOf(dir).map((line) => /rid="(\w+)"/.exec(line)?.[1] ?? '');
    const lines = linesOf(forged, 'audit.log').map((line, index) => line.replace(/rid=\w+/, `rid=${ids[index]}`));
    writeFileSync(join(dir, 'audit.log'), lines.map((line) => `${line}\n`).join(''));
    expect(kinds(await verifyTrail(dir))).toEqual(['rewritten 1', 'rewritten 2']);
    unlinkSync(join(dir, 'audit.log'));
    expect((await verifyTrail(dir)).ok).toBe(true);
    const elsewhere = join(dir, 'root.log');
    appendFileSync(elsewhere, lines.join('\n'));
    expect((await verifyTrail(dir, { anchors: [elsewhere] })).ok).toBe(false);
  });

  test('in any single place shows at that place', async () => {
    const text = readFileSync(join(original, 'trail.xml'));
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), fc.integer({ min: 1, max: 255 }), async (at, difference) => {
        const bytes = Buffer.from(text);
        bytes[at] = (bytes[at] ?? 0) ^ difference;
        const dir = changed((lines) => lines);
        writeFileSync(join(dir, 'trail.xml'), bytes);
        const result = await verifyTrail(dir);
        const line = text.subarray(0, at).toString('latin1').split('\n').length;
        expect(result.ok).toBe(false);
        // A changed sequence number makes it look as if the records before were missing, from the same line on.
        expect(result.problems.some((problem) => Math.abs(problem.line - line) <= 1)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});
