import { Command } from 'commander';
import { type Diagnostic, formatDiagnostic, type Severity } from '../policy/diagnostic.js';
import { printable } from '../printable.js';
import type { Outcome } from './outcome.js';
import { painter } from './style.js';
import { jsonText } from './text.js';

export function policyCheckCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('check')
    .summary('say what is wrong or doubtful in a policy')
    .description('Checks a policy: its syntax, its schema, the names in it, and rules that can hardly be meant so.')
    .argument('<file>', 'the policy, JSON')
    .option('--json', 'print a JSON array of diagnostics')
    .addHelpText(
      'after',
      `
Examples:
  virtshim policy check operator.json
  virtshim policy check --json operator.json | jq -r '.[].message'

Exit code 1 where there is an error; warnings alone leave it 0.`,
    )
    .action(async (file: string, options: { json?: boolean }) => {
      const diagnostics = await diagnose(file);
      process.stdout.write(options.json === true ? `${jsonText(diagnostics, 2)}\n` : asText(file, diagnostics));
      finish(count(diagnostics, 'error') > 0 ? 'problems' : 'ok');
    });
}

async function diagnose(file: string): Promise<readonly Diagnostic[]> {
  const { checkPolicyFile } = await import('../policy/check.js');
  return checkPolicyFile(file);
}

function asText(file: string, diagnostics: readonly Diagnostic[]): string {
  const paint = painter(process.stdout);
  const lines = diagnostics.map((diagnostic) => {
    const style = diagnostic.severity === 'error' ? 'red' : 'yellow';
    return printable(formatDiagnostic(diagnostic)).replace(/(?<=: )(error|warning)(?=: )/, (word) =>
      paint(style, word),
    );
  });
  const errors = count(diagnostics, 'error');
  const warnings = count(diagnostics, 'warning');
  const verdict = errors > 0 ? 'cannot be used' : 'can be used';
  return [
    ...lines,
    `${printable(file)} ${verdict}: ${counted(errors, 'error')}, ${counted(warnings, 'warning')}`,
    '',
  ].join('\n');
}

const counted = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;

function count(diagnostics: readonly Diagnostic[], severity: Severity): number {
  return diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
}
