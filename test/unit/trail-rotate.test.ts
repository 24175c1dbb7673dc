import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from '@jest/globals';
import { native } from '../../src/native.js';
import {
  readTrail,
  rotateTrail,
  rotationOf,
  setRotation,
  type TrailVerification,
  verifyTrail,
} from '../../src/trail/index.js';
import { BUILD, temporaryFolder } from '../support/paths.js';
import { linesOf, writeCalls } from '../support/trail_writer.js';

const folders: string[] = [];
afterAll(() => {
  for (const dir of folders) rmSync(dir, { recursive: true });
});

function trail(calls = 5): string {
  const dir = temporaryFolder('rotate');
  folders.push(dir);
  return writeCalls(1, 1, calls, dir, ['file']);
}

const trailNames = (dir: string) =>
  readdirSync(dir)
    .filter((name) => name.startsWith('trail.xml'))
    .sort();

/** Everyone who had a file open before it was put aside has noticed by then. */
const settle = () => setTimeout(3100);

async function sequences(dir: string): Promise<(number | undefined)[]> {
  const found: (number | undefined)[] = [];
  for await (const { record } of readTrail(dir)) found.push(record?.seq);
  return found;
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

describe('rotation', () => {
  test('puts trail.xml and audit.log aside; the chain goes on', async () => {
    const dir = trail();
    const { rotated } = await rotateTrail(dir);
    expect(rotated).toMatch(/^trail\.xml-\d{8}T\d{6}Z-10$/);
    expect(linesOf(dir, rotated)).toHaveLength(10);
    expect(linesOf(dir, rotated?.replace('trail.xml', 'audit.log'))).toHaveLength(5);
    expect(linesOf(dir)).toEqual([]);
    writeCalls(1, 1, 5, dir, ['file']);
    expect(await verifyTrail(dir)).toMatchObject({
      ok: true,
      records: 20,
      anchored: 10,
      files: [rotated, 'trail.xml'],
    });
    expect(await sequences(dir)).toEqual(upTo(20));
  });

  test('leaves a trail without records alone', async () => {
    const dir = trail();
    await rotateTrail(dir);
    expect(await rotateTrail(dir)).toEqual({ removed: [], compressed: [] });
    expect(trailNames(dir)).toHaveLength(2);
  });

  test('waits for a size or an age where one is given', async () => {
    const dir = trail();
    const { size } = statSync(join(dir, 'trail.xml'));
    expect(await rotateTrail(dir, { due: { size: size + 1, age: 3600 } })).not.toHaveProperty('rotated');
    expect(await rotateTrail(dir, { due: { size } })).toHaveProperty('rotated');
    writeCalls(1, 1, 1, dir);
    expect(await rotateTrail(dir, { due: { age: 2 } })).not.toHaveProperty('rotated');
    await setTimeout(2000);
    expect(await rotateTrail(dir, { due: { age: 2 } })).toHaveProperty('rotated');
  });

  test('needs a trail, in a folder that is the own one', async () => {
    await expect(rotateTrail(temporaryFolder('none'))).rejects.toMatchObject({ code: 'VIRTSHIM_TRAIL_MISSING' });
    const dir = trail();
    const writable = join(mkdtempSync(join(dir, 'x-')), 'open');
    mkdirSync(writable);
    writeFileSync(join(writable, 'trail.xml'), 'x\n');
    spawn('chmod', ['0777', writable]);
    await setTimeout(200);
    const refusal = { code: 'VIRTSHIM_FILE', message: expect.stringContaining('the folder is writable by others') };
    await expect(rotateTrail(writable)).rejects.toMatchObject(refusal);
    await expect(rotateTrail(writable, { due: { size: 1e9 }, keep: 0 })).rejects.toMatchObject(refusal);
    await expect(setRotation(writable, { size: 1 })).rejects.toMatchObject(refusal);
  });
});

describe('the oldest files', () => {
  async function ofThree(): Promise<string> {
    const dir = trail();
    for (let i = 0; i < 2; i++) {
      await rotateTrail(dir);
      writeCalls(1, 1, 5, dir, ['file']);
    }
    await rotateTrail(dir);
    return dir;
  }

  test('are removed with their audit text beyond the number to keep, and the trail says so', async () => {
    const dir = await ofThree();
    const { removed } = await rotateTrail(dir, { keep: 1 });
    expect(removed).toHaveLength(2);
    expect(readdirSync(dir).filter((name) => /-(10|20)$/.test(name))).toEqual([]);
    const result = await verifyTrail(dir);
    expect(result).toMatchObject({
      ok: true,
      first: 21,
      last: 31,
      removal: { upTo: 20, seq: 31, uid: process.geteuid?.() },
    });
    expect(linesOf(dir)[0]).toContain('kind="records-removed"');
  });

  test('removed by hand are missed', async () => {
    const dir = await ofThree();
    unlinkSync(join(dir, trailNames(dir)[1] ?? ''));
    const [first] = (await verifyTrail(dir)).problems;
    expect(first).toMatchObject({ kind: 'removed', message: 'records 1 to 10 are missing' });
  });

  test('removed by hand are missed where others were removed rightly', async () => {
    const dir = await ofThree();
    await rotateTrail(dir, { keep: 2 });
    unlinkSync(join(dir, trailNames(dir)[1] ?? ''));
    expect((await verifyTrail(dir)).problems).toMatchObject([
      { kind: 'removed', message: 'records 1 to 20 are missing' },
      { kind: 'missing' },
      { kind: 'missing' },
      { kind: 'missing' },
      { kind: 'missing' },
      { kind: 'missing' },
    ]);
  });

  test('that were announced and not all removed, since the run was killed, are no fault', async () => {
    const dir = await ofThree();
    const [, first = '', second = ''] = trailNames(dir);
    const before = new Map([first, second].map((name) => [name, readFileSync(join(dir, name))]));
    await rotateTrail(dir, { keep: 1 });
    writeFileSync(join(dir, second), before.get(second) ?? '');
    expect(await verifyTrail(dir)).toMatchObject({ ok: true, first: 11, removal: { upTo: 10 } });
    expect((await rotateTrail(dir, { keep: 2 })).removed).toEqual([second]);
    expect(await verifyTrail(dir)).toMatchObject({ ok: true, first: 21, removal: { upTo: 20 } });
  });

  test('may be called as they like', async () => {
    const dir = await ofThree();
    const [, first = ''] = trailNames(dir);
    const strange = 'trail.xml.a&b<c>"d\' -->\n; chain 0 $(x) \\x41é';
    renameSync(join(dir, first), join(dir, strange));
    expect((await rotateTrail(dir, { keep: 2 })).removed).toEqual([strange]);
    expect(await verifyTrail(dir)).toMatchObject({ ok: true, first: 11, removal: { upTo: 10 } });
  });

  test('that do not end with a record are kept', async () => {
    const dir = await ofThree();
    appendFileSync(join(dir, trailNames(dir)[1] ?? ''), 'rubbish\n');
    const hint = 'virtshim trail verify says what is wrong with it';
    await expect(rotateTrail(dir, { keep: 2 })).rejects.toMatchObject({ code: 'VIRTSHIM_FILE', hint });
    expect(trailNames(dir)).toHaveLength(4);
  });
});

describe('compression', () => {
  test('of what was put aside; it is read like the rest', async () => {
    const dir = trail();
    const before = readFileSync(join(dir, 'trail.xml'));
    const { rotated = '', compressed } = await rotateTrail(dir, { compress: true });
    // Programs may still write to the audit text for a second.
    expect(compressed).toEqual([rotated]);
    expect(gunzipSync(readFileSync(join(dir, `${rotated}.gz`)))).toEqual(before);
    expect(existsSync(join(dir, rotated))).toBe(false);
    expect(statSync(join(dir, `${rotated}.gz`)).mode & 0o7137).toBe(0);
    expect(await verifyTrail(dir)).toMatchObject({ ok: true, records: 10, anchored: 5 });
    await settle();
    const log = rotated.replace('trail.xml', 'audit.log');
    expect((await rotateTrail(dir, { compress: true })).compressed).toEqual([log]);
    expect(await verifyTrail(dir)).toMatchObject({ ok: true, records: 10, anchored: 5 });
    expect(await sequences(dir)).toEqual(upTo(10));
  });

  test('that another did not finish is begun anew', async () => {
    const dir = trail();
    const { rotated = '' } = await rotateTrail(dir);
    const half = gzipSync(readFileSync(join(dir, rotated))).subarray(0, 100);
    writeFileSync(join(dir, `${rotated}.gz`), half);
    writeFileSync(join(dir, '.trail.compressing-1234'), half);
    expect(await verifyTrail(dir)).toMatchObject({ ok: true, records: 10 });
    await settle();
    expect((await rotateTrail(dir, { compress: true })).compressed).toContain(rotated);
    expect(readdirSync(dir).filter((name) => name.startsWith('.trail.compressing'))).toEqual([]);
    expect(await verifyTrail(dir)).toMatchObject({ ok: true, records: 10, files: [`${rotated}.gz`, 'trail.xml'] });
  });

  test('is left to one of many runs', async () => {
    const dir = trail(200);
    const lock = native().lockUpkeep(dir);
    expect(await rotateTrail(dir, { compress: true, keep: 0 })).toMatchObject({
      removed: [],
      compressed: [],
      busy: true,
    });
    closeSync(lock);
    await settle();
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => rotateTrail(dir, { compress: true })));
    const done = outcomes.flatMap(({ compressed }) => compressed).filter((name) => name.startsWith('trail.xml'));
    expect(done).toHaveLength(1);
    expect(await verifyTrail(dir)).toMatchObject({ ok: true, records: 400 });
  });

  test('under those who read it takes nothing from them', async () => {
    const dir = trail(2000);
    for (let i = 0; i < 3; i++) {
      await rotateTrail(dir);
      writeCalls(1, 1, 2000, dir, ['file']);
    }
    await settle();
    const read = sequences(dir);
    const verified = verifyTrail(dir);
    await Promise.all([rotateTrail(dir, { compress: true }), read, verified]);
    expect(await read).toEqual(upTo(16000));
    expect(await verified).toMatchObject({ ok: true, records: 16000 });
  });
});

describe('limits', () => {
  test('are kept for the programs, and taken back', async () => {
    const dir = trail();
    expect(await rotationOf(dir)).toEqual({});
    await setRotation(dir, { size: 4096, age: 86_400 });
    expect(await rotationOf(dir)).toEqual({ size: 4096, age: 86_400 });
    expect(statSync(join(dir, '.trail.rotation')).mode & 0o777).toBe(0o600);
    writeCalls(2, 2, 20, dir);
    expect(trailNames(dir).length).toBeGreaterThan(5);
    await setRotation(dir, {});
    expect(existsSync(join(dir, '.trail.rotation'))).toBe(false);
    const before = trailNames(dir).length;
    writeCalls(2, 2, 20, dir);
    expect(trailNames(dir)).toHaveLength(before);
    expect(await verifyTrail(dir)).toMatchObject({ ok: true, records: 10 + 320 });
  });

  test('need a trail', async () => {
    await expect(setRotation(temporaryFolder('none'), { size: 1 })).rejects.toMatchObject({
      code: 'VIRTSHIM_TRAIL_MISSING',
    });
  });

  test('do not go through links', async () => {
    const dir = trail();
    const other = join(dir, 'other');
    writeFileSync(other, 'bytes=1\n');
    symlinkSync(other, join(dir, '.trail.rotation'));
    writeCalls(1, 1, 5, dir);
    expect(trailNames(dir)).toEqual(['trail.xml']);
    await setRotation(dir, { size: 1 });
    expect(readFileSync(other, 'utf8')).toBe('bytes=1\n');
  });
});

test('many writers, rotation, removal and readers at once: nothing is lost', async () => {
  const dir = trail(1);
  await setRotation(dir, { size: 256 * 1024 });
  const checks: TrailVerification[] = [];
  let waves = 0;
  let writing = true;
  const write = async () => {
    for (; checks.length < 3 && waves < 20; waves++) {
      const args = [dir, '4', '2', '500', 'file'];
      const [status] = await once(spawn(join(BUILD, 'test_audit_writers'), args, { stdio: 'ignore' }), 'exit');
      expect(status).toBe(0);
    }
    writing = false;
  };
  const rotate = async () => {
    while (writing) {
      await rotateTrail(dir, { compress: true });
      await setTimeout(100);
    }
  };
  const verify = async () => {
    while (writing) checks.push(await verifyTrail(dir));
  };
  await Promise.all([write(), rotate(), verify()]);
  const records = 2 + 8000 * waves;
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(await verifyTrail(dir)).toMatchObject({ ok: true, records, anchored: records / 2 });
  expect(await sequences(dir)).toEqual(upTo(records));
});
