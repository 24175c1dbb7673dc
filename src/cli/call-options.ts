/** The options that describe a call; call-description.ts makes a call of them. */
import { type Command, InvalidArgumentError, Option } from 'commander';

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

export type Assignment = readonly [name: string, value: string];

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

/** In two at the first separator. */
export function split(text: string, separator: string): [string, string] | [] {
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
