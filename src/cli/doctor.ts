import { Command } from 'commander';
import { printable } from '../printable.js';
import type { Examination } from './doctor/examine.js';
import type { Finding } from './doctor/finding.js';
import type { Outcome } from './outcome.js';
import { painter } from './style.js';
import { jsonText, table } from './text.js';

export function doctorCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('doctor')
    .summary('find out whether this machine and this shell are fit for the shim')
    .description(
      'Examines the shim, the installed libvirt, the audit system, the trail and this shell, and proves each way in by a ' +
        'call on test:///default that has to appear in a throw-away trail. Those calls leave true records in the ' +
        "kernel's audit log where the kernel takes them.",
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  virtshim doctor
  LD_PRELOAD=$(virtshim doctor --json | jq -r .shim) virsh list

Exit code 1 where something has to be repaired.`,
    )
    .action(async (options: { json?: boolean }, command: Command) => {
      const { examine } = await import('./doctor/examine.js');
      const examination = await examine(command.parent?.version() ?? 'unknown');
      process.stdout.write(options.json === true ? `${jsonText(examination, 2)}\n` : asText(examination));
      finish(examination.findings.some((finding) => finding.state === 'problem') ? 'problems' : 'ok');
    });
}

const MARKS = { ok: ['ok', 'green'], note: ['note', 'yellow'], problem: ['problem', 'red'] } as const;

function asText({ version, findings }: Examination): string {
  const paint = painter(process.stdout);
  const rows = findings.map((finding) => [MARKS[finding.state][0], finding.topic, printable(finding.seen)]);
  const body = table(rows, (cell, row, column) => {
    const state = findings[row]?.state;
    return column === 0 && state !== undefined ? paint(MARKS[state][1], cell) : cell;
  });
  return `virtshim ${version}\n${body}${fixes(findings)}`;
}

function fixes(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ topic, fix }) => (fix === undefined ? [] : [`  ${topic}: ${printable(fix)}\n`]));
  return lines.length === 0 ? '\nnothing has to be repaired\n' : `\nto repair:\n${lines.join('')}`;
}
