// Which object a call is about.
import type { Arg } from './args.js';
import type { RawFunction } from './facts.js';
import type { Check } from './permissions.js';
import { listedKind, objectKind } from './types.js';
import { type CallClass, type ObjectKind, objectKinds } from './vocabulary.js';

export interface Resource {
  /** Index of the object that the call acts on, or -1. */
  readonly resourceArg: number;
  /** Index of the connection that the call is made on, or -1 where the object has it. */
  readonly connectArg: number;
  readonly object: ObjectKind;
}

/** The first object that is not a connection; else what the call makes or looks up; else the connection. */
export function findResource(
  fn: RawFunction,
  callClass: CallClass,
  args: readonly Arg[],
  checks: readonly Check[],
  override: ObjectKind | undefined,
): Resource {
  const resourceArg = findsItsResource(fn, callClass, checks)
    ? -1
    : args.findIndex((arg) => arg.type === 'Object' && !isConnection(arg.object));
  // A connection that does not come first is another host's: the target of virDomainMigrate.
  const connectArg = args[0]?.object === 'Connect' ? 0 : -1;
  const object = args[resourceArg]?.object ?? override ?? madeKind(fn) ?? checkedKind(checks) ?? args[0]?.object;
  return { resourceArg, connectArg, object: object ?? 'None' };
}

/** A look-up whose permission is that of what it finds is about the volume that it finds, not about the pool. */
function findsItsResource(fn: RawFunction, callClass: CallClass, checks: readonly Check[]): boolean {
  const found = objectKind(fn.returns);
  return callClass === 'lookup' && found !== 'None' && found === checkedKind(checks);
}

function isConnection(kind: ObjectKind): boolean {
  return kind === 'Connect' || kind === 'AdmConnect';
}

function madeKind(fn: RawFunction): ObjectKind | undefined {
  const kinds = [objectKind(fn.returns), ...fn.args.map((arg) => listedKind(arg.type))];
  return kinds.find((kind) => kind !== 'None');
}

/** virDomainRestore makes a domain but returns no handle: its permission names the kind. */
function checkedKind(checks: readonly Check[]): ObjectKind | undefined {
  const word = checks[0]?.permission.split('.')[0];
  const found = Object.entries(objectKinds).find(([, name]) => name === word);
  return found?.[0] as ObjectKind | undefined;
}
