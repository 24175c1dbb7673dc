/** What the expressions of a polkit rule come to, along every path. */
import type {
  AssignmentExpression,
  CallExpression,
  Expression,
  Function as FunctionNode,
  MemberExpression,
  ObjectExpression,
  Pattern,
  PrivateIdentifier,
  SpreadElement,
  Super,
  UnaryExpression,
  UpdateExpression,
} from 'acorn';
import { detailOf } from './actions.js';
import { compare, member, method, not, truthOf, unknown } from './operations.js';
import { extend, type Path, type Place, type Test } from './path.js';
import { nothing, plain, results, type Value } from './values.js';

/** Something that makes the whole rule unknown, not only a value in it. */
export class Untranslatable extends Error {
  constructor(
    readonly place: Place,
    readonly why: string,
  ) {
    super(why);
  }
}

export interface Scope {
  readonly vars: ReadonlyMap<string, Value>;
  readonly parent: Scope | undefined;
  readonly depth: number;
}

export interface State {
  readonly path: Path;
  readonly scope: Scope;
}

/** What an expression comes to along one path; `thrown` where JavaScript would throw. */
export interface Fork {
  readonly state: State;
  readonly value: Value;
  readonly thrown?: true;
}

export type Done = 'normal' | 'return' | 'break' | 'continue' | 'throw';

export interface Ending {
  readonly state: State;
  readonly done: Done;
  readonly value: Value;
  readonly place: Place | undefined;
}

/** How a function ended along one path. */
export interface Outcome {
  readonly path: Path;
  readonly value: Value;
  readonly thrown: boolean;
  /** The statement that returned. */
  readonly place: Place | undefined;
}

const mostSteps = 20_000;
const deepest = 20;

type AnyExpression = Expression | PrivateIdentifier | SpreadElement | Super;

export abstract class Evaluator {
  protected steps = 0;
  protected file = '';
  protected globals: Scope = { vars: new Map(), parent: undefined, depth: 0 };
  /** The functions that were given to polkit.addRule. */
  readonly rules: { readonly rule: Value; readonly file: string; readonly place: Place }[] = [];
  /** Where polkit.addAdminRule was called: who has to give a password is no concern here. */
  readonly adminRules: Place[] = [];
  protected action: string | undefined;

  /** Runs the body of a function. */
  protected abstract enter(node: FunctionNode, args: readonly Value[], state: State): Ending[];

  protected placeOf(node: { readonly loc?: { readonly start: { line: number; column: number } } | null }): Place {
    const { line, column } = node.loc?.start ?? { line: 1, column: 0 };
    return { file: this.file, line, column: column + 1 };
  }

  protected step(node: Parameters<Evaluator['placeOf']>[0]): void {
    if (++this.steps > mostSteps) throw new Untranslatable(this.placeOf(node), 'more cases than can be looked at');
  }

  protected after(forks: readonly Fork[], next: (state: State, value: Value) => Ending[]): Ending[] {
    return forks.flatMap((fork) =>
      fork.thrown ? [{ ...normal(fork.state), done: 'throw' as const }] : next(fork.state, fork.value),
    );
  }

  protected bind(forks: readonly Fork[], next: (state: State, value: Value) => Fork[]): Fork[] {
    return forks.flatMap((fork) => (fork.thrown ? [fork] : next(fork.state, fork.value)));
  }

  protected map(forks: readonly Fork[], to: (value: Value) => Value | undefined): Fork[] {
    return this.bind(forks, (state, value) => {
      const mapped = to(value);
      return [mapped === undefined ? { state, value: nothing, thrown: true } : { state, value: mapped }];
    });
  }

  // What is not known could as well be missing, and asking it for something an error.
  protected mayThrow(forks: readonly Fork[]): Fork[] {
    return this.bind(forks, (state, value) => {
      if (value.is !== 'unknown') return [{ state, value }];
      const test: Test = { about: 'unknown', place: value.place, why: value.why };
      return [true, false].map((thrown) => ({
        state: { ...state, path: extend(state.path, test, thrown) ?? state.path },
        value,
        ...(thrown && { thrown }),
      }));
    });
  }

  protected choose(test: Expression, state: State, next: (state: State, truth: boolean) => Ending[]): Ending[] {
    return this.after(this.evaluate(test, state), (after, value) =>
      this.decide(value, after, this.placeOf(test)).flatMap((fork) => next(fork.state, fork.truth)),
    );
  }

  /** Along which paths the value is true, and along which it is false. */
  protected decide(value: Value, state: State, place: Place): { readonly state: State; readonly truth: boolean }[] {
    const truth = truthOf(value);
    if (typeof truth === 'boolean') return [{ state, truth }];
    const blind = value.is === 'unknown' ? value : { place, why: 'whether this is empty' };
    const test: Test = truth?.test ?? { about: 'unknown', place: blind.place, why: blind.why };
    return [true, false].flatMap((holds) => {
      const path = extend(state.path, test, holds);
      return path === undefined ? [] : [{ state: { ...state, path }, truth: holds !== (truth?.negated ?? false) }];
    });
  }

  protected evaluate(node: AnyExpression, state: State): Fork[] {
    this.step(node);
    const place = this.placeOf(node);
    switch (node.type) {
      case 'Literal':
        return [
          { state, value: typeof node.value === 'bigint' ? unknown(place, 'a large integer') : plain(node.value) },
        ];
      case 'Identifier':
        return this.mayThrow([{ state, value: this.lookUp(node.name, state.scope, place) }]);
      case 'ArrayExpression':
        return this.evaluateAll(node.elements, state, place).map(({ state: next, values, thrown }) => ({
          state: next,
          value: { is: 'list', items: values },
          ...(thrown && { thrown }),
        }));
      case 'ObjectExpression':
        return this.object(node, state);
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        return [{ state, value: { is: 'function', node, depth: state.scope.depth } }];
      case 'MemberExpression':
        return this.member(node, state);
      case 'CallExpression':
        return this.mayThrow(this.callExpression(node, state));
      case 'UnaryExpression':
        return this.unary(node, state);
      case 'BinaryExpression':
        return this.bind(this.evaluate(node.left, state), (next, left) =>
          this.map(this.evaluate(node.right, next), (right) => binary(node.operator, left, right, place)),
        );
      case 'LogicalExpression':
        return this.bind(this.evaluate(node.left, state), (next, left) => {
          if (node.operator === '??') return [{ state: next, value: unknown(place, 'the operator `??`') }];
          return this.decide(left, next, place).flatMap((fork) => {
            if (fork.truth === (node.operator === '||'))
              return [{ state: fork.state, value: settled(left, fork.truth) }];
            return this.evaluate(node.right, fork.state);
          });
        });
      case 'ConditionalExpression':
        return this.bind(this.evaluate(node.test, state), (next, test) =>
          this.decide(test, next, place).flatMap((fork) =>
            this.evaluate(fork.truth ? node.consequent : node.alternate, fork.state),
          ),
        );
      case 'SequenceExpression':
        return node.expressions.reduce<Fork[]>(
          (forks, expression) => this.bind(forks, (next) => this.evaluate(expression, next)),
          [{ state, value: nothing }],
        );
      case 'AssignmentExpression':
        return this.assignment(node, state);
      case 'UpdateExpression':
        return this.update(node, state);
      default:
        return [{ state, value: unknown(place, `a ${wordsOf(node.type)}`) }];
    }
  }

  protected evaluateAll(nodes: readonly (AnyExpression | null)[], state: State, place: Place) {
    let forks: { state: State; values: readonly Value[]; thrown?: true }[] = [{ state, values: [] }];
    for (const node of nodes) {
      forks = forks.flatMap((fork) => {
        if (fork.thrown) return [fork];
        if (node === null || node.type === 'SpreadElement')
          throw new Untranslatable(place, 'a list with holes or `...`');
        return this.evaluate(node, fork.state).map(({ state: next, value, thrown }) => ({
          state: next,
          values: [...fork.values, value],
          ...(thrown && { thrown }),
        }));
      });
    }
    return forks;
  }

  protected object(node: ObjectExpression, state: State): Fork[] {
    const place = this.placeOf(node);
    const keys: string[] = [];
    const values: Expression[] = [];
    for (const property of node.properties) {
      if (property.type !== 'Property' || property.computed || property.kind !== 'init') {
        throw new Untranslatable(place, 'an object with more than names and values');
      }
      keys.push(
        property.key.type === 'Identifier' ? property.key.name : String((property.key as { value?: unknown }).value),
      );
      values.push(property.value);
    }
    return this.evaluateAll(values, state, place).map(({ state: next, values: found, thrown }) => {
      const entries = new Map(keys.map((key, at): [string, Value] => [key, found[at] ?? nothing]));
      return { state: next, value: { is: 'map', entries }, ...(thrown && { thrown }) };
    });
  }

  protected lookUp(name: string, scope: Scope | undefined, place: Place): Value {
    if (name === 'undefined') return nothing;
    for (let at = scope; at !== undefined; at = at.parent) {
      const value = at.vars.get(name);
      if (value !== undefined) return value;
    }
    return unknown(place, `\`${name}\``);
  }

  protected assign(target: Pattern, value: Value, state: State): State {
    const place = this.placeOf(target);
    if (target.type !== 'Identifier') throw new Untranslatable(place, 'an assignment to more than a variable');
    if (!state.scope.vars.has(target.name))
      throw new Untranslatable(place, `a function that changes \`${target.name}\``);
    return { ...state, scope: { ...state.scope, vars: new Map([...state.scope.vars, [target.name, value]]) } };
  }

  protected assignment(node: AssignmentExpression, state: State): Fork[] {
    return this.bind(this.evaluate(node.right, state), (next, right) => {
      const { left, operator } = node;
      if (operator === '=') return [{ state: this.assign(left as Pattern, right, next), value: right }];
      if (left.type !== 'Identifier')
        throw new Untranslatable(this.placeOf(node), 'an assignment to more than a variable');
      const before = this.lookUp(left.name, next.scope, this.placeOf(node));
      const value = binary(operator.slice(0, -1), before, right, this.placeOf(node)) ?? nothing;
      return [{ state: this.assign(left, value, next), value }];
    });
  }

  protected update(node: UpdateExpression, state: State): Fork[] {
    const place = this.placeOf(node);
    if (node.argument.type !== 'Identifier') throw new Untranslatable(place, 'an assignment to more than a variable');
    const before = this.lookUp(node.argument.name, state.scope, place);
    const after = binary(node.operator.slice(1), before, plain(1), place) ?? nothing;
    return [{ state: this.assign(node.argument, after, state), value: node.prefix ? after : before }];
  }

  protected unary(node: UnaryExpression, state: State): Fork[] {
    const place = this.placeOf(node);
    return this.map(this.evaluate(node.argument, state), (value) => {
      if (node.operator === '!') return not(value, place);
      // ~-1 is 0.
      if (node.operator === '~' && value.is === 'position') return compare('!==', value, plain(-1), place);
      if (node.operator === 'typeof' && value.is === 'text') return plain('string');
      if (value.is !== 'plain')
        return value.is === 'unknown' ? value : unknown(place, `the operator \`${node.operator}\``);
      if (node.operator === '-') return plain(-Number(value.value));
      if (node.operator === '~') return plain(~Number(value.value));
      if (node.operator === 'typeof') return plain(typeof value.value);
      return unknown(place, `the operator \`${node.operator}\``);
    });
  }

  protected member(node: MemberExpression, state: State): Fork[] {
    const place = this.placeOf(node);
    return this.bind(this.evaluate(node.object, state), (next, object) =>
      this.map(this.nameOf(node, next), (name) => {
        if (object.is === 'given') return this.memberOfGiven(object.what, name, place);
        return member(object, name, place);
      }).flatMap((fork) => (object.is === 'unknown' ? this.mayThrow([fork]) : [fork])),
    );
  }

  protected nameOf(node: MemberExpression, state: State): Fork[] {
    const { property, computed } = node;
    if (!computed && property.type === 'Identifier') return [{ state, value: plain(property.name) }];
    return this.evaluate(property, state);
  }

  protected memberOfGiven(what: Extract<Value, { is: 'given' }>['what'], name: Value, place: Place): Value {
    const key = name.is === 'plain' ? String(name.value) : '?';
    if (what === 'action' && key === 'id') return plain(this.action);
    if (what === 'subject' && key === 'user') return { is: 'text', of: 'user' };
    if (what === 'subject' && key === 'groups') return { is: 'groups' };
    if (what === 'polkit' && key === 'Result') return { is: 'given', what: 'results' };
    if (what === 'results') return plain(Object.hasOwn(results, key) ? results[key] : undefined);
    return unknown(place, `\`${what}.${key}\``);
  }

  // Calls

  protected callExpression(node: CallExpression, state: State): Fork[] {
    const { callee } = node;
    const place = this.placeOf(node);
    if (node.optional) return [{ state, value: unknown(place, 'the operator `?.`') }];
    if (callee.type !== 'MemberExpression') {
      return this.bind(this.evaluate(callee, state), (next, fn) =>
        this.withArguments(node, next, (args, after) => this.call(fn, args, after, place)),
      );
    }
    return this.bind(this.evaluate(callee.object, state), (next, object) =>
      this.bind(this.nameOf(callee, next), (named, name) =>
        this.withArguments(node, named, (args, after) => {
          const key = name.is === 'plain' ? String(name.value) : '';
          if (object.is === 'given') return [{ state: after, value: this.callGiven(object.what, key, args, place) }];
          if (object.is === 'map') return this.call(object.entries.get(key) ?? nothing, args, after, place);
          if (object.is === 'list' && (key === 'some' || key === 'every')) {
            return this.someOf(object.items, args[0] ?? nothing, key === 'some', after, place);
          }
          return this.map([{ state: after, value: object }], (value) => method(value, key, args, place));
        }),
      ),
    );
  }

  protected withArguments(
    node: CallExpression,
    state: State,
    next: (args: readonly Value[], state: State) => Fork[],
  ): Fork[] {
    return this.evaluateAll(node.arguments, state, this.placeOf(node)).flatMap((fork) =>
      fork.thrown ? [{ state: fork.state, value: nothing, thrown: fork.thrown }] : next(fork.values, fork.state),
    );
  }

  protected callGiven(what: string, name: string, [first = nothing]: readonly Value[], place: Place): Value {
    const text = first.is === 'plain' && typeof first.value === 'string' ? first.value : undefined;
    if (what === 'action' && name === 'lookup' && text !== undefined) return this.detail(text, place);
    if (what === 'subject' && name === 'isInGroup' && text !== undefined) {
      return { is: 'test', test: { about: 'group', group: text }, negated: false };
    }
    if (what === 'polkit' && name === 'log') return nothing;
    if (what === 'polkit' && name === 'addAdminRule') {
      this.adminRules.push(place);
      return nothing;
    }
    if (what === 'polkit' && name === 'addRule' && this.action === undefined) {
      this.rules.push({ rule: first, file: this.file, place });
      return nothing;
    }
    return unknown(place, `\`${what}.${name}(${text === undefined ? '' : JSON.stringify(text)})\``);
  }

  protected detail(name: string, place: Place): Value {
    const found = detailOf(this.action ?? '', name);
    if (found === 'absent') return nothing;
    return found === 'unknown' ? unknown(place, `the detail \`${name}\``) : { is: 'text', of: found };
  }

  protected someOf(items: readonly Value[], fn: Value, some: boolean, state: State, place: Place): Fork[] {
    const [item, ...rest] = items;
    if (item === undefined) return [{ state, value: plain(!some) }];
    return this.bind(this.call(fn, [item], state, place), (next, answer) =>
      this.decide(answer, next, place).flatMap((fork) => {
        if (fork.truth === some) return [{ state: fork.state, value: plain(some) }];
        return this.someOf(rest, fn, some, fork.state, place);
      }),
    );
  }

  protected call(
    fn: Value,
    args: readonly Value[],
    state: State,
    place: Place,
  ): (Fork & { readonly place: Place | undefined })[] {
    const { scope: caller } = state;
    if (fn.is === 'unknown') return [{ state, value: fn, place }];
    if (fn.is !== 'function') return [{ state, value: nothing, thrown: true, place }];
    const { node, depth } = fn;
    if (depth !== 0 && depth !== caller.depth) throw new Untranslatable(place, 'a function that is handed on');
    if (caller.depth > deepest || node.async || node.generator)
      throw new Untranslatable(place, 'a call of this function');
    const parent = depth === 0 ? this.globals : caller;
    const called = this.enter(node, args, {
      path: state.path,
      scope: { vars: new Map(), parent, depth: caller.depth + 1 },
    });
    return called.map(({ state: { path }, done, value, place: at }) => ({
      state: { path, scope: caller },
      value: value.is === 'function' ? unknown(place, 'a function that is handed on') : value,
      place: at,
      ...(done === 'throw' && { thrown: true as const }),
    }));
  }
}

export function normal(state: State): Ending {
  return { state, done: 'normal', value: nothing, place: undefined };
}

// What `a || b` is where `a` decided.
function settled(value: Value, truth: boolean): Value {
  return value.is === 'test' ? plain(truth) : value;
}

function binary(operator: string, left: Value, right: Value, place: Place): Value | undefined {
  if (left.is === 'unknown') return left;
  if (right.is === 'unknown') return right;
  if (operator === 'in' && left.is === 'plain' && right.is === 'map')
    return plain(right.entries.has(String(left.value)));
  if (!['+', '-', '*'].includes(operator)) return compare(operator, left, right, place);
  if (left.is !== 'plain' || right.is !== 'plain') return unknown(place, `\`${operator}\` on what only the call tells`);
  const [a, b] = [left.value as number, right.value as number];
  if (operator === '+') return plain(a + b);
  return plain(operator === '-' ? a - b : a * b);
}

/** `TryStatement` -> `try statement`. */
export function wordsOf(type: string): string {
  return type.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}
