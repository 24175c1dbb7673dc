/** The options that describe a call, made into a call as cases have it. */
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemReason, VirtshimError } from '../errors.js';
import { functionsByName } from '../generated/api.js';
import { valueKindOf } from '../policy/argument.js';
import type { CallDocument, ValueDocument } from '../policy/call.js';
import { xmlArgumentOf } from '../policy/xml_argument.js';

export interface CallOptions {
  readonly arg?: readonly Assignment[];
  readonly xml?: string;
  readonly user?: string;
  readonly uid?: number;
  readonly group?: readonly string[];
  readonly auid?: number | 'unset';
  readonly exe?: string;
  readonly comm?: string;
  readonly tty?: string;
  readonly label?: string;
  readonly actor?: string;
  readonly reason?: string;
  readonly uri?: string;
  readonly driver?: string;
  readonly transport?: string;
  readonly host?: string;
  readonly readOnly?: boolean;
  readonly readWrite?: boolean;
  readonly kind?: string;
  readonly name?: string;
  readonly uuid?: string;
  readonly monitorCommand?: string;
  readonly at?: string;
  readonly rateReached?: boolean;
  readonly rateFree?: boolean;
  readonly nested?: boolean;
}

type Assignment = readonly [name: string, value: string];

/** Who calls. */
export function addSubjectOptions(command: Command): Command {
  return command
    .option('--user <name>', 'who calls, with all groups of that user')
    .option('--uid <number>', 'who calls, by number', parseId)
    .option('--group <name>', 'a group of the caller, beside those of --user; may be repeated', collect)
    .option('--auid <number>', 'the login user, or `unset`', (text) => (text === 'unset' ? text : parseId(text)));
}

/** With what arguments, on what, through which connection and from which program. */
export function addCallOptions(command: Command): Command {
  return command
    .option('-a, --arg <name=value>', 'an argument, by its name in libvirt; may be repeated', collectAssignment)
    .option('--xml <file>', "the XML that the call brings along, instead of --arg with the argument's name")
    .option('--kind <kind>', "what the call is on, where the function alone doesn't tell")
    .option('--name <name>', 'the name of what the call is on')
    .option('--uuid <uuid>', 'its UUID')
    .option('--uri <uri>', "the connection's URI, which tells driver, transport and host")
    .option('--driver <driver>', 'the driver, where no URI is given')
    .option('--transport <transport>', 'the transport, where no URI is given')
    .option('--host <host>', 'the host, where no URI is given')
    .option('--read-only', 'the connection was opened read-only')
    .addOption(new Option('--read-write', 'it was not').conflicts('readOnly'))
    .option('--exe <path>', 'the program')
    .option('--comm <name>', "the process's name")
    .option('--tty <name>', 'its terminal: pts/0')
    .option('--label <label>', "its security module's label")
    .option('--actor <user>', 'for whom it says that it calls')
    .option('--reason <text>', 'why, as it says')
    .option('--monitor-command <name>', 'the command within a call to a monitor or agent')
    .option('--at <time>', 'when: 2026-01-31T22:30:00Z')
    .option('--rate-reached', 'all limits on how often have been reached')
    .addOption(new Option('--rate-free', 'none has').conflicts('rateReached'))
    .option('--nested', 'libvirt calls itself');
}

/** The call that the options describe. Throws VIRTSHIM_FILE where the XML cannot be read, VIRTSHIM_USAGE. */
export function callOf(functionName: string, options: CallOptions): CallDocument {
  const args = argumentsOf(functionName, options);
  return {
    function: functionName,
    ...(Object.keys(args).length > 0 && { arguments: args }),
    ...given({
      ...{ user: options.user, uid: options.uid, groups: options.group, auid: options.auid },
      ...{ executable: options.exe, command: options.comm, terminal: options.tty, label: options.label },
      ...{ actor: options.actor, reason: options.reason, monitorCommand: options.monitorCommand, time: options.at },
      ...{ connection: connectionOf(options), nested: options.nested },
      ...{ resource: given({ kind: options.kind, name: options.name, uuid: options.uuid }) },
      rateReached: either(options.rateReached, options.rateFree),
    }),
  };
}

function connectionOf(options: CallOptions) {
  const { uri, driver, transport, host } = options;
  return given({ uri, driver, transport, host, readOnly: either(options.readOnly, options.readWrite) });
}

function either(yes: boolean | undefined, no: boolean | undefined): boolean | undefined {
  if (yes === true) return true;
  return no === true ? false : undefined;
}

type Given<T> = { readonly [Key in keyof T]?: Exclude<T[Key], undefined> };

function given<T extends object>(facts: T): Given<T> {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Given<T>;
}

function argumentsOf(functionName: string, { arg = [], xml }: CallOptions): Record<string, ValueDocument> {
  const values: Record<string, ValueDocument> = {};
  for (const [name, text] of arg) {
    const [argument = name, field] = split(name, '.');
    values[argument] =
      field === undefined ? argumentValue(functionName, name, text) : withField(values[argument], field, text);
  }
  if (xml !== undefined) values[xmlArgument(functionName)] = readXml(xml);
  return values;
}

// Flags as in C: VIR_DOMAIN_AFFECT_LIVE|VIR_DOMAIN_AFFECT_CONFIG.
function argumentValue(functionName: string, name: string, text: string): ValueDocument {
  const arg = functionsByName.get(functionName)?.args.find((known) => known.name === name);
  return arg !== undefined && valueKindOf(arg) === 'number' && text.includes('|') ? text.split('|') : text;
}

function withField(before: ValueDocument | undefined, field: string, text: string): ValueDocument {
  const fields = typeof before === 'object' && before !== null && !Array.isArray(before) ? before : {};
  return { ...fields, [field]: scalarOf(text) };
}

function scalarOf(text: string): string | bigint | number | boolean {
  if (/^-?[0-9]+$/.test(text)) return BigInt(text);
  if (/^-?[0-9]+\.[0-9]+$/.test(text)) return Number(text);
  return text === 'true' || text === 'false' ? text === 'true' : text;
}

function xmlArgument(functionName: string): string {
  const name = xmlArgumentOf(functionName);
  if (name !== undefined || !functionsByName.has(functionName)) return name ?? 'xml';
  throw new VirtshimError('VIRTSHIM_USAGE', `\`${functionName}\` has no argument that takes XML`, {
    hint: 'XML in typed parameters: --arg params.destination_xml="$(cat FILE)"',
  });
}

function readXml(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${file}\`: ${systemReason(error)}`, { cause: error });
  }
}

/** In two at the first separator. */
function split(text: string, separator: string): [string, string] | [] {
  const at = text.indexOf(separator);
  return at < 0 ? [] : [text.slice(0, at), text.slice(at + 1)];
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

function collectAssignment(text: string, before: readonly Assignment[] = []): readonly Assignment[] {
  const [name, value] = split(text, '=');
  if (name !== undefined && value !== undefined) return [...before, [name, value]];
  throw new InvalidArgumentError('It has to be NAME=VALUE, such as flags=VIR_DOMAIN_START_PAUSED.');
}

function parseId(text: string): number {
  const id = Number(text);
  if (/^[0-9]+$/.test(text) && id <= 0xfffffffe) return id;
  throw new InvalidArgumentError('It has to be a number of a user.');
}
