/** Comparisons of values: constants resolved, integers exact. The same for arguments, typed parameters and facts of XML. */
import { constants } from '../generated/api.js';
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

export interface Comparison {
  /** A glob of JSON is `equal` to a glob here. */
  readonly operator: Operator;
  /** Booleans are 0 and 1. */
  readonly operand: bigint | Glob;
}

export type ValueKind = 'number' | 'string' | 'boolean';
export type Complain = (path: Path, complaint: Complaint) => void;

/** What is compared. */
export interface Compared {
  /** "argument `memory`" */
  readonly what: string;
  /** Where it is looked for: " in any of the rule's functions", or "". */
  readonly where: string;
  readonly kinds: ReadonlySet<ValueKind>;
}

/** What is wrong with several comparisons of a value under `not`, undefined where there is only one. */
export function severalUnderNot(name: string, comparison: ComparisonDocument): Complaint | undefined {
  if (Object.keys(comparison).length < 2) return undefined;
  const message = `under \`not\`, \`${name}\` takes one comparison: it would not be clear what several mean together`;
  return { code: 'wrong-value', message, atKey: true };
}

/** Resolves the comparisons of one value, which may be of several kinds; complains about what makes no sense. */
export class ComparisonResolver {
  /** The kinds of value that every comparison so far accepts. */
  readonly kinds: Set<ValueKind>;

  constructor(
    private readonly source: Source,
    private readonly path: Path,
    private readonly compared: Compared,
    private readonly complain: Complain,
  ) {
    this.kinds = new Set(compared.kinds);
  }

  resolve(comparison: ComparisonDocument): Comparison[] {
    const resolved: Comparison[] = [];
    for (const key of Object.keys(comparison) as (keyof ComparisonDocument)[]) {
      const operand = this.operand(key, comparison);
      if (operand !== undefined) resolved.push({ operator: key === 'glob' ? 'equal' : key, operand });
    }
    return resolved;
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

  // A string is the name of a constant where the value is a number, else the string itself.
  private equality(path: Path, operand: number | string | boolean): bigint | Glob | undefined {
    if (typeof operand === 'boolean') return this.narrow('boolean', path) ? BigInt(operand) : undefined;
    const asNumber = typeof operand === 'number' || (this.kinds.has('number') && constants.has(operand));
    if (asNumber || !this.kinds.has('string')) {
      return this.narrow('number', path) ? this.number(path, operand) : undefined;
    }
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

  private narrow(kind: ValueKind, path: Path): boolean {
    const possible = this.kinds.has(kind);
    if (!possible) {
      const message = `${this.compared.what} is not a ${kind}${this.compared.where}`;
      this.complain(path, { code: 'unknown-argument', message, atKey: true });
    }
    this.kinds.clear();
    if (possible) this.kinds.add(kind);
    return possible;
  }
}
