// What the methods of the classes look like in TypeScript: the low-level functions with classes instead of pointers.
import type { FfiFunction, JsParam } from '../ffi/model.js';
import { ancestors, type ClassFacts, classNamed, classOfType } from './kinds.js';
import { type Measure, measureOf } from './measured.js';

/** What calls a low-level function with objects and returns objects. */
export interface Wrapper {
  readonly low: FfiFunction;
  /** As declared: `dconn: Connection, name?: string`. */
  readonly declared: string;
  /** As passed on: `this.pointer, dconn.pointer, name`. */
  readonly passed: string;
  /** Variables to be set before the call. */
  readonly measured: readonly (readonly [string, Measure])[];
  /** The objects that have to outlive the call; `...` stands before lists of them. */
  readonly held: readonly string[];
  /** Type of the result. */
  readonly result: string;
  /** The result, made of the expression for the low-level function's. */
  readonly wrap: (value: string) => string;
}

interface Param {
  readonly low: JsParam;
  readonly class: ClassFacts | undefined;
}

const pointers = /\bvir\w+Ptr\b/g;

/** The method of `owner` that calls `low`. Its first argument is the object itself, unless that is of another class. */
export function methodOf(owner: ClassFacts, low: FfiFunction): Wrapper {
  const params = low.jsParams.map((param) => ({ low: param, class: classIn(param.tsType) }));
  const passesItself = params[0]?.class === owner;
  const others = passesItself ? params.slice(1) : params;
  const measures = others.map((param) => measureOf(low.name, param.low.name));
  return {
    low,
    declared: [...receiver(owner, low, others), ...declarations(others.filter((_, i) => !measures[i]))].join(', '),
    passed: [...(passesItself ? ['this.pointer'] : []), ...others.map(passed)].join(', '),
    measured: others.flatMap((param, i) => (measures[i] ? [[param.low.name, measures[i]] as const] : [])),
    held: ['this', ...others.filter((param) => param.class).map(held)],
    result: resultType(low),
    wrap: (value) => wrapped(value, low, owner, others),
  };
}

/** A base class's `this` is an object of the class that extends it: said where a new object belongs to it. */
function receiver(owner: ClassFacts, low: FfiFunction, params: readonly Param[]): readonly string[] {
  const made = classIn(low.resultType);
  return owner.extended && made && parentOf(made, owner, params) === 'this' ? [`this: ${owner.name}`] : [];
}

/** A list of records with one object each. */
const records = /^readonly \((\w+) & \{ readonly (\w+): (vir\w+Ptr) \}\)\[\]$/;

function resultType(low: FfiFunction): string {
  return withClasses(low.resultType.replace(records, "readonly (Omit<$1, '$2'> & { readonly $2: $3 })[]"));
}

/** The pointers in a type become classes: `readonly virDomainPtr[]` -> `readonly Domain[]`. */
function withClasses(type: string): string {
  return type.replace(pointers, (pointer) => classOfType(pointer)?.name ?? pointer);
}

function classIn(type: string): ClassFacts | undefined {
  const pointer = type.match(pointers)?.[0];
  return pointer === undefined ? undefined : classOfType(pointer);
}

function isList(param: Param): boolean {
  return param.low.tsType.endsWith('[]');
}

function held(param: Param): string {
  return isList(param) ? `...${param.low.name}` : param.low.name;
}

/** 0 where they are left out, as in libvirt-python. */
const zeroByDefault: ReadonlySet<string> = new Set(['bandwidth', 'flags', 'stats', 'types']);

/** Parameters may be left out from where all that follow may. */
function declarations(params: readonly Param[]): readonly string[] {
  const needed = params.findLastIndex(({ low }) => !low.optional && !low.tsType.includes('null') && !hasDefault(low));
  return params.map(({ low }, i) => declaration(low, i > needed));
}

function hasDefault(param: JsParam): boolean {
  return zeroByDefault.has(param.name) && param.tsType.startsWith('number');
}

function declaration(param: JsParam, optional: boolean): string {
  const type = withClasses(param.tsType);
  if (!optional) return `${param.name}: ${type}`;
  if (!param.optional && hasDefault(param)) return `${param.name}: ${type} = 0`;
  return `${param.name}?: ${type.replace(/ \| undefined$/, '')}`;
}

function passed(param: Param): string {
  const { name, tsType } = param.low;
  if (!param.class) return name;
  if (isList(param)) return `${name}.map((each) => each.pointer)`;
  return tsType.includes('null') ? `${name}?.pointer` : `${name}.pointer`;
}

function wrapped(value: string, low: FfiFunction, owner: ClassFacts, params: readonly Param[]): string {
  const made = classIn(low.resultType);
  if (!made) return value;
  if (low.resultBorrowed) throw new Error(`${low.name} lends a ${made.name}: it needs a method written by hand`);
  const make = (pointer: string) => `new kinds.${made.name}(${pointer}, ${parentOf(made, owner, params)})`;
  const field = records.exec(low.resultType)?.[2];
  if (field !== undefined) return `${value}.map((each) => ({ ...each, ${field}: ${make(`each.${field}`)} }))`;
  return low.resultType.endsWith('[]') ? `${value}.map((each) => ${make('each')})` : make(value);
}

/** The expression for what a new object belongs to: an argument, the object itself, or what that belongs to. */
function parentOf(made: ClassFacts, owner: ClassFacts, params: readonly Param[]): string {
  if (made.parent === undefined) throw new Error(`${made.name} is opened, not found`);
  const parent = classNamed(made.parent);
  const given = params.find((param) => param.class === parent);
  if (given) return given.low.name;
  if (parent === owner) return 'this';
  if (ancestors(owner)[0] === parent) return 'this.#parent';
  throw new Error(`no ${parent.name} is known where ${owner.name} makes a ${made.name}`);
}
