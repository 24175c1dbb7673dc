#!/usr/bin/env node
import { CommanderError } from 'commander';
import { type ErrorCode, VirtshimError } from '../errors.js';
/** The command's entry. The only module that decides exit codes. */
import { printable } from '../printable.js';
import type { Outcome } from './outcome.js';
import { buildProgram } from './program.js';
import { painter } from './style.js';

const EXIT = {
  ok: 0,
  problems: 1,
  usage: 2,
  failed: 3,
  defect: 70,
  runFailed: 125,
  runNotExecutable: 126,
  runNotFound: 127,
} as const;

/** What commander reports for --help and --version; `virtshim` alone (commander.help) is wrong usage. */
const ANSWERED = new Set(['commander.helpDisplayed', 'commander.version']);

const EXIT_OF_CODE: Partial<Record<ErrorCode, number>> = {
  VIRTSHIM_USAGE: EXIT.usage,
  VIRTSHIM_EXEC_NOT_FOUND: EXIT.runNotFound,
  VIRTSHIM_EXEC_FAILED: EXIT.runNotExecutable,
};

async function main(argv: readonly string[]): Promise<number> {
  let outcome: Outcome = 'ok';
  try {
    await buildProgram((reported) => {
      outcome = reported;
    }).parseAsync(argv);
    return EXIT[outcome];
  } catch (error) {
    // Who scripts `run` must be able to tell virtshim's failures from the program's.
    const running = argv[2] === 'run';
    if (error instanceof CommanderError) {
      if (ANSWERED.has(error.code)) return EXIT.ok;
      return running ? EXIT.runFailed : EXIT.usage;
    }
    report(error);
    if (!(error instanceof VirtshimError)) return EXIT.defect;
    return EXIT_OF_CODE[error.code] ?? (running ? EXIT.runFailed : EXIT.failed);
  }
}

function report(error: unknown): void {
  const label = painter(process.stderr)('red', 'error:');
  if (error instanceof VirtshimError) {
    // A policy's diagnostics are lines of their own; only what could steer the terminal is escaped.
    process.stderr.write(`virtshim: ${label} ${error.message.split('\n').map(printable).join('\n')}\n`);
    if (error.hint !== undefined) process.stderr.write(`hint: ${printable(error.hint)}\n`);
    return;
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`virtshim: ${label} a defect of virtshim, please report it\n${detail}\n`);
}

/** A reader that went away (`virtshim trail show | head`) is no failure. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

process.exitCode = await main(process.argv);
