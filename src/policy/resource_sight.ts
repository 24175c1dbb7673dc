/** What the shim can see of the resource of a call: some functions name it, for some nobody knows it, some have none. */
import type { ApiArg, ApiFunction } from '../generated/api.js';
import type { NativeRequest } from '../native.js';
import { childText, rootAttribute } from './definition_xml.js';

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
  return {
    name: seen((arg) => isName(arg) || (isXml(arg) && namedByXml.includes(fn.object))),
    uuid: seen((arg) => isUuid(arg) || (isXml(arg) && withUuid.includes(fn.object))),
  };
}

type Resource = NonNullable<NativeRequest['resource']>;
type Arguments = NonNullable<NativeRequest['arguments']>;

/** The resource of a described call, with what its function and arguments tell of it. */
export function withSight(fn: ApiFunction, resource: Resource = {}, args: Arguments = {}): Resource {
  const sight = sightOf(fn);
  const name = resource.name ?? (sight.name === 'absent' ? '' : nameIn(fn, args));
  const uuid = resource.uuid ?? (sight.uuid === 'absent' ? '' : uuidIn(fn, args));
  return { ...resource, ...(name !== undefined && { name }), ...(uuid !== undefined && { uuid }) };
}

function nameIn(fn: ApiFunction, args: Arguments): string | undefined {
  const inFilter = (xml: string) => rootAttribute(xml, 'name');
  const inXml = fn.object === 'nwfilter' ? inFilter : (xml: string) => childText(xml, 'name');
  return told(fn, args, isName, namedByXml.includes(fn.object) ? inXml : undefined);
}

function uuidIn(fn: ApiFunction, args: Arguments): string | undefined {
  const inXml = withUuid.includes(fn.object) ? (xml: string) => childText(xml, 'uuid') : undefined;
  return told(fn, args, isUuid, inXml)?.toLowerCase();
}

function told(
  fn: ApiFunction,
  args: Arguments,
  tells: (arg: ApiArg) => boolean,
  inXml: ((xml: string) => string | undefined) | undefined,
): string | undefined {
  if (fn.resourceArg >= 0) return undefined;
  const text = (picks: (arg: ApiArg) => boolean) => {
    const value = args[fn.args.find(picks)?.name ?? ''];
    return typeof value === 'string' ? value : undefined;
  };
  const xml = inXml === undefined ? undefined : text(isXml);
  return text(tells) ?? (xml === undefined ? undefined : inXml?.(xml));
}

const namedByXml: readonly string[] = ['domain', 'network', 'storage-pool', 'nwfilter'];
const withUuid: readonly string[] = [...namedByXml, 'secret', 'network-port'];

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
