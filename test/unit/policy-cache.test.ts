import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { storeImage } from '../../src/policy/image_cache.js';
import { temporaryFolder } from '../support/paths.js';

const image = Buffer.from('an image');

function newCache(): string {
  return join(temporaryFolder('cache'), 'a', 'b');
}

describe('the cache of compiled policies', () => {
  test('keeps an image for its owner alone', () => {
    const folder = newCache();
    const path = storeImage(image, folder);
    expect(readFileSync(path)).toEqual(image);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test('keeps the same image once, and another one beside it', () => {
    const folder = newCache();
    const path = storeImage(image, folder);
    const { ino } = statSync(path);
    expect(storeImage(image, folder)).toBe(path);
    expect(statSync(path).ino).toBe(ino);
    expect(storeImage(Buffer.from('another'), folder)).not.toBe(path);
    expect(readdirSync(folder)).toHaveLength(2);
  });

  test('replaces a file that is not what its name says', () => {
    const folder = newCache();
    const path = storeImage(image, folder);
    writeFileSync(path, 'an imagE');
    storeImage(image, folder);
    expect(readFileSync(path)).toEqual(image);
  });

  test('replaces a file that others may have written', () => {
    const folder = newCache();
    const path = storeImage(image, folder);
    chmodSync(path, 0o666);
    storeImage(image, folder);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('never writes through a link', () => {
    const folder = newCache();
    const path = storeImage(image, folder);
    const other = newCache();
    mkdirSync(other, { recursive: true, mode: 0o700 });
    const victim = join(temporaryFolder('victim'), 'file');
    writeFileSync(victim, 'precious');
    symlinkSync(victim, join(other, path.slice(folder.length + 1)));
    expect(readFileSync(storeImage(image, other))).toEqual(image);
    expect(readFileSync(victim, 'utf8')).toBe('precious');
  });

  test('refuses a folder that others can write', () => {
    const folder = newCache();
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
    expect(() => storeImage(image, folder)).toThrow(/only you can write/);
  });

  test('refuses a folder that is a link', () => {
    const folder = temporaryFolder('linked');
    const link = join(temporaryFolder('link'), 'cache');
    symlinkSync(folder, link);
    expect(() => storeImage(image, link)).toThrow(/only you can write/);
  });
});
