import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { HoleFinder } from '../../src/libvirt/stream_holes.js';

const block = 65_536;

/** What comes out when the chunks are written one after the other. */
function cut(chunks: readonly Buffer[]): (Buffer | number)[] {
  const finder = new HoleFinder();
  return [...chunks.flatMap((chunk) => [...finder.pieces(chunk)]), ...finder.rest()];
}

function chunksOf(data: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, i = 0; at < data.length; i += 1) {
    const size = sizes[i % sizes.length] ?? data.length;
    chunks.push(data.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const joined = (pieces: readonly (Buffer | number)[]): Buffer =>
  Buffer.concat(pieces.map((piece) => (typeof piece === 'number' ? Buffer.alloc(piece) : piece)));

describe('holes', () => {
  test.each([
    ['nothing', Buffer.alloc(0), []],
    ['zeros alone', Buffer.alloc(3 * block), [3 * block]],
    ['zeros and a rest', Buffer.alloc(block + 7), [block + 7]],
    ['less than a block of zeros', Buffer.alloc(9), [9]],
  ])('of %s', (_, data, expected) => {
    expect(cut([data])).toEqual(expected);
  });

  test('are whole blocks between data, wherever the chunks end', () => {
    const data = Buffer.alloc(5 * block);
    data[0] = 1;
    data[4 * block + 1] = 1;
    for (const size of [1_000, block - 1, block, block + 1, data.length]) {
      const pieces = cut(chunksOf(data, [size]));
      expect(pieces.filter((piece) => typeof piece === 'number')).toEqual([3 * block]);
      expect(joined(pieces).equals(data)).toBe(true);
    }
  });

  test('are not where zeros are short or cross blocks', () => {
    const data = Buffer.alloc(2 * block);
    data[0] = 1;
    data[2 * block - 1] = 1;
    expect(cut([data])).toEqual([data]);
  });

  test('and data together are what was written', () => {
    const part = fc.record({ zero: fc.boolean(), size: fc.integer({ min: 1, max: 3 * block }) });
    const sizes = fc.array(fc.integer({ min: 1, max: 2 * block }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), sizes, (parts, each) => {
        const data = Buffer.concat(parts.map(({ zero, size }) => Buffer.alloc(size, zero ? 0 : 7)));
        const pieces = cut(chunksOf(data, each));
        expect(joined(pieces).equals(data)).toBe(true);
        const lengths = pieces.map((piece) => (typeof piece === 'number' ? piece : piece.length));
        expect(lengths.every((length) => length > 0)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
