/** A policy that tools ask questions about: loaded and compiled, its accounts known. */
import { VirtshimError } from '../errors.js';
import { printable } from '../printable.js';
import { type Accounts, resolveAccountsSync } from './accounts.js';
import { writeImage } from './compile.js';
import { type Diagnostic, formatDiagnostic, hasErrors } from './diagnostic.js';
import { loadPolicyFile, type Policy } from './load.js';
import { lookUpIn, type NameService } from './name_service.js';
import { complainAbout, type Rule } from './rule.js';

export interface UsablePolicy {
  readonly policy: Policy;
  readonly accounts: Accounts;
  readonly image: Uint8Array;
}

/** Throws VIRTSHIM_FILE or VIRTSHIM_POLICY_MEANING where the file cannot be used. */
export function usablePolicy(file: string, names?: NameService): UsablePolicy {
  const { usable, diagnostics } = compileFile(file, names);
  if (usable === undefined) throw unusable(`policy \`${file}\` cannot be used`, diagnostics, file);
  return usable;
}

/** The policy, or what is wrong with it. Throws VIRTSHIM_FILE where it cannot be read, VIRTSHIM_USAGE for an image. */
export function compileFile(file: string, names?: NameService) {
  if (file.endsWith('.img')) {
    throw new VirtshimError('VIRTSHIM_USAGE', `\`${file}\` is compiled: the policy that it was made of is needed`);
  }
  const { policy, diagnostics } = loadPolicyFile(file);
  if (policy === undefined) return { usable: undefined, diagnostics };
  const accounts = resolveAccountsSync(policy, names && lookUpIn(names));
  const all = [...diagnostics, ...accounts.diagnostics];
  const usable = hasErrors(all) ? undefined : { policy, accounts, image: writeImage(policy, accounts) };
  return { usable, diagnostics: all };
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
