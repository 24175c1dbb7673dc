/** Policy text -> a policy whose every word is known, or what is wrong with it. */
import { readFileSync } from 'node:fs';
import { systemReason, VirtshimError } from '../errors.js';
import { resolveAuditLevels } from './audit_levels.js';
import { type Diagnostic, hasErrors, sortDiagnostics } from './diagnostic.js';
import type { AuditLevel, Effect, Mode, PolicyDocument, SetName } from './document.js';
import { stringProblem } from './glob.js';
import { type Rule, resolveRule } from './rule.js';
import { validateAgainstSchema } from './schema.js';
import { setNames } from './sets.js';
import { type Complaint, type Path, parseSource, type Source } from './source.js';

export interface Policy {
  readonly source: Source;
  readonly name: string;
  readonly description: string | undefined;
  readonly mode: Mode;
  readonly defaults: Readonly<Record<SetName, Effect>>;
  readonly unknownApi: Effect;
  readonly onAuditFailure: Effect;
  /** Absolute path of the trail's folder, or '' where the policy names none. */
  readonly trail: string;
  readonly auditNetlink: boolean;
  readonly auditFileAlways: boolean;
  /** By function id. */
  readonly auditLevels: readonly AuditLevel[];
  readonly rules: readonly Rule[];
}

export interface Loaded {
  /** Undefined where there is any error. */
  readonly policy: Policy | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

const maxFileSize = 16 * 1024 * 1024;

/** Reads a policy file. Throws VIRTSHIM_FILE where it cannot be read; what is wrong inside it is in the diagnostics. */
export function loadPolicyFile(file: string): Loaded {
  return loadPolicy(readText(file), file);
}

/** Loads the text of a policy; `file` is its name in diagnostics. */
export function loadPolicy(text: string, file: string): Loaded {
  const { source, diagnostics } = parseSource(text, file);
  if (diagnostics.length > 0) return { policy: undefined, diagnostics };
  const violations = validateAgainstSchema(source, 'policy');
  if (violations.length > 0) return { policy: undefined, diagnostics: sortDiagnostics(violations) };
  const found: Diagnostic[] = [];
  const policy = resolve(source, source.value as PolicyDocument, (path, complaint) =>
    found.push(source.complain(path, complaint)),
  );
  return { policy: hasErrors(found) ? undefined : policy, diagnostics: sortDiagnostics(found) };
}

/** The text of a file in UTF-8. Throws VIRTSHIM_FILE. */
export function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${file}\`: ${systemReason(error)}`, { cause: error });
  }
  if (bytes.length > maxFileSize) throw new VirtshimError('VIRTSHIM_FILE', `\`${file}\` is larger than 16 MiB`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new VirtshimError('VIRTSHIM_FILE', `\`${file}\` is not UTF-8`, { cause: error });
  }
}

type Complain = (path: Path, complaint: Complaint) => void;

function resolve(source: Source, document: PolicyDocument, complain: Complain): Policy {
  const rules = (document.rules ?? []).map((rule, index) => resolveRule(source, index, rule, complain));
  complainAboutRepeatedIds(rules, complain);
  const problem = stringProblem(document.trail ?? '');
  if (problem !== undefined) complain(['trail'], { code: 'bad-string', message: problem });
  return {
    ...{ source, name: document.name, description: document.description, rules },
    mode: document.mode ?? 'enforcing',
    defaults: resolveDefaults(document),
    unknownApi: document.unknownApi ?? 'deny',
    onAuditFailure: document.onAuditFailure ?? 'deny',
    trail: document.trail ?? '',
    auditNetlink: document.audit?.netlink ?? true,
    auditFileAlways: document.audit?.file === 'always',
    auditLevels: resolveAuditLevels(document.audit?.levels ?? {}, complain),
  };
}

function resolveDefaults({ defaults = {} }: PolicyDocument): Record<SetName, Effect> {
  const rest = defaults['*'] ?? 'deny';
  return Object.fromEntries(setNames.map((set) => [set, defaults[set] ?? rest])) as Record<SetName, Effect>;
}

function complainAboutRepeatedIds(rules: readonly Rule[], complain: Complain): void {
  const seen = new Set<string>();
  for (const rule of rules) {
    if (seen.has(rule.id)) {
      complain(['rules', rule.index, 'id'], {
        code: 'duplicate-rule',
        message: `rule id \`${rule.id}\` is used twice`,
      });
    }
    seen.add(rule.id);
  }
}
