/** A call as a command line that explains it. */
import type { NativeParameters, NativeRequest } from '../native.js';

/**
 * `virtshim policy explain FILE FUNCTION ...`. What no option can tell is left out: the contents of XML, groups of which
 * `groupName` does not know what they are called.
 */
export function explainCommand(
  file: string,
  call: NativeRequest,
  groupName: (gid: number) => string | undefined,
): string {
  const { connection = {}, resource = {}, arguments: args = {} } = call;
  const words = [
    ...['virtshim', 'policy', 'explain', quote(file), call.function],
    ...option('uid', call.uid),
    ...(call.gids ?? []).flatMap((gid) => option('group', groupName(gid))),
    ...option('auid', call.auid === 0xffffffff ? 'unset' : call.auid),
    ...[...option('uri', connection.uri), ...option('driver', connection.driver)],
    ...(connection.readOnly === undefined ? [] : [connection.readOnly ? '--read-only' : '--read-write']),
    ...[...option('kind', resource.kind), ...given('name', resource.name), ...given('uuid', resource.uuid)],
    ...[...option('exe', call.executable), ...option('comm', call.command), ...option('tty', call.terminal)],
    ...[...option('label', call.label), ...option('actor', call.actor), ...option('reason', call.reason)],
    ...[...option('monitor-command', call.monitorCommand), ...timeOf(call)],
    ...(call.rateReached === undefined ? [] : [call.rateReached ? '--rate-reached' : '--rate-free']),
    ...Object.entries(args).flatMap(([name, value]) => argumentWords(name, value)),
  ];
  return words.join(' ');
}

function option(name: string, value: unknown): string[] {
  return value === undefined ? [] : [`--${name}`, quote(String(value))];
}

// Where a call is about no single object there is nothing to tell.
function given(name: string, value: unknown): string[] {
  return value === '' ? [] : option(name, value);
}

function timeOf({ time }: NativeRequest): string[] {
  return time === undefined ? [] : ['--at', new Date(time * 1000).toISOString().replace('.000Z', 'Z')];
}

function argumentWords(name: string, value: bigint | number | string | null | NativeParameters): string[] {
  if (value === null) return [];
  if (typeof value !== 'object') return ['-a', quote(`${name}=${value}`)];
  const pairs: readonly (readonly [string, unknown])[] = Array.isArray(value) ? value : Object.entries(value);
  return pairs.flatMap(([field, one]) => ['-a', quote(`${name}.${field}=${String(one)}`)]);
}

function quote(word: string): string {
  return /^[\w.,:/=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
