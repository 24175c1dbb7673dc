// Policies in tests: from a document or text to decisions, failing with the diagnostics where that is not possible.
import type { NativeDecision, NativeRequest } from '../../src/native.js';
import type { LookUp } from '../../src/policy/accounts.js';
import { checkPolicy } from '../../src/policy/check.js';
import { compilePolicy } from '../../src/policy/compile.js';
import { formatDiagnostic } from '../../src/policy/diagnostic.js';
import type { PolicyDocument, RuleDocument } from '../../src/policy/document.js';
import { evaluate } from '../../src/policy/evaluate.js';
import { loadPolicy } from '../../src/policy/load.js';

/** A name service with two users and two groups. */
export const lookUp: LookUp = async (database, name) => {
  const known: Record<string, number> =
    database === 'passwd' ? { alice: 1001, bob: 1002 } : { operators: 2001, admins: 2002 };
  return known[name];
};

export async function imageOf(document: PolicyDocument): Promise<Uint8Array> {
  const { policy, diagnostics } = loadPolicy(JSON.stringify(document, null, 2), 'test.json');
  if (policy === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  const compiled = await compilePolicy(policy, lookUp);
  if (compiled.image === undefined) throw new Error(compiled.diagnostics.map(formatDiagnostic).join('\n'));
  return compiled.image;
}

export async function decide(document: PolicyDocument, request: NativeRequest): Promise<NativeDecision> {
  return evaluate(await imageOf(document), request);
}

/** One rule over defaults that do the opposite: `rule` where it matches, else null. */
export async function matches(rule: Omit<RuleDocument, 'id'>, request: NativeRequest): Promise<boolean> {
  const rest = rule.effect === 'deny' ? 'allow' : 'deny';
  const decision = await decide({ name: 'test', defaults: { '*': rest }, rules: [{ id: 'it', ...rule }] }, request);
  return decision.rule === 'it';
}

/** The errors of loading and the warnings of checking, formatted; the file is called p.json. */
export function diagnose(document: PolicyDocument | string): string[] {
  const text = typeof document === 'string' ? document : JSON.stringify(document, null, 2);
  const { policy, diagnostics } = loadPolicy(text, 'p.json');
  const warnings = policy === undefined ? [] : checkPolicy(policy);
  return [...diagnostics, ...warnings].map(formatDiagnostic);
}
