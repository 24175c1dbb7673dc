// Whatever is done to a trail's records, anywhere, verify finds it and names the place.
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { rotateTrail, type TrailVerification, verifyTrail } from '../../src/trail/index.js';
import { trailFiles } from '../../src/trail/lines.js';
import { temporaryFolder } from '../support/paths.js';
import { chained, chainIn, writeCalls } from '../support/trail_writer.js';

const CALLS = 6;
const RUNS = Number(process.env.VIRTSHIM_TAMPERING_RUNS ?? 1200);

let original: string;
/** The files of the trail, oldest first; the first one is compressed. */
let names: string[];
let lines: string[][];

beforeAll(async () => {
  original = writeCalls(1, 1, CALLS, temporaryFolder('tampering'), ['file']);
  await rotateTrail(original, { compress: true });
  writeCalls(1, 1, CALLS, original, ['file']);
  await rotateTrail(original);
  writeCalls(1, 1, CALLS, original, ['file']);
  names = (await trailFiles(original)).map((file) => basename(file));
  lines = names.map((name) => linesIn(readFileSync(join(original, name))));
});
afterAll(() => {
  for (const dir of [original, ...scratches.values()]) rmSync(dir, { recursive: true });
});

function plain(bytes: Buffer): Buffer {
  return bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
}

function linesIn(bytes: Buffer): string[] {
  return plain(bytes).toString('latin1').split('\n').slice(0, -1);
}

interface Kept {
  /** .trail.state stays. */
  readonly state: boolean;
  /** The audit text stays. */
  readonly text: boolean;
}

/** Folders with all of the trail but its records, by what stays. */
const scratches = new Map<string, string>();

function scratchFor({ state, text }: Kept): string {
  const key = `${state} ${text}`;
  const known = scratches.get(key);
  if (known !== undefined) return known;
  const dir = temporaryFolder('tampered');
  scratches.set(key, dir);
  for (const name of readdirSync(original)) {
    const stays = name.startsWith('audit.log') ? text : name !== '.trail.state' || state;
    if (stays && !names.includes(name)) copyFileSync(join(original, name), join(dir, name));
  }
  return dir;
}

/** Verifies the trail with these files in the place of its own. */
async function verified(files: readonly Buffer[], kept: Kept): Promise<TrailVerification> {
  const dir = scratchFor(kept);
  for (const [index, name] of names.entries()) writeFileSync(join(dir, name), files[index] ?? '');
  return verifyTrail(dir);
}

function packed(contents: readonly string[]): Buffer[] {
  return contents.map((text, index) => {
    const bytes = Buffer.from(text, 'latin1');
    return names[index]?.endsWith('.gz') ? gzipSync(bytes) : bytes;
  });
}

const textOf = (all: readonly string[]) => all.map((line) => `${line}\n`).join('');

/** Line number over all files, from 0; of what is said about no line, behind the last one. */
function placeOf({ file, line }: { file: string; line: number }, contents: readonly string[]): number {
  const before = contents.slice(0, names.indexOf(basename(file)));
  const lineEnds = (text: string) => text.split('\n').length - 1;
  if (line === 0) return contents.map(lineEnds).reduce((a, b) => a + b);
  return before.map(lineEnds).reduce((a, b) => a + b, 0) + line - 1;
}

/** Where two trails differ first. */
function firstDifference(contents: readonly string[]): number {
  const before = textOf(lines.flat());
  const after = contents.join('');
  let at = 0;
  while (at < before.length && before[at] === after[at]) at++;
  return before.slice(0, at).split('\n').length - 1;
}

async function expectFound(contents: readonly string[], kept: Kept): Promise<void> {
  fc.pre(contents.join('') !== textOf(lines.flat()));
  const result = await verified(packed(contents), kept);
  expect(result.ok).toBe(false);
  const [first] = result.problems;
  const expected = firstDifference(contents);
  // Audit text is of outcomes: where it alone remembers, a call without its outcome is not told.
  const told =
    first?.kind === 'missing'
      ? lines.flat().findIndex((line) => line.startsWith(`<methodresponse rid="${first.rid}"`))
      : placeOf(first ?? { file: '', line: -1 }, contents);
  // What was put in before a record may pass for that record: then it is the next one that does not belong there.
  const problems = JSON.stringify(result.problems.slice(0, 3));
  expect([told, problems]).toEqual([told === expected + 1 ? expected + 1 : expected, problems]);
}

/** One of the places of records: the first and the last ones, also those of each file, more often than others. */
const record = fc.oneof(
  fc.constantFrom(0, 1, 2 * CALLS - 1, 2 * CALLS, 4 * CALLS - 1, 4 * CALLS, 6 * CALLS - 2, 6 * CALLS - 1),
  fc.nat(6 * CALLS - 1),
);
const kept = fc.record({ state: fc.boolean(), text: fc.boolean() });
/** Where the end is cut off, one of the two has to be there: without both nothing is left that remembers it. */
const remembered = fc.constantFrom(
  { state: true, text: true },
  { state: true, text: false },
  { state: false, text: true },
);

/** The files as they were cut, with other lines. */
function filed(all: readonly string[], at: number, added: number): string[] {
  let from = 0;
  return lines.map((own) => {
    const grows = at >= from && at < from + own.length ? added : 0;
    const part = all.slice(from, from + Math.max(0, own.length + grows));
    from += part.length;
    return textOf(part);
  });
}

const all = () => lines.flat();
const some = (line: string) => line.replace('virDomainSuspend', 'virDomainDestroy');

describe('verify finds', () => {
  test('bits that were flipped', async () => {
    const bytes = fc.record({ file: fc.nat(2), at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }) });
    await fc.assert(
      fc.asyncProperty(bytes, fc.integer({ min: 1, max: 255 }), kept, async ({ file, at }, difference, what) => {
        const contents = lines.map(textOf);
        const text = Buffer.from(contents[file] ?? '', 'latin1');
        const place = Math.floor(at * text.length);
        text[place] = (text[place] ?? 0) ^ difference;
        await expectFound(contents.with(file, text.toString('latin1')), what);
      }),
      { numRuns: RUNS / 4 },
    );
  });

  test('records that were removed', async () => {
    await fc.assert(
      fc.asyncProperty(record, fc.integer({ min: 1, max: 5 }), remembered, async (at, count, what) => {
        // A record of a call alone, at the end, has no audit text yet.
        const call = what.state ? at : at & ~1;
        let number = -1;
        const stays = () => {
          number++;
          return number < call || number >= call + count;
        };
        const contents = lines.map((own) => textOf(own.filter(stays)));
        await expectFound(contents, what);
      }),
      { numRuns: RUNS / 8 },
    );
  });

  test('records that were put in: copies, forged ones, ones with the chain value that belongs there', async () => {
    const how = fc.constantFrom('copy', 'renumbered', 'forged', 'chained');
    await fc.assert(
      fc.asyncProperty(record, record, how, kept, async (at, from, how, what) => {
        const before = all()[at - 1] ?? '';
        const other = some(all()[from] ?? '').replace(/seq="\d+"/, `seq="${at + 1}"`);
        const put = {
          copy: all()[from] ?? '',
          renumbered: (all()[from] ?? '').replace(/seq="\d+"/, `seq="${at + 1}"`),
          forged: some(all()[at] ?? ''),
          chained: chained(other, chainIn(before)),
        }[how];
        await expectFound(filed(all().toSpliced(at, 0, put), at, 1), what);
      }),
      { numRuns: RUNS / 4 },
    );
  });

  test('records that were changed and given the chain value that belongs to them', async () => {
    await fc.assert(
      fc.asyncProperty(record, kept, async (at, what) => {
        // Of the last one only the audit text and the state know better.
        const last = at === all().length - 1;
        const changed = chained(some(all()[at] ?? ''), chainIn(all()[at - 1] ?? ''));
        await expectFound(filed(all().with(at, changed), at, 0), last ? { ...what, text: true } : what);
      }),
      { numRuns: RUNS / 8 },
    );
  });

  test('records that were exchanged', async () => {
    await fc.assert(
      fc.asyncProperty(record, record, kept, async (a, b, what) => {
        const exchanged = all()
          .with(a, all()[b] ?? '')
          .with(b, all()[a] ?? '');
        await expectFound(filed(exchanged, 0, 0), what);
      }),
      { numRuns: RUNS / 8 },
    );
  });

  test('ends that were cut off, within a line or between two', async () => {
    const size = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    await fc.assert(
      fc.asyncProperty(fc.nat(2), size, fc.boolean(), remembered, async (file, part, whole, what) => {
        const text = textOf(lines[file] ?? []);
        const cut = text.slice(0, Math.floor(part * text.length));
        const kept = whole ? cut.slice(0, cut.lastIndexOf('\n') + 1) : cut;
        await expectFound(
          lines.map((own, index) => (index < file ? textOf(own) : index === file ? kept : '')),
          what,
        );
      }),
      { numRuns: RUNS / 8 },
    );
  });

  test('damage to a compressed file', async () => {
    const file = Buffer.from(readFileSync(join(original, names[0] ?? '')));
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), fc.nat(255), kept, async (at, difference, what) => {
        const damaged = difference === 0 ? file.subarray(0, at) : Buffer.from(file);
        if (difference !== 0) damaged[at] = (damaged[at] ?? 0) ^ difference;
        fc.pre(!isWhole(damaged));
        const result = await verified([damaged, ...packed(lines.map(textOf)).slice(1)], what);
        expect(result.ok).toBe(false);
        // Cut to nothing, it is the next file that its records are missing before.
        expect(basename(result.problems[0]?.file ?? '')).toBe(names[damaged.length === 0 ? 1 : 0]);
      }),
      { numRuns: RUNS / 8 },
    );
  });
});

/** Not all bits of a compressed file matter: some say when it was made. */
function isWhole(file: Buffer): boolean {
  try {
    return gunzipSync(file).equals(Buffer.from(textOf(lines[0] ?? []), 'latin1'));
  } catch {
    return false;
  }
}
