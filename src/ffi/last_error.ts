/** libvirt's last error of this thread. */
import { type NativeError, native } from '../native.js';
import { bind, type RawFunction } from './library.js';
import { lookAt } from './memory.js';
import { field, type Struct, struct } from './structs.js';

const virError: Struct<NativeError> = struct('virError', 80, [
  field.int('code', 0),
  field.int('domain', 4),
  field.string('message', 8),
  field.int('level', 16),
  field.string('str1', 40),
  field.string('str2', 48),
  field.string('str3', 56),
  field.int('int1', 64),
  field.int('int2', 68),
]);

let getLastError: RawFunction | undefined;

/** Null where none is set. */
export function lastError(): NativeError | null {
  if (typeof native().lastError === 'function') return native().lastError();
  getLastError ??= bind('void *virGetLastError()');
  const address = getLastError();
  if (typeof address !== 'bigint') return null;
  const error = lookAt(address, virError.size, (view) => virError.read(view, 0));
  return error.code === 0 ? null : error;
}
