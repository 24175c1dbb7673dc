// Every function of libvirt's public API can be called through virtshim/ffi, both ways.
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import * as ffi from '../../src/ffi/index.js';
import { readInputs } from '../../src/generator/facts.js';
import { buildFfi, type JsParam } from '../../src/generator/ffi/model.js';
import { buildApi } from '../../src/generator/model.js';
import { sweep } from '../support/ffi_sweep.js';
import { ROOT } from '../support/paths.js';

const inputs = readInputs(join(ROOT, 'native/api'));
const model = buildFfi(buildApi(inputs), inputs);
const exported = new Map(Object.entries(ffi));

test('568 of 568 functions are there, each also asynchronous', () => {
  const missing = model.functions.filter(({ name }) => {
    const found = exported.get(name);
    return typeof found !== 'function' || !('async' in found) || !('available' in found) || found.name !== name;
  });
  expect(missing).toEqual([]);
  expect(model.functions).toHaveLength(568);
});

// libvirt 9.0 crashes where a process uses both libraries, also without the shim; each has a process of its own here.
test.each([
  ['libvirt-admin', 'plausible', 33],
  ['libvirt-admin', 'empty', 33],
  ['the others', 'plausible', 535],
  ['the others', 'empty', 535],
] as const)('each call of %s with %s arguments returns, or throws what libvirt says', (part, values, count) => {
  const functions = model.functions
    .filter(({ library }) => (library === 'libvirt-admin') === (part === 'libvirt-admin'))
    .map(({ name, jsParams }) => ({ name, types: jsParams.map(typeOf) }));
  const answers = sweep(functions, values);
  const unexpected = functions.flatMap(({ name }) => {
    const given = answers.get(name) ?? [];
    return given.length === 2 && given.every((answer) => isPlain(name, answer)) ? [] : [[name, ...given]];
  });
  expect(functions).toHaveLength(count);
  expect(unexpected).toEqual([]);
});

function typeOf({ name, tsType }: JsParam): string {
  return name === 'flags' ? name : tsType;
}

function isPlain(name: string, answer: string): boolean {
  const namesListener = /(EventDeregister|UnregisterCloseCallback)$/.test(name);
  if (namesListener && answer.includes('VIRTSHIM_ARGUMENT') && answer.includes('registered')) return true;
  return /^(sync|async) (nothing|null|number|bigint|string|boolean|object|LibvirtError \d+ vir\w+)$/.test(answer);
}
