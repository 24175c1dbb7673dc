/** The command line, and what it asks for. */
import { parseArgs } from 'node:util';
import type { Actor, Settings } from 'virtshim';
import type { Command } from './commands.js';
import { UsageError } from './failures.js';

export interface Invocation {
  readonly command: Command;
  readonly operands: readonly string[];
  /** Undefined: libvirt's own choice, from LIBVIRT_DEFAULT_URI or its configuration. */
  readonly uri: string | undefined;
  readonly settings: Settings;
  readonly actor: Actor;
  /** Guests that do not run count, too. */
  readonly all: boolean;
  /** After how many events to stop. */
  readonly count: number;
}

const options = {
  connect: { type: 'string', short: 'c' },
  policy: { type: 'string' },
  trail: { type: 'string' },
  user: { type: 'string' },
  reason: { type: 'string' },
  all: { type: 'boolean', short: 'a', default: false },
  count: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Throws UsageError. */
export function parse(args: readonly string[], commands: Readonly<Record<string, Command>>): Invocation | 'help' {
  const { values, positionals } = parsed(args);
  if (values.help) return 'help';
  const [name, ...operands] = positionals;
  if (name === undefined) throw new UsageError('no command was given');
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new UsageError(`there is no command \`${name}\``);
  const [fewest, most] = command.takes;
  if (operands.length < fewest || operands.length > most)
    throw new UsageError(`usage: vmctl ${name} ${command.operands}`);
  const { connect: uri, policy, trail, user, reason, all } = values;
  return {
    ...{ command, operands, uri, all, count: countOf(values.count) },
    settings: { ...(policy !== undefined && { policy }), ...(trail !== undefined && { trail }) },
    actor: { ...(user !== undefined && { user, via: 'vmctl' }), ...(reason !== undefined && { reason }) },
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message.replace(/\. To specify.*/s, '') : String(error));
  }
}

function countOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`--count wants a whole number above 0, not \`${text}\``);
  return count;
}
