import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { systemReason, VirtshimError } from '../errors.js';
import type { TestReport } from '../policy/test.js';
import { printable } from '../printable.js';
import type { Outcome } from './outcome.js';
import { painter } from './style.js';
import { jsonText } from './text.js';

interface TestCommandOptions {
  readonly policy?: string;
  readonly junit?: string;
  readonly minCoverage?: number;
  readonly json?: boolean;
}

export function policyTestCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('test')
    .summary("run policies' cases")
    .description(
      'Runs cases: calls, and what their policy is expected to say. Says of each that fails what was decided instead ' +
        'and why, and which rules no case decides.',
    )
    .argument('[files...]', 'cases (*.cases.json), policies with such a file beside them, or folders', ['.'])
    .option('-p, --policy <file>', 'judge by this policy, whatever the cases name')
    .option('--junit <file>', 'write the report as JUnit XML, too')
    .option('--min-coverage <percent>', 'fail where cases decide fewer of the rules', parsePercent)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  virtshim policy test operator.json
  virtshim policy test policies --min-coverage 100
  virtshim policy test --policy new.json operator.cases.json
  virtshim policy test policies --junit report.xml

Exit code 1 where a case fails, cannot be run, or too few rules are decided.`,
    )
    .action(async (files: string[], options: TestCommandOptions) => {
      const { coveredShare, testPolicies } = await import('../policy/test.js');
      const report = testPolicies(files, options.policy === undefined ? {} : { policy: options.policy });
      if (options.junit !== undefined) await writeJunit(options.junit, report);
      process.stdout.write(options.json === true ? `${jsonText(report, 2)}\n` : await asText(report));
      const enough = coveredShare(report.coverage) * 100 >= (options.minCoverage ?? 0);
      if (!enough) process.stderr.write(`virtshim: cases decide fewer than ${options.minCoverage}% of the rules\n`);
      finish(report.ok && enough ? 'ok' : 'problems');
    });
}

async function asText(report: TestReport): Promise<string> {
  const { testReportLines } = await import('../policy/test_text.js');
  const paint = painter(process.stdout);
  const lines = testReportLines(report).map((line) =>
    printable(line).replace(/^(PASS|FAIL)(?= )/, (word) => paint(word === 'PASS' ? 'green' : 'red', word)),
  );
  return `${lines.join('\n')}\n`;
}

async function writeJunit(file: string, report: TestReport): Promise<void> {
  const { junitXml } = await import('../policy/junit.js');
  try {
    writeFileSync(file, junitXml(report));
  } catch (error) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot write \`${file}\`: ${systemReason(error)}`, { cause: error });
  }
}

function parsePercent(text: string): number {
  const percent = Number(text);
  if (/^[0-9]+(\.[0-9]+)?$/.test(text) && percent <= 100) return percent;
  throw new InvalidArgumentError('It has to be a number from 0 to 100.');
}
