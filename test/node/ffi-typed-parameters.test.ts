// Typed parameters in memory: what is put there is what is read there, whatever the names, types and values.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VirtshimError } from '../../src/errors.js';
import { encodeParameters, readParameters } from '../../src/ffi/typed_parameters.js';
import type { TypedInput, TypedParameters, TypedParameterValues, TypedScalar } from '../../src/ffi/values.js';

const text = fc.string({ unit: 'grapheme', maxLength: 300 }).filter((value) => !value.includes('\0'));
const integers = (min: bigint, max: bigint) => fc.bigInt({ min, max });
const typed = fc.oneof(
  fc.record({ type: fc.constant('int' as const), value: fc.integer() }),
  fc.record({ type: fc.constant('uint' as const), value: fc.nat(0xffffffff) }),
  fc.record({ type: fc.constant('llong' as const), value: integers(-(2n ** 63n), 2n ** 63n - 1n) }),
  fc.record({ type: fc.constant('ullong' as const), value: integers(0n, 2n ** 64n - 1n) }),
  fc.record({ type: fc.constant('double' as const), value: fc.double({ noNaN: true }) }),
  fc.record({ type: fc.constant('boolean' as const), value: fc.boolean() }),
  fc.record({ type: fc.constant('string' as const), value: text }),
);
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 18 }).filter(isName);
const parameters = fc.dictionary(name, fc.oneof(typed, fc.array(typed, { minLength: 2, maxLength: 4 })));

function isName(value: string): boolean {
  return !value.includes('\0') && value !== '__proto__' && Buffer.byteLength(value) < 80;
}

function throughMemory(given: TypedParameters): TypedParameterValues {
  const { cell, count } = encodeParameters(given, 'virTest', 'params');
  return readParameters(cell.view, count);
}

/** As it is read: 64-bit integers are numbers where that is exact, no string is other than well-formed. */
function expected({ value }: { readonly value: TypedScalar }): TypedScalar {
  if (typeof value === 'string') return Buffer.from(value).toString();
  const isSafe = typeof value === 'bigint' && Number.isSafeInteger(Number(value));
  return isSafe ? Number(value) : value;
}

test('any values, once or several times under a name', () => {
  fc.assert(
    fc.property(parameters, (given) => {
      const read = throughMemory(given);
      const wanted = Object.entries(given).map(([key, one]) => [
        key,
        Array.isArray(one) ? one.map(expected) : expected(one),
      ]);
      expect(Object.entries(read)).toEqual(wanted);
    }),
    { numRuns: 2000 },
  );
});

describe('values without a type', () => {
  test.each<[string, TypedInput, TypedScalar]>([
    ['hard_limit', 1, 1],
    ['hard_limit', 2n ** 64n - 1n, 2n ** 64n - 1n],
    ['cpu_quota', -1, -1],
    ['unknown', 2 ** 31, 2 ** 31],
    ['unknown', 2n ** 63n, 2n ** 63n],
    ['unknown', -(2n ** 63n), -(2n ** 63n)],
    ['unknown', 0.5, 0.5],
    ['unknown', true, true],
    ['cmt', 1, true],
    ['unknown', 'x', 'x'],
  ])('%s: %p', (key, value, read) => {
    expect(throughMemory({ [key]: value })).toEqual({ [key]: read });
  });

  test.each<[string, TypedInput]>([
    ['hard_limit', -1],
    ['hard_limit', 'x'],
    ['weight', 2 ** 32],
    ['migrate_uri', 7],
    ['cmt', 2],
    ['unknown', 2n ** 64n],
    ['unknown', 2 ** 60],
    ['unknown', -(2n ** 63n) - 1n],
    ['unknown', 'a\0b'],
    ['na\0me', 1],
    ['', 1],
    ['unknown', { type: 'int', value: 2 ** 31 }],
    ['unknown', { type: 'boolean', value: 'yes' }],
  ])('%p: %p is refused', (key, value) => {
    expect(() => throughMemory({ [key]: value })).toThrow(VirtshimError);
  });
});
