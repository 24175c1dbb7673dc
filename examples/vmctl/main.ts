#!/usr/bin/env node
/** vmctl: looks after the guests of a hypervisor. Run it with `--help`. */
import { Connection, configure, withActor } from 'virtshim';
import { type Command, commands } from './commands.js';
import { explain } from './failures.js';
import { help } from './help.js';
import { type Invocation, parse } from './options.js';

async function connected(invocation: Invocation, command: Command): Promise<number> {
  const connection = await Connection.open(invocation.uri);
  try {
    return await command.run(connection, invocation.operands, invocation);
  } finally {
    await connection.close();
  }
}

async function main(args: readonly string[]): Promise<number> {
  const invocation = parse(args, commands);
  if (invocation === 'help') {
    process.stdout.write(help(commands));
    return 0;
  }
  configure(invocation.settings);
  return withActor(invocation.actor, () => connected(invocation, invocation.command));
}

main(process.argv.slice(2)).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    const { line, exitCode } = explain(error);
    process.stderr.write(`vmctl: ${line}\n`);
    process.exitCode = exitCode;
  },
);
