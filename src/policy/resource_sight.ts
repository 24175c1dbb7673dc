/** What the shim can see of the resource of a call: some functions name it, for some nobody knows it, some have none. */
import type { ApiArg, ApiFunction } from '../generated/api.js';
import type { NativeRequest } from '../native.js';

export interface ResourceSight {
  readonly name: Sight;
  readonly uuid: Sight;
}

/**
 * seen: the shim asks the object, which a look-up has found by then, or reads the arguments; absent: the call is about no
 * single object.
 */
export type Sight = 'seen' | 'unseen' | 'absent';

const openings: readonly string[] = ['connect', 'adm-connect'];

export function sightOf(fn: ApiFunction): ResourceSight {
  if (fn.resourceArg >= 0 || isLookUp(fn)) return { name: 'seen', uuid: 'seen' };
  if (!makesOne(fn) && !actsOnUnseen(fn)) return { name: 'absent', uuid: 'absent' };
  const seen = (tells: (arg: ApiArg) => boolean): Sight => (fn.args.some(tells) ? 'seen' : 'unseen');
  return { name: seen((arg) => isName(arg) || isXml(arg)), uuid: seen((arg) => isUuid(arg) || isXml(arg)) };
}

/** The resource of a described call, with what its function and arguments tell of it. */
export function withSight(
  fn: ApiFunction,
  resource: NativeRequest['resource'],
  args: NativeRequest['arguments'] = {},
): NonNullable<NativeRequest['resource']> {
  const sight = sightOf(fn);
  const name = resource?.name ?? seenIn(fn, sight.name, args, isName);
  const uuid = resource?.uuid ?? seenIn(fn, sight.uuid, args, isUuid);
  return { ...resource, ...(name !== undefined && { name }), ...(uuid !== undefined && { uuid }) };
}

function seenIn(
  fn: ApiFunction,
  sight: Sight,
  args: NonNullable<NativeRequest['arguments']>,
  tells: (arg: ApiArg) => boolean,
): string | undefined {
  if (sight === 'absent') return '';
  const arg = fn.resourceArg < 0 ? fn.args.find(tells) : undefined;
  const value = arg === undefined ? undefined : args[arg.name];
  return typeof value === 'string' ? value : undefined;
}

function isLookUp(fn: ApiFunction): boolean {
  return fn.class === 'lookup' && fn.returnsObject !== 'none';
}

function makesOne(fn: ApiFunction): boolean {
  return fn.returnsObject !== 'none' && !openings.includes(fn.returnsObject);
}

// virDomainRestore and its like: they need permissions on a guest that only the file they name can tell.
function actsOnUnseen({ object, checks: [first] }: ApiFunction): boolean {
  return !['none', ...openings].includes(object) && first !== undefined && !first.permission.startsWith('connect.');
}

const isName = ({ name, type }: ApiArg): boolean => name === 'name' && type === 'String';
const isUuid = ({ name, type }: ApiArg): boolean => name === 'uuidstr' || type === 'Uuid';
const isXml = ({ name }: ApiArg): boolean => ['xml', 'xmlDesc', 'xmldesc'].includes(name);
