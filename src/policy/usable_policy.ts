/** A policy that tools ask questions about: loaded and compiled, its accounts known. */
import { VirtshimError } from '../errors.js';
import { printable } from '../printable.js';
import { type Accounts, resolveAccounts } from './accounts.js';
import { writeImage } from './compile.js';
import { type Diagnostic, formatDiagnostic, hasErrors } from './diagnostic.js';
import { loadPolicyFile, type Policy } from './load.js';
import { lookUpOf, type NameService } from './name_service.js';
import { complainAbout, type Rule } from './rule.js';

export interface UsablePolicy {
  readonly policy: Policy;
  readonly accounts: Accounts;
  readonly image: Uint8Array;
}

/** Throws VIRTSHIM_FILE or VIRTSHIM_POLICY_MEANING where the file cannot be used. */
export async function usablePolicy(file: string, names?: NameService): Promise<UsablePolicy> {
  const { policy, diagnostics } = loadPolicyFile(file);
  if (policy === undefined) throw unusable(`policy \`${file}\` cannot be used`, diagnostics, file);
  const accounts = await resolveAccounts(policy, lookUpOf(names));
  if (hasErrors(accounts.diagnostics)) throw unusable(`policy \`${file}\` cannot be used`, accounts.diagnostics, file);
  return { policy, accounts, image: writeImage(policy, accounts) };
}

/** The errors among the diagnostics, one a line under `what`. */
export function unusable(what: string, diagnostics: readonly Diagnostic[], file?: string): VirtshimError {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const lines = errors.map((diagnostic) => `  ${printable(formatDiagnostic(diagnostic))}`);
  const hint = file === undefined ? {} : { hint: `virtshim policy check ${file}` };
  return new VirtshimError('VIRTSHIM_POLICY_MEANING', [what, ...lines].join('\n'), hint);
}

/** Where a rule stands. */
export interface RulePlace {
  readonly file: string;
  readonly line: number;
  /** RFC 6901, within the file. */
  readonly pointer: string;
}

export function placeOf(rule: Rule): RulePlace {
  const { file, line } = complainAbout(rule, ['id'], { code: 'wrong-value', message: '' });
  return { file, line, pointer: rule.path.map((step) => `/${step}`).join('') };
}
