/** Errors as one line for people, and as exit codes for scripts. */
import { LibvirtError, PolicyDeniedError, VirtshimError } from 'virtshim';

/** The command line makes no sense. */
export class UsageError extends Error {}

export interface Explanation {
  readonly line: string;
  readonly exitCode: number;
}

export const exitCodes = { done: 0, failed: 1, usage: 2, refused: 3 } as const;

export function explain(error: unknown): Explanation {
  const { text, exitCode } = wordsFor(error);
  return { line: text.replace(/\s+/g, ' ').trim(), exitCode };
}

function wordsFor(error: unknown): { readonly text: string; readonly exitCode: number } {
  if (error instanceof PolicyDeniedError) {
    const rule = error.rule === null ? 'no rule allows it' : `rule ${error.rule}`;
    return { text: `refused (${rule}, record ${error.recordId}): ${error.message}`, exitCode: exitCodes.refused };
  }
  if (error instanceof LibvirtError) return { text: error.message, exitCode: exitCodes.failed };
  if (error instanceof UsageError) return { text: `${error.message}; see vmctl --help`, exitCode: exitCodes.usage };
  if (error instanceof VirtshimError) {
    const hint = error.hint === undefined ? '' : ` (${error.hint})`;
    return { text: `${error.message}${hint}`, exitCode: exitCodes.failed };
  }
  return { text: error instanceof Error ? error.message : String(error), exitCode: exitCodes.failed };
}
