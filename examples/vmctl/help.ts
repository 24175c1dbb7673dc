/** What `vmctl --help` says. */
import type { Command } from './commands.js';
import { table } from './table.js';

const options = [
  ['-c, --connect URI', 'the hypervisor; by default libvirt chooses'],
  ['--policy FILE', 'a policy, JSON or compiled, that every call is judged by'],
  ['--trail FOLDER', 'where the calls are recorded'],
  ['--user NAME', 'for whom this is done: stands in the records'],
  ['--reason TEXT', 'and why'],
  ['-a, --all', 'list: guests that do not run, too'],
  ['--count N', 'events: stop after so many'],
  ['-h, --help', 'this text'],
];

const indented = (rows: readonly (readonly string[])[]) => table(rows).replace(/^/gm, '  ').trimEnd();

export function help(commands: Readonly<Record<string, Command>>): string {
  const lines = Object.entries(commands).map(([name, { operands, summary }]) => [`${name} ${operands}`, summary]);
  return `usage: vmctl [OPTION...] COMMAND [OPERAND...]

Looks after the guests of a hypervisor.

Commands:
${indented(lines)}

Options:
${indented(options)}

Exit codes: 0 done, 1 libvirt or vmctl failed, 2 wrong usage, 3 refused by a policy.
`;
}
