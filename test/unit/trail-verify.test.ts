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
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type TrailVerification, verifyTrail } from '../../src/trail/index.js';
import { temporaryFolder } from '../support/paths.js';
import { chained, chainIn, emit, linesOf, writeCalls } from '../support/trail_writer.js';

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

describe('audit text that has what the trail lacks', () => {
  /** A trail of six calls with audit text, and the same text in a log of root's beside that of another trail. */
  function withTexts(): { dir: string; lines: string[]; log: string } {
    const dir = writeCalls(1, 1, 6, temporaryFolder('verify'), ['file']);
    const other = writeCalls(1, 1, 6, temporaryFolder('verify'), ['file']);
    folders.push(dir, other);
    const log = join(other, 'root.log');
    const texts = [...linesOf(other, 'audit.log'), ...linesOf(dir, 'audit.log')];
    writeFileSync(log, texts.map((line) => `${line}\n`).join(''));
    return { dir, lines: linesOf(dir), log };
  }

  const rewrite = (dir: string, lines: readonly string[]) =>
    writeFileSync(join(dir, 'trail.xml'), lines.map((line) => `${line}\n`).join(''));
  const ridOf = (line = '') => / rid="(\w+)"/.exec(line)?.[1];

  test('says what was cut off, also without .trail.state', async () => {
    const { dir, lines } = withTexts();
    rewrite(dir, lines.slice(0, 8));
    expect(kinds(await verifyTrail(dir))).toEqual(['cut 9', 'missing', 'missing']);
    unlinkSync(join(dir, '.trail.state'));
    const result = await verifyTrail(dir);
    expect(result.endKnown).toBe(false);
    expect(result.problems).toMatchObject([
      { kind: 'missing', rid: ridOf(lines[9]), file: join(dir, 'audit.log'), line: 5 },
      { kind: 'missing', rid: ridOf(lines[11]) },
    ]);
    expect(result.problems[0]?.message).toMatch(
      /^virDomainSuspend of test at 20\d\d-\d\d-\d\dT[\d:.]+Z by user \d+, process \d+ \(record \w+\) is in the audit text, but not in the trail$/,
    );
  });

  test('and is in a log of many trails, where only this one matters', async () => {
    const { dir, lines, log } = withTexts();
    unlinkSync(join(dir, 'audit.log'));
    expect(await verifyTrail(dir, { anchors: [log] })).toMatchObject({ ok: true, anchored: 6, anchors: [log] });
    rewrite(dir, lines.slice(0, -2));
    unlinkSync(join(dir, '.trail.state'));
    expect(kinds(await verifyTrail(dir))).toEqual([]);
    expect((await verifyTrail(dir, { anchors: [log] })).problems).toMatchObject([
      { kind: 'missing', rid: ridOf(lines[11]), file: log, line: 12 },
    ]);
  });

  test('and the trail itself is all gone', async () => {
    const { dir } = withTexts();
    unlinkSync(join(dir, 'trail.xml'));
    expect(kinds(await verifyTrail(dir))).toEqual(['cut 1', ...Array(6).fill('missing')]);
    unlinkSync(join(dir, '.trail.state'));
    expect(kinds(await verifyTrail(dir))).toEqual(Array(6).fill('missing'));
  });

  test('and the key is gone: its own log tells what the trail calls itself', async () => {
    const { dir, lines, log } = withTexts();
    unlinkSync(join(dir, 'trail.key'));
    const texts = linesOf(dir, 'audit.log');
    writeFileSync(join(dir, 'audit.log'), `${texts[0]}\n`);
    rewrite(dir, lines.slice(0, -2));
    unlinkSync(join(dir, '.trail.state'));
    expect(await verifyTrail(dir, { anchors: [log] })).toMatchObject({ problems: [{ rid: ridOf(lines[11]) }] });
  });

  test('and key and log are gone: what another log says of the records that are left tells it', async () => {
    const { dir, lines, log } = withTexts();
    for (const name of ['trail.key', 'audit.log', '.trail.state']) unlinkSync(join(dir, name));
    rewrite(dir, lines.slice(0, -2));
    expect(await verifyTrail(dir, { anchors: [log] })).toMatchObject({ problems: [{ rid: ridOf(lines[11]) }] });
  });

  test('compressed, and damaged behind', async () => {
    const { dir, lines } = withTexts();
    const packed = gzipSync(readFileSync(join(dir, 'audit.log')));
    unlinkSync(join(dir, 'audit.log'));
    rewrite(dir, lines.slice(2));
    writeFileSync(join(dir, 'audit.log-1.gz'), packed);
    expect(kinds(await verifyTrail(dir))).toEqual(['removed 3', 'missing']);
    writeFileSync(join(dir, 'audit.log-1.gz'), packed.subarray(0, -4));
    expect(kinds(await verifyTrail(dir))).toEqual(['removed 3', 'missing']);
  });

  test('that was itself thinned out is told, but no fault of the trail', async () => {
    const { dir, lines } = withTexts();
    const texts = linesOf(dir, 'audit.log');
    writeFileSync(join(dir, 'audit.log'), `${texts.toSpliced(2, 2).join('\n')}\n`);
    expect(await verifyTrail(dir)).toMatchObject({
      ok: true,
      anchored: 4,
      unanchored: { count: 2, first: { seq: 6, line: 6, rid: ridOf(lines[5]) } },
    });
  });

  test('with a chain rewritten from some record on names that record first', async () => {
    const { dir, lines } = withTexts();
    let previous = chainIn(lines[2]);
    const forged = lines.map((line, index) => {
      if (index < 3) return line;
      const made = chained(index === 3 ? line.replace('virDomainSuspend', 'virDomainResume') : line, previous);
      previous = chainIn(made);
      return made;
    });
    rewrite(dir, forged);
    const result = await verifyTrail(dir);
    expect(kinds(result)).toEqual([
      'rewritten 4',
      'rewritten 6',
      'rewritten 8',
      'rewritten 10',
      'rewritten 12',
      'rewritten 12',
    ]);
    expect(result.problems[0]).toMatchObject({ rid: ridOf(lines[3]), line: 4 });
  });
});

test('of very many problems a thousand are told', async () => {
  const dir = changed((lines) => [...lines, ...Array<string>(5000).fill('rubbish')]);
  const { problems, problemCount } = await verifyTrail(dir);
  expect([problems.length, problemCount]).toEqual([1000, 5000]);
});

test('of very many records that only audit text has the first thousand are told', async () => {
  const dir = writeCalls(2, 1, 1200, temporaryFolder('verify'), ['file']);
  folders.push(dir);
  writeFileSync(join(dir, 'trail.xml'), '');
  unlinkSync(join(dir, '.trail.state'));
  const { problems, problemCount } = await verifyTrail(dir);
  expect([problems.length, problemCount]).toEqual([1000, 2400]);
  expect(problems[0]).toMatchObject({ kind: 'missing', line: 1 });
});
