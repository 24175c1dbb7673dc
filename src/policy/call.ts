/** Calls as people describe them, in cases and on the command line -> requests for the evaluator. */

import { VirtshimError } from '../errors.js';
import { type ApiArg, type ApiFunction, constants, functionsByName } from '../generated/api.js';
import type { NativeParameters, NativeRequest, NativeScalar } from '../native.js';
import { valueKindOf } from './argument.js';
import type { Diagnostic } from './diagnostic.js';
import type { NameService } from './name_service.js';
import { requestProblem } from './needs.js';
import { withSight } from './resource_sight.js';
import { validateAgainstSchema } from './schema.js';
import { type Complaint, type Path, parseSource } from './source.js';
import { suggest } from './suggest.js';

/** A number, a text (also a number or the name of a constant), NULL, a list of flags, or typed parameters by field. */
export type ValueDocument =
  | number
  | bigint
  | string
  | null
  | readonly (number | string)[]
  | Readonly<Record<string, NativeScalar>>;

/** A call; facts that are left out are unknown, arguments that are left out are 0 or NULL. */
export interface CallDocument extends Omit<NativeRequest, 'arguments' | 'auid' | 'time'> {
  readonly arguments?: Readonly<Record<string, ValueDocument>>;
  /** Stands for its number and its groups. */
  readonly user?: string;
  /** By name, beside those of `user`. */
  readonly groups?: readonly string[];
  readonly auid?: number | 'unset';
  /** ISO 8601 with a zone: `2026-01-31T22:30:00Z`. */
  readonly time?: string;
}

/** Where what is wrong with a description goes to, and how its numbers were written. */
export interface CallContext {
  readonly names: NameService;
  complain(steps: Path, complaint: Complaint): void;
  /** The characters of the value; undefined where there is only the value. */
  textOf?(steps: Path): string;
}

/**
 * The request that a described call is. Throws VIRTSHIM_USAGE where it makes no sense, be it that it has properties that
 * calls do not have: nothing is ignored.
 */
export function requestOf(call: CallDocument, names: NameService): NativeRequest {
  const { source } = parseSource(
    JSON.stringify({ cases: [{ call, expect: { effect: 'allow' } }] }, withoutBytes),
    'call',
  );
  const found = validateAgainstSchema(source, 'cases');
  if (found.length > 0) throw senseless(found);
  const request = resolveCall(call, { names, complain: (at, complaint) => found.push(source.complain(at, complaint)) });
  if (found.length > 0) throw senseless(found);
  return request;
}

// JSON has neither bytes nor large numbers; here it only has to have the form.
function withoutBytes(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' || value instanceof Uint8Array ? '' : value;
}

function senseless([first]: readonly Diagnostic[]): VirtshimError {
  const hint = first?.suggestion === undefined ? {} : { hint: `did you mean \`${first.suggestion}\`?` };
  const place = first?.pointer.replace(/^\/cases\/0\/call/, '') ?? '';
  return new VirtshimError('VIRTSHIM_USAGE', `${first?.message}${place === '' ? '' : ` at ${place}`}`, hint);
}

/** The request that the evaluator understands. What is wrong goes to the context; the request must not be judged then. */
export function resolveCall(call: CallDocument, context: CallContext): NativeRequest {
  const { user: _user, groups: _groups, arguments: given, auid, time, ...facts } = call;
  const fn = functionsByName.get(call.function);
  if (fn === undefined) {
    const suggestion = suggest(call.function, functionsByName.keys());
    const message = `unknown function \`${call.function}\``;
    context.complain(['function'], { code: 'unknown-function', message, suggestion });
    return { function: call.function };
  }
  const args = new ArgumentReader(fn, context).read(given ?? {});
  const request = {
    ...facts,
    resource: withSight(fn, facts.resource, args),
    ...resolveSubject(call, context),
    ...(auid === undefined ? {} : { auid: auid === 'unset' ? noAuid : auid }),
    ...(time === undefined ? {} : { time: resolveTime(time, context) }),
    arguments: args,
  };
  const problem = requestProblem(request);
  if (problem !== undefined) context.complain([], { code: 'wrong-value', message: problem });
  return request;
}

// As the kernel has it.
const noAuid = 0xffffffff;

function resolveSubject(call: CallDocument, { names, complain }: CallContext) {
  const { user, uid, gids, groups } = call;
  const account = user === undefined ? undefined : names.user(user);
  if (user !== undefined && account === undefined) {
    complain(['user'], { code: 'unknown-user', message: `this machine knows no user \`${user}\`` });
  }
  const more: number[] = [];
  for (const [index, name] of (groups ?? []).entries()) {
    const group = names.group(name);
    if (group !== undefined) more.push(group.gid);
    else complain(['groups', index], { code: 'unknown-group', message: `this machine knows no group \`${name}\`` });
  }
  const number = uid ?? account?.uid;
  const all = [...(gids ?? account?.gids ?? []), ...more];
  return { ...(number === undefined ? {} : { uid: number }), ...(all.length === 0 ? {} : { gids: all }) };
}

function resolveTime(time: string, { complain }: CallContext): number {
  const moment = Date.parse(time);
  if (/^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:?\d{2})$/.test(time) && !Number.isNaN(moment))
    return Math.floor(moment / 1000);
  const message = `\`${time}\` is not a time with a zone, such as \`2026-01-31T22:30:00Z\``;
  complain(['time'], { code: 'wrong-value', message });
  return 0;
}

type Value = bigint | string | null | NativeParameters;

class ArgumentReader {
  constructor(
    private readonly fn: ApiFunction,
    private readonly context: CallContext,
  ) {}

  read(given: Readonly<Record<string, ValueDocument>>): Record<string, Value> {
    const values: Record<string, Value> = {};
    for (const [name, value] of Object.entries(given)) {
      const arg = this.argument(name, isParameters(value));
      if (arg !== undefined) values[name] = this.value(['arguments', name], arg, value);
    }
    return values;
  }

  private argument(name: string, parameters: boolean): ApiArg | undefined {
    const usable = this.fn.args.filter((arg) => isUsable(arg, parameters));
    const arg = usable.find((known) => known.name === name);
    if (arg !== undefined) return arg;
    const suggestion = suggest(
      name,
      usable.map((known) => known.name),
    );
    const message = `\`${this.fn.name}\` has no argument \`${name}\` that could be given here`;
    this.context.complain(['arguments', name], { code: 'unknown-argument', message, suggestion, atKey: true });
    return undefined;
  }

  private value(steps: Path, arg: ApiArg, value: ValueDocument): Value {
    if (value === null) return null;
    if (isParameters(value)) return value;
    if (valueKindOf(arg) === 'string') return String(value);
    if (Array.isArray(value)) {
      const bits = value.map((item, index) => this.number([...steps, index], item));
      return bits.reduce((mask, bit) => mask | bit, 0n);
    }
    return this.number(steps, value as number | bigint | string);
  }

  // From the text where that is possible: the JavaScript number is exact up to 2^53 only.
  private number(steps: Path, value: number | bigint | string): bigint {
    if (typeof value === 'bigint') return value;
    const text = typeof value === 'number' ? (this.context.textOf?.(steps) ?? '') : value;
    if (/^-?[0-9]+$|^0x[0-9a-f]+$/i.test(text)) return BigInt(text);
    if (typeof value === 'number') return BigInt(value);
    const constant = constants.get(value);
    if (constant !== undefined) return BigInt(constant);
    const suggestion = suggest(value, constants.keys());
    const message = `unknown constant \`${value}\``;
    this.context.complain(steps, { code: 'unknown-constant', message, suggestion });
    return 0n;
  }
}

function isUsable(arg: ApiArg, parameters: boolean): boolean {
  return parameters ? arg.type === 'TypedParams' : valueKindOf(arg) !== undefined;
}

function isParameters(value: ValueDocument): value is Readonly<Record<string, NativeScalar>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
