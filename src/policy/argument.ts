/** Comparisons of a call's arguments: names and constants resolved, integers exact. */
import { type ApiArg, type ApiFunction, constants, functions } from '../generated/api.js';
import type { Coverage } from './action.js';
import type { ComparisonDocument } from './document.js';
import { exactGlob, type Glob, globProblem, parseGlob, stringProblem } from './glob.js';
import type { Complaint, Path, Source } from './source.js';
import { suggest } from './suggest.js';

/** In the order of the image's numbers. */
export const operators = [
  'equal',
  'notEqual',
  'less',
  'lessOrEqual',
  'greater',
  'greaterOrEqual',
  'hasAny',
  'hasAll',
  'hasNone',
] as const;
export type Operator = (typeof operators)[number];

export interface ArgumentCondition {
  readonly name: string;
  readonly nameId: number;
  /** A glob of JSON is `equal` to a glob here. */
  readonly operator: Operator;
  readonly operand: bigint | Glob;
}

export interface ResolvedArguments {
  readonly conditions: readonly ArgumentCondition[];
  /** The functions that take all the arguments. */
  readonly coverage: Coverage;
}

type Complain = (path: Path, complaint: Complaint) => void;
type ValueKind = 'number' | 'string';

const numberTypes: ReadonlySet<string> = new Set(['Int', 'UInt', 'Long', 'ULong', 'LongLong', 'ULongLong', 'Size']);

/** What comparisons can do with an argument, undefined for those that they cannot read. */
export function valueKindOf(arg: ApiArg): ValueKind | undefined {
  if (numberTypes.has(arg.type)) return 'number';
  return arg.type === 'String' || arg.type === 'Uuid' ? 'string' : undefined;
}

/** Resolves `arguments` of the rule at `path`; complains about what makes no sense. */
export function resolveArguments(
  source: Source,
  path: Path,
  comparisons: Readonly<Record<string, ComparisonDocument>>,
  coverage: Coverage,
  complain: Complain,
): ResolvedArguments {
  const conditions: ArgumentCondition[] = [];
  let remaining = coverage;
  for (const [name, comparison] of Object.entries(comparisons)) {
    const one = new ArgumentResolver(source, [...path, name], name, coverage, complain);
    conditions.push(...one.resolve(comparison));
    remaining = withArgument(remaining, name, one.kinds);
  }
  if (remaining.size === 0 && conditions.length > 1) {
    complain(path, { code: 'unknown-argument', message: "none of the rule's functions takes all these arguments" });
  }
  return { conditions, coverage: remaining };
}

class ArgumentResolver {
  /** The kinds of value that every comparison so far accepts. */
  readonly kinds = new Set<ValueKind>(['number', 'string']);
  private readonly args: readonly ApiArg[];

  constructor(
    private readonly source: Source,
    private readonly path: Path,
    private readonly name: string,
    private readonly coverage: Coverage,
    private readonly complain: Complain,
  ) {
    this.args = functionsOf(coverage).flatMap((fn) => fn.args.filter((arg) => arg.name === name));
  }

  resolve(comparison: ComparisonDocument): ArgumentCondition[] {
    const nameId = this.args[0]?.nameId;
    if (nameId === undefined || !this.args.some((arg) => valueKindOf(arg) !== undefined)) {
      this.complain(this.path, { ...this.unusable(), atKey: true });
      return [];
    }
    const conditions: ArgumentCondition[] = [];
    for (const key of Object.keys(comparison) as (keyof ComparisonDocument)[]) {
      const operand = this.operand(key, comparison);
      if (operand === undefined) continue;
      conditions.push({ name: this.name, nameId, operator: key === 'glob' ? 'equal' : key, operand });
    }
    return conditions;
  }

  private unusable(): Complaint {
    if (this.args.length > 0) {
      return { code: 'unknown-argument', message: `argument \`${this.name}\` holds nothing that can be compared` };
    }
    const usable = functionsOf(this.coverage).flatMap((fn) => fn.args.filter((arg) => valueKindOf(arg) !== undefined));
    const suggestion = suggest(
      this.name,
      usable.map((arg) => arg.name),
    );
    return {
      code: 'unknown-argument',
      message: `none of the rule's functions has an argument \`${this.name}\``,
      suggestion,
    };
  }

  private operand(key: keyof ComparisonDocument, comparison: ComparisonDocument): bigint | Glob | undefined {
    const path = [...this.path, key];
    switch (key) {
      case 'glob':
        return this.glob(path, comparison.glob ?? '');
      case 'hasAny':
      case 'hasAll':
      case 'hasNone':
        return this.mask(path, comparison[key] ?? []);
      case 'equal':
      case 'notEqual':
        return this.equality(path, comparison[key] ?? 0);
      default:
        return this.narrow('number', path) ? this.number(path, comparison[key] ?? 0) : undefined;
    }
  }

  private glob(path: Path, text: string): Glob | undefined {
    const problem = globProblem(text);
    if (problem !== undefined) this.complain(path, { code: 'bad-glob', message: problem });
    return problem === undefined && this.narrow('string', path) ? parseGlob(text) : undefined;
  }

  // A string is the name of a constant where the argument is a number, else the string itself.
  private equality(path: Path, operand: number | string): bigint | Glob | undefined {
    const asNumber = typeof operand === 'number' || (this.has('number') && constants.has(operand));
    if (asNumber || !this.has('string')) return this.narrow('number', path) ? this.number(path, operand) : undefined;
    const problem = stringProblem(operand);
    if (problem !== undefined) this.complain(path, { code: 'bad-string', message: problem });
    return problem === undefined && this.narrow('string', path) ? exactGlob(operand) : undefined;
  }

  private mask(path: Path, operands: readonly (number | string)[]): bigint | undefined {
    if (!this.narrow('number', path)) return undefined;
    let mask = 0n;
    for (const [index, operand] of operands.entries()) {
      const bits = this.number([...path, index], operand);
      if (bits === undefined) return undefined;
      if (bits <= 0n) {
        const message = `${this.source.textOf([...path, index])} has no bit that could be looked for`;
        this.complain([...path, index], { code: 'bad-number', message });
        return undefined;
      }
      mask |= bits;
    }
    return mask;
  }

  // From the text, not from the JavaScript number: that is exact up to 2^53 only.
  private number(path: Path, operand: number | string): bigint | undefined {
    if (typeof operand === 'string') return this.constant(path, operand);
    const text = this.source.textOf(path);
    const value = /^-?[0-9]+$/.test(text) ? BigInt(text) : undefined;
    if (value !== undefined && value >= -(2n ** 63n) && value < 2n ** 64n) return value;
    this.complain(path, { code: 'bad-number', message: `\`${text}\` is not an integer of 64 bits` });
    return undefined;
  }

  private constant(path: Path, name: string): bigint | undefined {
    const value = constants.get(name);
    if (value !== undefined) return BigInt(value);
    const suggestion = suggest(name, constants.keys());
    this.complain(path, { code: 'unknown-constant', message: `unknown constant \`${name}\``, suggestion });
    return undefined;
  }

  private has(kind: ValueKind): boolean {
    return this.kinds.has(kind) && this.args.some((arg) => valueKindOf(arg) === kind);
  }

  private narrow(kind: ValueKind, path: Path): boolean {
    const possible = this.has(kind);
    if (!possible) {
      const message = `argument \`${this.name}\` is not a ${kind} in any of the rule's functions`;
      this.complain(path, { code: 'unknown-argument', message, atKey: true });
    }
    this.kinds.clear();
    if (possible) this.kinds.add(kind);
    return possible;
  }
}

function withArgument(coverage: Coverage, name: string, kinds: ReadonlySet<ValueKind>): Coverage {
  const takes = (fn: ApiFunction) =>
    fn.args.some((arg) => {
      const kind = valueKindOf(arg);
      return arg.name === name && kind !== undefined && kinds.has(kind);
    });
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
