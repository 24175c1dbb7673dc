/** Policy text -> a policy whose every word is known, or what is wrong with it. */
import { resolveAuditLevels } from './audit_levels.js';
import type { Complain } from './comparison.js';
import { type Diagnostic, hasErrors, sortDiagnostics } from './diagnostic.js';
import type { AuditLevel, Effect, Mode, PolicyDocument, RulesDocument, SetName } from './document.js';
import { stringProblem } from './glob.js';
import { type Part, readIncluded } from './include.js';
import { complainAbout, type Rule, resolveRule } from './rule.js';
import { validateAgainstSchema } from './schema.js';
import { setNames } from './sets.js';
import { parseSource, type Source } from './source.js';
import { readText } from './text_file.js';

export { readText };

export interface Policy {
  readonly source: Source;
  /** Every file that it was read from, itself first. */
  readonly files: readonly string[];
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

/** Reads a policy file. Throws VIRTSHIM_FILE where it cannot be read; what is wrong inside it is in the diagnostics. */
export function loadPolicyFile(file: string): Loaded {
  return loadPolicy(readText(file), file);
}

/** The same, also of a file of rules that policies include, which is told by its `$schema`. For checking only. */
export function loadPolicyOrRules(file: string): Loaded {
  const text = readText(file);
  const { source } = parseSource(text, file);
  const { $schema } = (source.value ?? {}) as RulesDocument;
  const isRules = typeof $schema === 'string' && $schema.endsWith('rules.schema.json');
  return loadAs(isRules ? 'rules' : 'policy', text, file);
}

/**
 * Loads the text of a policy; `file` is its name in diagnostics, and what it includes is looked for beside it.
 */
export function loadPolicy(text: string, file: string): Loaded {
  return loadAs('policy', text, file);
}

function loadAs(schema: 'policy' | 'rules', text: string, file: string): Loaded {
  const { source, diagnostics } = parseSource(text, file);
  if (diagnostics.length > 0) return { policy: undefined, diagnostics };
  const violations = validateAgainstSchema(source, schema);
  if (violations.length > 0) return { policy: undefined, diagnostics: sortDiagnostics(violations) };
  const found: Diagnostic[] = [];
  const policy = resolve(source, source.value as PolicyDocument, found);
  return { policy: hasErrors(found) ? undefined : policy, diagnostics: sortDiagnostics(found) };
}

function resolve(source: Source, document: PolicyDocument, found: Diagnostic[]): Policy {
  const complain: Complain = (path, complaint) => found.push(source.complain(path, complaint));
  const included = readIncluded(source, document.include ?? [], found);
  const parts: readonly Part[] = [...included, { source, document }];
  const rules = rulesOf(parts, found);
  complainAboutRepeatedIds(rules, found);
  const problem = stringProblem(document.trail ?? '');
  if (problem !== undefined) complain(['trail'], { code: 'bad-string', message: problem });
  return {
    ...{ source, name: document.name, description: document.description, rules },
    files: [source.file, ...included.map((part) => part.source.file)],
    mode: document.mode ?? 'enforcing',
    defaults: resolveDefaults(parts, found),
    unknownApi: document.unknownApi ?? 'deny',
    onAuditFailure: document.onAuditFailure ?? 'deny',
    trail: document.trail ?? '',
    auditNetlink: document.audit?.netlink ?? true,
    auditFileAlways: document.audit?.file === 'always',
    auditLevels: resolveAuditLevels(document.audit?.levels ?? {}, complain),
  };
}

// Included rules come first, in the order of the lists that name them.
function rulesOf(parts: readonly Part[], found: Diagnostic[]): Rule[] {
  const rules: Rule[] = [];
  for (const { source, document } of parts) {
    const complain: Complain = (path, complaint) => found.push(source.complain(path, complaint));
    for (const [position, rule] of (document.rules ?? []).entries()) {
      rules.push(resolveRule(source, ['rules', position], rules.length, rule, complain));
    }
  }
  return rules;
}

function resolveDefaults(parts: readonly Part[], found: Diagnostic[]): Record<SetName, Effect> {
  const said = new Map<string, { readonly effect: Effect; readonly source: Source }>();
  for (const { source, document } of parts) {
    for (const [set, effect] of Object.entries(document.defaults ?? {})) {
      const before = said.get(set);
      if (before !== undefined && before.effect !== effect) {
        const message = `\`${before.source.file}\` sets the default of \`${set}\` to ${before.effect}`;
        found.push(source.complain(['defaults', set], { code: 'contradiction', message }));
      }
      said.set(set, { effect, source });
    }
  }
  const rest = said.get('*')?.effect ?? 'deny';
  return Object.fromEntries(setNames.map((set) => [set, said.get(set)?.effect ?? rest])) as Record<SetName, Effect>;
}

function complainAboutRepeatedIds(rules: readonly Rule[], found: Diagnostic[]): void {
  const seen = new Map<string, Rule>();
  for (const rule of rules) {
    const first = seen.get(rule.id);
    if (first === undefined) {
      seen.set(rule.id, rule);
      continue;
    }
    const { file, line } = complainAbout(first, ['id'], { code: 'duplicate-rule', message: '' });
    const message = `rule id \`${rule.id}\` is used twice, first in ${file}:${line}`;
    found.push(complainAbout(rule, ['id'], { code: 'duplicate-rule', message }));
  }
}
