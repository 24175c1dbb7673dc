// Made-up arguments for each of libvirt's callback types, by its C prototype, and what a listener has to see of them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.js';

interface Arg {
  readonly name: string;
  readonly type: string;
}

export interface CallbackPrototype {
  readonly name: string;
  readonly returns: string;
  readonly args: readonly Arg[];
}

const answered = [
  ...['virConnectAuthCallbackPtr', 'virStreamSinkFunc', 'virStreamSinkHoleFunc', 'virStreamSourceFunc'],
  ...['virStreamSourceHoleFunc', 'virStreamSourceSkipFunc'],
];

const facts = JSON.parse(readFileSync(join(ROOT, 'native/api/libvirt.json'), 'utf8')) as {
  callbacks: readonly CallbackPrototype[];
};

/** All callbacks by which libvirt tells something. */
export const eventCallbacks: readonly CallbackPrototype[] = facts.callbacks.filter(
  ({ name }) => !answered.includes(name) && !/^virEvent(Add|Update|Remove)|^virFree/.test(name),
);

/**
 * Script for runAddon: `made(prototype, isNull)` gives {args, expected}, `spoil()` overwrites all memory that was made, and
 * `callC(address, prototype, args)` calls. Needs `objects`: C type -> handle.
 */
export const MADE_ARGUMENTS = `
const koffi = require('koffi');
// Until it has called a function of a library, koffi has no memory for the arguments of one that is called by its address.
koffi.load(null).func('int getpid()')();
const kept = [];
const memory = (size) => { const bytes = Buffer.alloc(size); kept.push(bytes); return bytes; };
const spoil = () => { for (const bytes of kept.splice(0)) bytes.fill(0x41); };
const at = (bytes) => koffi.address(bytes);
const text = (value) => { const bytes = memory(Buffer.byteLength(value) + 1); bytes.write(value); return at(bytes); };
const struct = (size, ...fields) => {
  const bytes = memory(size);
  for (const [offset, value] of fields) {
    if (typeof value === 'bigint') bytes.writeBigUInt64LE(value, offset);
    else bytes.writeInt32LE(value, offset);
  }
  return bytes;
};
const address = (side) => at(struct(24, [0, 2], [8, text(side + ' node')], [16, text(side + ' service')]));
const subject = () => {
  const identities = struct(32, [0, text('x509dname')], [8, text('CN=Zoë')], [16, text('saslUsername')]);
  return at(struct(16, [0, 2], [8, at(identities)]));
};
const param = (list, i, field, type, write) => {
  list.write(field, i * 96);
  list.writeInt32LE(type, i * 96 + 80);
  write(list, i * 96 + 88);
};
const params = () => {
  const list = memory(9 * 96);
  param(list, 0, 'int', 1, (to, place) => to.writeInt32LE(-5, place));
  param(list, 1, 'uint', 2, (to, place) => to.writeUInt32LE(4294967295, place));
  param(list, 2, 'llong', 3, (to, place) => to.writeBigInt64LE(-9007199254740993n, place));
  param(list, 3, 'ullong', 4, (to, place) => to.writeBigUInt64LE(7n, place));
  param(list, 4, 'double', 5, (to, place) => to.writeDoubleLE(0.5, place));
  param(list, 5, 'boolean', 6, (to, place) => to.writeInt8(1, place));
  param(list, 6, 'string', 7, (to, place) => to.writeBigUInt64LE(text('first'), place));
  param(list, 7, 'string', 7, (to, place) => to.writeBigUInt64LE(text('second'), place));
  param(list, 8, 'f'.repeat(80), 1, (to, place) => to.writeInt32LE(1, place));
  return at(list);
};
const paramsExpected = { int: -5, uint: 4294967295, llong: -9007199254740993n, ullong: 7, double: 0.5, boolean: true,
                         string: ['first', 'second'], ['f'.repeat(80)]: 1 };
const error = () => at(struct(96, [0, 42], [4, 10], [8, text('no such thing')], [16, 2], [40, text('one')],
                              [56, text('three')], [64, -1], [68, 9]));
const errorExpected = { code: 42, domain: 10, level: 2, message: 'no such thing', str1: 'one', str2: null, str3: 'three',
                        int1: -1, int2: 9 };

// By C type: what is passed, and what is to be seen; null for what is not seen.
const kinds = {
  int: (i) => [-7 - i, -7 - i],
  'unsigned int': (i) => [4000000000 + i, 4000000000 + i],
  'long long': (i) => [-5000000000n, -5000000000],
  'unsigned long long': (i) => [18446744073709551615n - BigInt(i), 18446744073709551615n - BigInt(i)],
  'const char *': (i) => [text('grün ' + i), 'grün ' + i],
  'const virDomainEventGraphicsAddress *': (i) => [address('a' + i), { family: 2, node: 'a' + i + ' node', service: 'a' + i + ' service' }],
  'const virDomainEventGraphicsSubject *': () => [subject(), { identities: [{ type: 'x509dname', name: 'CN=Zoë' }, { type: 'saslUsername', name: null }] }],
  virTypedParameterPtr: () => [params(), paramsExpected],
  virErrorPtr: () => [error(), errorExpected],
};
const nothing = { virTypedParameterPtr: {} };
const isPointer = (type) => type.endsWith('*') || type.endsWith('Ptr');
const made = (prototype, isNull) => {
  const given = { args: [], expected: [] };
  prototype.args.forEach(({ name, type }, i) => {
    if (type === 'void *') { given.args.push('opaque'); return; }
    if (name === 'nparams') { given.args.push(isNull ? 0 : 9); return; }
    const [passed, seen] = isNull && isPointer(type) ? [0n, nothing[type] ?? null]
                           : type in kinds ? kinds[type](i) : [objects[type], objects[type]];
    given.args.push(passed);
    given.expected.push(seen);
  });
  return given;
};
const protos = new Map();
const callC = (pointer, prototype, args) => {
  const types = prototype.args.map(({ type }) => (isPointer(type) ? 'void *' : type));
  if (!protos.has(prototype.name)) protos.set(prototype.name, koffi.proto(prototype.name, prototype.returns, types));
  return koffi.call(pointer, protos.get(prototype.name), ...args);
};
`;
