// A trail that is followed while real writers write it, through all that may happen to its files.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { type FollowTrailOptions, followTrail, type TrailLine } from '../../src/trail/index.js';
import { BUILD, temporaryFolder } from '../support/paths.js';
import { emit, linesOf, writeCalls } from '../support/trail_writer.js';

const folders: string[] = [];
function folder(): string {
  const dir = temporaryFolder('follow');
  folders.push(dir);
  return dir;
}
afterAll(() => {
  for (const dir of folders) rmSync(dir, { recursive: true, force: true });
});

/** A reader that runs while the test goes on. */
class Reader {
  /** All that run: one that is left behind would keep the test's process alive. */
  static readonly running: Reader[] = [];
  readonly lines: TrailLine[] = [];
  readonly #end = new AbortController();
  readonly #done: Promise<void>;

  constructor(dir: string, options: FollowTrailOptions = {}) {
    Reader.running.push(this);
    this.#done = this.#read(dir, options);
  }

  async #read(dir: string, options: FollowTrailOptions): Promise<void> {
    for await (const line of followTrail(dir, { ...options, signal: this.#end.signal })) this.lines.push(line);
  }

  get sequences(): (number | undefined)[] {
    return this.lines.map(({ record }) => record?.seq);
  }

  /** Until there are so many lines. */
  async has(count: number): Promise<void> {
    for (let i = 0; i < 400 && this.lines.length < count; i++) await sleep(25);
    expect(this.lines.length).toBeGreaterThanOrEqual(count);
  }

  async end(): Promise<void> {
    this.#end.abort();
    await this.#done;
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('following a trail', () => {
  let reader: Reader;
  afterEach(async () => {
    for (const running of Reader.running.splice(0)) await running.end();
  });

  test('that is not there yet', async () => {
    const dir = join(folder(), 'trail');
    reader = new Reader(dir);
    await sleep(300);
    mkdirSync(dir, { mode: 0o700 });
    await sleep(300);
    writeCalls(1, 1, 3, dir);
    await reader.has(6);
    expect(reader.sequences).toEqual(upTo(6));
  });

  test('from its end, from its last records, from its start', async () => {
    const dir = emit(['a', 'b', 'c', 'd', 'e']);
    folders.push(dir);
    reader = new Reader(dir);
    const others = [new Reader(dir, { from: 2 }), new Reader(dir, { from: 100 }), new Reader(dir, { from: 'start' })];
    await others[2]?.has(5);
    await sleep(300);
    writeCalls(1, 1, 1, dir);
    await reader.has(2);
    for (const [index, count] of [4, 7, 7].entries()) await others[index]?.has(count);
    for (const each of others) await each.end();
    expect(reader.sequences).toEqual([6, 7]);
    expect(others.map((other) => other.sequences)).toEqual([[4, 5, 6, 7], upTo(7), upTo(7)]);
  });

  test('from the last records, some of which were rotated away, one file compressed', async () => {
    const dir = folder();
    for (const name of ['trail.xml.2', 'trail.xml.1', 'trail.xml']) {
      writeCalls(1, 1, 2, dir);
      renameSync(join(dir, 'trail.xml'), join(dir, name));
    }
    spawnSync('gzip', [join(dir, 'trail.xml.2')]);
    reader = new Reader(dir, { from: 10 });
    await reader.has(10);
    const all = new Reader(dir, { from: 'start' });
    await all.has(12);
    await all.end();
    expect(reader.sequences).toEqual(upTo(12).slice(2));
    expect(all.sequences).toEqual(upTo(12));
  });

  test('with a filter, of which the last records are told too', async () => {
    const dir = emit(['a', 'b', 'a', 'b', 'b']);
    folders.push(dir);
    reader = new Reader(dir, { from: 1, filter: { vm: 'a' } });
    await reader.has(1);
    expect(reader.sequences).toEqual([3]);
  });

  test('through rotation: twice between two looks, and compressed at once', async () => {
    const dir = folder();
    writeCalls(1, 1, 1, dir);
    reader = new Reader(dir, { from: 'start' });
    await reader.has(2);
    // One after the other, without giving the reader a turn.
    for (const name of ['trail.xml.3', 'trail.xml.2', 'trail.xml.1']) {
      renameSync(join(dir, 'trail.xml'), join(dir, name));
      writeCalls(1, 1, 2, dir);
    }
    spawnSync('gzip', [join(dir, 'trail.xml.2')]);
    await reader.has(14);
    await sleep(100);
    expect(reader.sequences).toEqual(upTo(14));
  });

  test('whose file was removed, or all of its folder', async () => {
    const dir = join(folder(), 'trail');
    mkdirSync(dir, { mode: 0o700 });
    writeCalls(1, 1, 1, dir);
    reader = new Reader(dir);
    await sleep(300);
    rmSync(join(dir, 'trail.xml'));
    writeCalls(1, 1, 1, dir);
    await reader.has(2);
    rmSync(dir, { recursive: true });
    await sleep(50);
    mkdirSync(dir, { mode: 0o700 });
    writeCalls(1, 1, 1, dir);
    await reader.has(4);
    expect(reader.sequences).toEqual([3, 4, 1, 2]);
  });

  test('of which a writer still writes the renamed file', async () => {
    const dir = emit(['a', 'b', 'c']);
    folders.push(dir);
    const [first, second, third] = linesOf(dir);
    writeFileSync(join(dir, 'trail.xml'), `${first}\n`);
    reader = new Reader(dir, { from: 'start' });
    await reader.has(1);
    renameSync(join(dir, 'trail.xml'), join(dir, 'trail.xml.1'));
    writeFileSync(join(dir, 'trail.xml'), `${third}\n`);
    await reader.has(2);
    appendFileSync(join(dir, 'trail.xml.1'), `${second}\n`);
    await reader.has(3);
    expect(reader.sequences).toEqual([1, 3, 2]);
  });

  test('of which a line comes in pieces, and another is none', async () => {
    const dir = emit(['a', 'b']);
    folders.push(dir);
    const file = join(dir, 'trail.xml');
    const [first = '', second = ''] = linesOf(dir);
    writeFileSync(file, '');
    reader = new Reader(dir, { from: 'start' });
    for (const piece of [first.slice(0, 40), first.slice(40), '\nrubbish', '\n\n', second]) {
      appendFileSync(file, piece);
      await sleep(60);
    }
    await reader.has(2);
    expect(reader.lines.map(({ line, record }) => [line, record?.seq])).toEqual([
      [1, 1],
      [2, undefined],
    ]);
    appendFileSync(file, '\n');
    await reader.has(3);
    expect(reader.lines[2]).toMatchObject({ line: 4, record: { seq: 2 } });
  });

  test('whose lines are counted from its beginning, wherever reading began', async () => {
    const dir = emit(['a', 'b', 'c']);
    folders.push(dir);
    reader = new Reader(dir);
    await sleep(300);
    appendFileSync(join(dir, 'trail.xml'), 'rubbish\n');
    await reader.has(1);
    expect(reader.lines[0]).toMatchObject({ line: 4, problem: expect.stringContaining('column') });
  });

  test('that became shorter', async () => {
    const dir = emit(['a', 'b', 'c']);
    folders.push(dir);
    const file = join(dir, 'trail.xml');
    const lines = linesOf(dir);
    reader = new Reader(dir);
    await sleep(300);
    writeFileSync(file, '');
    await reader.has(1);
    appendFileSync(file, `${lines[0]}\n`);
    await reader.has(2);
    expect(reader.lines).toMatchObject([
      { problem: expect.stringContaining('became shorter') },
      { record: { seq: 1 } },
    ]);
  });

  test('with records longer than a megabyte', async () => {
    const dir = emit(['a']);
    folders.push(dir);
    const [line = ''] = linesOf(dir);
    const long = line.replace('<param>', `<param><long>${'x'.repeat(5_000_000)}</long>`);
    writeFileSync(join(dir, 'trail.xml'), `${line}\n${long}\n${line}\n`);
    reader = new Reader(dir, { from: 'start' });
    const last = new Reader(dir, { from: 2 });
    await reader.has(3);
    await last.has(2);
    await last.end();
    expect(reader.lines.map(({ raw }) => raw.length > 5_000_000)).toEqual([false, true, false]);
    expect(last.lines.map(({ raw }) => raw.length > 5_000_000)).toEqual([true, false]);
  });

  test('that many processes write, and that is rotated under them', async () => {
    const dir = folder();
    reader = new Reader(dir, { from: 'start' });
    const writers = spawn(join(BUILD, 'test_audit_writers'), [dir, '4', '2', '2500']);
    for (let i = 1; writers.exitCode === null && i < 50; i++) {
      await Promise.race([once(writers, 'exit'), sleep(700)]);
      try {
        if (writers.exitCode === null) renameSync(join(dir, 'trail.xml'), join(dir, `trail.xml.${i}`));
      } catch {
        // no file yet
      }
    }
    await reader.has(40_000);
    expect([...reader.sequences].sort((a = 0, b = 0) => a - b)).toEqual(upTo(40_000));
  });
});

test('who stops reading leaves nothing open', async () => {
  const dir = emit(['a', 'b', 'c']);
  folders.push(dir);
  const open = () => spawnSync('ls', ['-l', `/proc/${process.pid}/fd`], { encoding: 'utf8' }).stdout;
  for await (const line of followTrail(dir, { from: 'start' })) {
    expect(line.record?.seq).toBe(1);
    expect(open()).toContain(dir);
    break;
  }
  expect(open()).not.toContain(dir);
  expect(readFileSync(join(dir, 'trail.xml'), 'utf8')).not.toBe('');
});
