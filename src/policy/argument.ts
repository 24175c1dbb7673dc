/** Conditions on a call's arguments and on the fields of its typed parameters. */
import { documentedFields, documentedType } from '../ffi/typed_fields.js';
import { type ApiArg, type ApiFunction, functions } from '../generated/api.js';
import type { Coverage } from './action.js';
import { type Comparison, ComparisonResolver, type Complain, severalUnderNot, type ValueKind } from './comparison.js';
import type { Condition } from './condition.js';
import type { ArgumentsDocument, ComparisonDocument, ComparisonsDocument } from './document.js';
import { type Glob, globProblem, hasWildcard, parseGlob } from './glob.js';
import type { Complaint, Path, Source } from './source.js';
import { suggest } from './suggest.js';

export interface ArgumentCondition extends Comparison {
  readonly name: string;
  readonly nameId: number;
}

/** A comparison of the typed parameters in an argument whose field the glob matches. */
export interface ParameterCondition extends ArgumentCondition {
  readonly field: Glob;
}

export interface ResolvedArguments {
  readonly conditions: readonly ArgumentCondition[];
  /** Typed parameters, and all that is negated. */
  readonly further: readonly Condition[];
  /** The functions that take all the arguments. */
  readonly coverage: Coverage;
}

const numberTypes: ReadonlySet<string> = new Set(['Int', 'UInt', 'Long', 'ULong', 'LongLong', 'ULongLong', 'Size']);

/** What comparisons can do with an argument, undefined for those that they cannot read. */
export function valueKindOf(arg: ApiArg): 'number' | 'string' | undefined {
  if (numberTypes.has(arg.type)) return 'number';
  return arg.type === 'String' || arg.type === 'Uuid' ? 'string' : undefined;
}

/** Resolves `arguments` of the rule at `path`; complains about what makes no sense. */
export function resolveArguments(
  source: Source,
  path: Path,
  document: ArgumentsDocument,
  coverage: Coverage,
  complain: Complain,
): ResolvedArguments {
  const { not = {}, ...comparisons } = document;
  const conditions: ArgumentCondition[] = [];
  const further: Condition[] = [];
  let remaining = coverage;
  const resolve = (steps: Path, key: string, comparison: ComparisonDocument, negated: boolean) => {
    const context: Context = { source, path: [...path, ...steps, key], key, coverage, complain };
    const at = ['arguments', ...steps, key];
    if (negated) complainAboutSeveral(context, comparison);
    if (key.includes('.')) {
      const tests = resolveParameter(context, comparison);
      further.push(...tests.map((test): Condition => ({ kind: 'parameter', steps: at, test, negated })));
      remaining = withArgument(remaining, nameOf(key), isParameters);
      return;
    }
    const { found, kinds } = resolveArgument(context, comparison);
    if (negated) further.push(...found.map((test): Condition => ({ kind: 'argument', steps: at, test, negated })));
    else conditions.push(...found);
    remaining = withArgument(remaining, key, (arg) => kinds.has(valueKindOf(arg) ?? 'boolean'));
  };
  for (const [key, comparison] of Object.entries(comparisons as ComparisonsDocument))
    resolve([], key, comparison, false);
  for (const [key, comparison] of Object.entries(not)) resolve(['not'], key, comparison, true);
  if (remaining.size === 0 && conditions.length + further.length > 1) {
    complain(path, { code: 'unknown-argument', message: "none of the rule's functions takes all these arguments" });
  }
  return { conditions, further, coverage: remaining };
}

function complainAboutSeveral({ path, key, complain }: Context, comparison: ComparisonDocument): void {
  const problem = severalUnderNot(key, comparison);
  if (problem !== undefined) complain(path, problem);
}

interface Context {
  readonly source: Source;
  readonly path: Path;
  /** The name of the argument, and the field where one is meant. */
  readonly key: string;
  readonly coverage: Coverage;
  readonly complain: Complain;
}

const where = " in any of the rule's functions";

function resolveArgument(context: Context, comparison: ComparisonDocument) {
  const { source, path, key, coverage, complain } = context;
  const args = argumentsNamed(coverage, key);
  const usable = args.map(valueKindOf).filter((kind) => kind !== undefined);
  const nameId = args[0]?.nameId;
  if (nameId === undefined || usable.length === 0) {
    complain(path, { ...unusable(context, args), atKey: true });
    return { found: [], kinds: new Set<ValueKind>(['number', 'string']) };
  }
  const compared = { what: `argument \`${key}\``, where, kinds: new Set<ValueKind>(usable) };
  const resolver = new ComparisonResolver(source, path, compared, complain);
  const found = resolver.resolve(comparison).map((one) => ({ name: key, nameId, ...one }));
  return { found, kinds: resolver.kinds };
}

function unusable({ key, coverage }: Context, args: readonly ApiArg[]): Complaint {
  if (args.some(isParameters)) {
    const message = `argument \`${key}\` holds typed parameters: name a field of it, as in \`${key}.cpu_shares\``;
    return { code: 'unknown-argument', message };
  }
  if (args.length > 0) {
    return { code: 'unknown-argument', message: `argument \`${key}\` holds nothing that can be compared` };
  }
  const known = functionsOf(coverage).flatMap((fn) => fn.args.filter((arg) => valueKindOf(arg) !== undefined));
  const suggestion = suggest(
    key,
    known.map((arg) => arg.name),
  );
  return {
    code: 'unknown-argument',
    message: `none of the rule's functions has an argument \`${key}\``,
    suggestion,
  };
}

function resolveParameter(context: Context, comparison: ComparisonDocument): ParameterCondition[] {
  const { source, path, key, coverage, complain } = context;
  const name = nameOf(key);
  const field = key.slice(name.length + 1);
  const arg = argumentsNamed(coverage, name).find(isParameters);
  const problem = arg === undefined ? noParameters(context, name) : fieldProblem(name, field);
  if (problem !== undefined || arg === undefined) {
    if (problem !== undefined) complain(path, { ...problem, atKey: true });
    return [];
  }
  const compared = { what: `field \`${field}\``, where: '', kinds: kindsOfField(field) };
  const resolver = new ComparisonResolver(source, path, compared, complain);
  const glob = parseGlob(field);
  return resolver.resolve(comparison).map((one) => ({ name, nameId: arg.nameId, field: glob, ...one }));
}

function noParameters({ coverage }: Context, name: string): Complaint {
  const known = functionsOf(coverage).flatMap((fn) => fn.args.filter(isParameters).map((arg) => arg.name));
  const message = `none of the rule's functions has typed parameters \`${name}\``;
  return { code: 'unknown-argument', message, suggestion: suggest(name, known) };
}

function fieldProblem(name: string, field: string): Complaint | undefined {
  const problem = globProblem(field);
  if (problem !== undefined) return { code: 'bad-glob', message: problem };
  if (field === '') return { code: 'unknown-argument', message: `\`${name}.\` names no field` };
  if (hasWildcard(field) || documentedType(field) !== undefined) return undefined;
  const found = suggest(field, documentedFields());
  const suggestion = found === undefined ? undefined : `${name}.${found}`;
  return { code: 'unknown-argument', message: `unknown field \`${field}\` of typed parameters`, suggestion };
}

function kindsOfField(field: string): ReadonlySet<ValueKind> {
  const type = documentedType(field);
  if (type === undefined) return new Set(['number', 'string', 'boolean']);
  if (type === 'string') return new Set(['string']);
  return new Set([type === 'boolean' ? 'boolean' : 'number']);
}

function nameOf(key: string): string {
  return key.slice(0, key.indexOf('.'));
}

function isParameters(arg: ApiArg): boolean {
  return arg.type === 'TypedParams';
}

function argumentsNamed(coverage: Coverage, name: string): ApiArg[] {
  return functionsOf(coverage).flatMap((fn) => fn.args.filter((arg) => arg.name === name));
}

function withArgument(coverage: Coverage, name: string, fits: (arg: ApiArg) => boolean): Coverage {
  const takes = (fn: ApiFunction) => fn.args.some((arg) => arg.name === name && fits(arg));
  return new Map([...coverage].filter(([id]) => takes(functionAt(id))));
}

function functionsOf(coverage: Coverage): ApiFunction[] {
  return [...coverage.keys()].map(functionAt);
}

function functionAt(id: number): ApiFunction {
  const fn = functions[id];
  if (fn === undefined) throw new RangeError(`no function ${id}`);
  return fn;
}
