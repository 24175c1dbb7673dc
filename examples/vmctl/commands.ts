/** The commands, by their names. */
import { readFileSync } from 'node:fs';
import { type Connection, constants, type Domain } from 'virtshim';
import { attach } from './console.js';
import { explain } from './failures.js';
import { follow } from './follow.js';
import type { Invocation } from './options.js';
import { printable, table } from './table.js';

export interface Command {
  readonly operands: string;
  readonly summary: string;
  /** How many operands, at least and at most. */
  readonly takes: readonly [number, number];
  /** Resolves with the exit code. */
  run(connection: Connection, operands: readonly string[], invocation: Invocation): Promise<number>;
}

const any = Number.POSITIVE_INFINITY;

export const commands: Readonly<Record<string, Command>> = {
  list: { operands: '[--all]', summary: 'the guests that run, or all', takes: [0, 0], run: list },
  start: onGuests('starts defined guests', (guest) => guest.create(), 'started'),
  suspend: onGuests('pauses guests', (guest) => guest.suspend(), 'suspended'),
  resume: onGuests('lets paused guests go on', (guest) => guest.resume(), 'resumed'),
  shutdown: onGuests('asks guests to shut down', (guest) => guest.shutdown(), 'is being shut down'),
  destroy: onGuests('pulls the plug', (guest) => guest.destroy(), 'destroyed'),
  define: { operands: 'FILE', summary: 'defines a guest by its XML', takes: [1, 1], run: define },
  dumpxml: { operands: 'GUEST', summary: 'the XML of a guest', takes: [1, 1], run: dumpxml },
  events: { operands: '[GUEST]', summary: 'what happens to guests, until interrupted', takes: [0, 1], run: follow },
  console: { operands: 'GUEST [DEVICE]', summary: 'the serial console; Ctrl+] leaves', takes: [1, 2], run: attach },
};

/** A command that does the same to each guest; what fails for one does not keep it from the others. */
function onGuests(summary: string, act: (guest: Domain) => Promise<unknown>, done: string): Command {
  const run = async (connection: Connection, guests: readonly string[]): Promise<number> => {
    let exitCode = 0;
    for (const name of guests) {
      try {
        await act(await connection.lookupByName(name));
        process.stdout.write(`${printable(name)} ${done}\n`);
      } catch (error) {
        const failure = explain(error);
        process.stderr.write(`vmctl: ${printable(name)}: ${failure.line}\n`);
        exitCode = Math.max(exitCode, failure.exitCode);
      }
    }
    return exitCode;
  };
  return { operands: 'GUEST...', summary, takes: [1, any], run };
}

const states: Readonly<Record<number, string>> = {
  [constants.VIR_DOMAIN_NOSTATE]: 'no state',
  [constants.VIR_DOMAIN_RUNNING]: 'running',
  [constants.VIR_DOMAIN_BLOCKED]: 'blocked',
  [constants.VIR_DOMAIN_PAUSED]: 'paused',
  [constants.VIR_DOMAIN_SHUTDOWN]: 'shutting down',
  [constants.VIR_DOMAIN_SHUTOFF]: 'shut off',
  [constants.VIR_DOMAIN_CRASHED]: 'crashed',
  [constants.VIR_DOMAIN_PMSUSPENDED]: 'asleep',
};

async function rowOf(guest: Domain): Promise<string[]> {
  const [id, name, info] = await Promise.all([guest.ID(), guest.name(), guest.info()]);
  const memory = `${Math.round(Number(info.memory) / 1024)} MiB`;
  return [id < 0 ? '-' : String(id), name, states[info.state] ?? String(info.state), String(info.nrVirtCpu), memory];
}

async function list(connection: Connection, _: readonly string[], { all }: Invocation): Promise<number> {
  const guests = await connection.listAllDomains(all ? 0 : constants.VIR_CONNECT_LIST_DOMAINS_ACTIVE);
  const rows = await Promise.all(guests.map(rowOf));
  rows.sort(([, one = ''], [, other = '']) => (one < other ? -1 : 1));
  process.stdout.write(table([['ID', 'NAME', 'STATE', 'CPUS', 'MEMORY'], ...rows]));
  return 0;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`cannot read \`${file}\`: ${error instanceof Error ? error.message : error}`);
  }
}

async function define(connection: Connection, [file = '']: readonly string[]): Promise<number> {
  const guest = await connection.defineXML(textOf(file));
  process.stdout.write(`${printable(await guest.name())} defined\n`);
  return 0;
}

async function dumpxml(connection: Connection, [name = '']: readonly string[]): Promise<number> {
  const guest = await connection.lookupByName(name);
  process.stdout.write(await guest.XMLDesc());
  return 0;
}
