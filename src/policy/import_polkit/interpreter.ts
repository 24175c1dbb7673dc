/** Runs a polkit rule for one action along every path that the subject and the details could take it. */
import type {
  AssignmentExpression,
  CallExpression,
  Expression,
  ForOfStatement,
  ForStatement,
  Function as FunctionNode,
  MemberExpression,
  ObjectExpression,
  Pattern,
  PrivateIdentifier,
  SpreadElement,
  Statement,
  Super,
  SwitchStatement,
  UnaryExpression,
  UpdateExpression,
  VariableDeclaration,
} from 'acorn';
import { detailOf } from './actions.js';
import { declaredTwice, hoisted } from './declarations.js';
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

interface Scope {
  readonly vars: ReadonlyMap<string, Value>;
  readonly parent: Scope | undefined;
  readonly depth: number;
}

interface State {
  readonly path: Path;
  readonly scope: Scope;
}

/** What an expression comes to along one path; `thrown` where JavaScript would throw. */
interface Fork {
  readonly state: State;
  readonly value: Value;
  readonly thrown?: true;
}

type Done = 'normal' | 'return' | 'break' | 'continue' | 'throw';

interface Ending {
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
const mostTurns = 1000;
const deepest = 20;

type AnyExpression = Expression | PrivateIdentifier | SpreadElement | Super;

export class Interpreter {
  private steps = 0;
  private file = '';
  private globals: Scope = { vars: new Map(), parent: undefined, depth: 0 };
  /** The functions that were given to polkit.addRule. */
  readonly rules: { readonly rule: Value; readonly file: string; readonly place: Place }[] = [];
  /** Where polkit.addAdminRule was called: who has to give a password is no concern here. */
  readonly adminRules: Place[] = [];
  private action: string | undefined;

  /** Runs what stands outside of all functions. Throws Untranslatable. */
  load(file: string, body: readonly Statement[]): void {
    this.file = file;
    this.steps = 0;
    const polkit: Value = { is: 'given', what: 'polkit' };
    const scope = this.withHoisted(
      { ...this.globals, vars: new Map([...this.globals.vars, ['polkit', polkit]]) },
      body,
    );
    const [ending, more] = this.runAll(body, { path: [], scope });
    if (ending === undefined || more !== undefined || ending.done !== 'normal') {
      throw new Untranslatable(
        ending?.place ?? { file, line: 1, column: 1 },
        'what the file does outside of its rules',
      );
    }
    this.globals = ending.state.scope;
  }

  /** Runs a rule for an action. Throws Untranslatable. */
  run({ rule, file }: { readonly rule: Value; readonly file: string }, action: string, path: Path): Outcome[] {
    this.file = file;
    this.action = action;
    this.steps = 0;
    const given: Value[] = [
      { is: 'given', what: 'action' },
      { is: 'given', what: 'subject' },
    ];
    return this.call(rule, given, { path, scope: this.globals }, { file, line: 1, column: 1 }).map((fork) => ({
      path: fork.state.path,
      value: fork.value,
      thrown: fork.thrown === true,
      place: fork.place,
    }));
  }

  private placeOf(node: { readonly loc?: { readonly start: { line: number; column: number } } | null }): Place {
    const { line, column } = node.loc?.start ?? { line: 1, column: 0 };
    return { file: this.file, line, column: column + 1 };
  }

  private step(node: Parameters<Interpreter['placeOf']>[0]): void {
    if (++this.steps > mostSteps) throw new Untranslatable(this.placeOf(node), 'more cases than can be looked at');
  }

  // Statements

  private runAll(body: readonly Statement[], state: State): Ending[] {
    let pending: State[] = [state];
    const ended: Ending[] = [];
    for (const statement of body) {
      const next: State[] = [];
      for (const one of pending) {
        for (const ending of this.runOne(statement, one)) {
          if (ending.done === 'normal') next.push(ending.state);
          else ended.push(ending);
        }
      }
      pending = next;
    }
    return [...ended, ...pending.map(normal)];
  }

  private runOne(node: Statement, state: State): Ending[] {
    this.step(node);
    switch (node.type) {
      case 'EmptyStatement':
      case 'FunctionDeclaration':
        return [normal(state)];
      case 'ExpressionStatement':
        return this.after(this.evaluate(node.expression, state), (next) => [normal(next)]);
      case 'BlockStatement':
        return this.runAll(node.body, state);
      case 'VariableDeclaration':
        return this.declare(node, state);
      case 'IfStatement':
        return this.choose(node.test, state, (next, truth) => {
          if (truth) return this.runOne(node.consequent, next);
          return node.alternate ? this.runOne(node.alternate, next) : [normal(next)];
        });
      case 'ReturnStatement':
        return this.return(node, state);
      case 'SwitchStatement':
        return this.switch(node, state);
      case 'ForStatement':
        return this.for(node, state);
      case 'ForOfStatement':
        return this.forOf(node, state);
      case 'BreakStatement':
      case 'ContinueStatement':
        if (node.label) throw new Untranslatable(this.placeOf(node), 'a label');
        return [{ ...normal(state), done: node.type === 'BreakStatement' ? 'break' : 'continue' }];
      case 'ThrowStatement':
        return [{ ...normal(state), done: 'throw' }];
      default:
        throw new Untranslatable(this.placeOf(node), `a ${wordsOf(node.type)}`);
    }
  }

  private return(node: Extract<Statement, { type: 'ReturnStatement' }>, state: State): Ending[] {
    const place = this.placeOf(node);
    if (!node.argument) return [{ state, done: 'return', value: nothing, place }];
    return this.after(this.evaluate(node.argument, state), (next, value) => [
      { state: next, done: 'return', value, place },
    ]);
  }

  private declare(node: VariableDeclaration, state: State): Ending[] {
    let endings = [normal(state)];
    for (const { id, init } of node.declarations) {
      endings = endings.flatMap((ending) => {
        if (ending.done !== 'normal' || !init) return [ending];
        return this.after(this.evaluate(init, ending.state), (next, value) => [normal(this.assign(id, value, next))]);
      });
    }
    return endings;
  }

  private switch(node: SwitchStatement, state: State): Ending[] {
    return this.after(this.evaluate(node.discriminant, state), (next, value) => this.case(node, value, 0, next));
  }

  /** Looks on from the case with that number. */
  private case(node: SwitchStatement, value: Value, number: number, state: State): Ending[] {
    const one = node.cases[number];
    if (one === undefined) {
      const fallback = node.cases.findIndex(({ test }) => !test);
      return fallback < 0 ? [normal(state)] : this.caseBody(node, fallback, state);
    }
    if (!one.test) return this.case(node, value, number + 1, state);
    return this.after(this.evaluate(one.test, state), (next, wanted) => {
      const equal = compare('===', value, wanted, this.placeOf(one));
      return this.decide(equal, next, this.placeOf(one)).flatMap((fork) =>
        fork.truth ? this.caseBody(node, number, fork.state) : this.case(node, value, number + 1, fork.state),
      );
    });
  }

  private caseBody(node: SwitchStatement, number: number, state: State): Ending[] {
    const body = node.cases.slice(number).flatMap(({ consequent }) => consequent);
    return this.runAll(body, state).map((ending) => (ending.done === 'break' ? normal(ending.state) : ending));
  }

  private for(node: ForStatement, state: State): Ending[] {
    const { init } = node;
    if (!init) return this.turn(node, state, 0);
    const begun =
      init.type === 'VariableDeclaration'
        ? this.declare(init, state)
        : this.after(this.evaluate(init, state), (next) => [normal(next)]);
    return begun.flatMap((ending) => (ending.done === 'normal' ? this.turn(node, ending.state, 0) : [ending]));
  }

  private turn(node: ForStatement, state: State, turns: number): Ending[] {
    if (turns > mostTurns) throw new Untranslatable(this.placeOf(node), 'a loop without an end');
    const body = (next: State) =>
      this.afterTurn(this.runOne(node.body, next), (done) =>
        this.after(node.update ? this.evaluate(node.update, done) : [{ state: done, value: nothing }], (updated) =>
          this.turn(node, updated, turns + 1),
        ),
      );
    if (!node.test) return body(state);
    return this.choose(node.test, state, (next, truth) => (truth ? body(next) : [normal(next)]));
  }

  private forOf(node: ForOfStatement, state: State): Ending[] {
    const { left } = node;
    const target = left.type === 'VariableDeclaration' ? left.declarations[0]?.id : left;
    return this.after(this.evaluate(node.right, state), (next, list) => {
      if (list.is !== 'list' || target === undefined)
        throw new Untranslatable(this.placeOf(node), 'a loop over no list');
      let endings = [normal(next)];
      for (const item of list.items) {
        endings = this.afterTurn(endings, (before) => this.runOne(node.body, this.assign(target, item, before)), false);
      }
      return this.afterTurn(endings, (after) => [normal(after)]);
    });
  }

  // What goes on goes to `next`; what broke out of the loop goes on behind it.
  private afterTurn(endings: readonly Ending[], next: (state: State) => Ending[], last = true): Ending[] {
    return endings.flatMap((ending) => {
      if (ending.done === 'normal' || ending.done === 'continue') return next(ending.state);
      return ending.done === 'break' && last ? [normal(ending.state)] : [ending];
    });
  }

  // Expressions

  private after(forks: readonly Fork[], next: (state: State, value: Value) => Ending[]): Ending[] {
    return forks.flatMap((fork) =>
      fork.thrown ? [{ ...normal(fork.state), done: 'throw' as const }] : next(fork.state, fork.value),
    );
  }

  private bind(forks: readonly Fork[], next: (state: State, value: Value) => Fork[]): Fork[] {
    return forks.flatMap((fork) => (fork.thrown ? [fork] : next(fork.state, fork.value)));
  }

  private map(forks: readonly Fork[], to: (value: Value) => Value | undefined): Fork[] {
    return this.bind(forks, (state, value) => {
      const mapped = to(value);
      return [mapped === undefined ? { state, value: nothing, thrown: true } : { state, value: mapped }];
    });
  }

  // What is not known could as well be missing, and asking it for something an error.
  private mayThrow(forks: readonly Fork[]): Fork[] {
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

  private choose(test: Expression, state: State, next: (state: State, truth: boolean) => Ending[]): Ending[] {
    return this.after(this.evaluate(test, state), (after, value) =>
      this.decide(value, after, this.placeOf(test)).flatMap((fork) => next(fork.state, fork.truth)),
    );
  }

  /** Along which paths the value is true, and along which it is false. */
  private decide(value: Value, state: State, place: Place): { readonly state: State; readonly truth: boolean }[] {
    const truth = truthOf(value);
    if (typeof truth === 'boolean') return [{ state, truth }];
    const blind = value.is === 'unknown' ? value : { place, why: 'whether this is empty' };
    const test: Test = truth?.test ?? { about: 'unknown', place: blind.place, why: blind.why };
    return [true, false].flatMap((holds) => {
      const path = extend(state.path, test, holds);
      return path === undefined ? [] : [{ state: { ...state, path }, truth: holds !== (truth?.negated ?? false) }];
    });
  }

  private evaluate(node: AnyExpression, state: State): Fork[] {
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

  private evaluateAll(nodes: readonly (AnyExpression | null)[], state: State, place: Place) {
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

  private object(node: ObjectExpression, state: State): Fork[] {
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

  private lookUp(name: string, scope: Scope | undefined, place: Place): Value {
    if (name === 'undefined') return nothing;
    for (let at = scope; at !== undefined; at = at.parent) {
      const value = at.vars.get(name);
      if (value !== undefined) return value;
    }
    return unknown(place, `\`${name}\``);
  }

  private assign(target: Pattern, value: Value, state: State): State {
    const place = this.placeOf(target);
    if (target.type !== 'Identifier') throw new Untranslatable(place, 'an assignment to more than a variable');
    if (!state.scope.vars.has(target.name))
      throw new Untranslatable(place, `a function that changes \`${target.name}\``);
    return { ...state, scope: { ...state.scope, vars: new Map([...state.scope.vars, [target.name, value]]) } };
  }

  private assignment(node: AssignmentExpression, state: State): Fork[] {
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

  private update(node: UpdateExpression, state: State): Fork[] {
    const place = this.placeOf(node);
    if (node.argument.type !== 'Identifier') throw new Untranslatable(place, 'an assignment to more than a variable');
    const before = this.lookUp(node.argument.name, state.scope, place);
    const after = binary(node.operator.slice(1), before, plain(1), place) ?? nothing;
    return [{ state: this.assign(node.argument, after, state), value: node.prefix ? after : before }];
  }

  private unary(node: UnaryExpression, state: State): Fork[] {
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

  private member(node: MemberExpression, state: State): Fork[] {
    const place = this.placeOf(node);
    return this.bind(this.evaluate(node.object, state), (next, object) =>
      this.map(this.nameOf(node, next), (name) => {
        if (object.is === 'given') return this.memberOfGiven(object.what, name, place);
        return member(object, name, place);
      }).flatMap((fork) => (object.is === 'unknown' ? this.mayThrow([fork]) : [fork])),
    );
  }

  private nameOf(node: MemberExpression, state: State): Fork[] {
    const { property, computed } = node;
    if (!computed && property.type === 'Identifier') return [{ state, value: plain(property.name) }];
    return this.evaluate(property, state);
  }

  private memberOfGiven(what: Extract<Value, { is: 'given' }>['what'], name: Value, place: Place): Value {
    const key = name.is === 'plain' ? String(name.value) : '?';
    if (what === 'action' && key === 'id') return plain(this.action);
    if (what === 'subject' && key === 'user') return { is: 'text', of: 'user' };
    if (what === 'subject' && key === 'groups') return { is: 'groups' };
    if (what === 'polkit' && key === 'Result') return { is: 'given', what: 'results' };
    if (what === 'results') return plain(Object.hasOwn(results, key) ? results[key] : undefined);
    return unknown(place, `\`${what}.${key}\``);
  }

  // Calls

  private callExpression(node: CallExpression, state: State): Fork[] {
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

  private withArguments(
    node: CallExpression,
    state: State,
    next: (args: readonly Value[], state: State) => Fork[],
  ): Fork[] {
    return this.evaluateAll(node.arguments, state, this.placeOf(node)).flatMap((fork) =>
      fork.thrown ? [{ state: fork.state, value: nothing, thrown: fork.thrown }] : next(fork.values, fork.state),
    );
  }

  private callGiven(what: string, name: string, [first = nothing]: readonly Value[], place: Place): Value {
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

  private detail(name: string, place: Place): Value {
    const found = detailOf(this.action ?? '', name);
    if (found === 'absent') return nothing;
    return found === 'unknown' ? unknown(place, `the detail \`${name}\``) : { is: 'text', of: found };
  }

  private someOf(items: readonly Value[], fn: Value, some: boolean, state: State, place: Place): Fork[] {
    const [item, ...rest] = items;
    if (item === undefined) return [{ state, value: plain(!some) }];
    return this.bind(this.call(fn, [item], state, place), (next, answer) =>
      this.decide(answer, next, place).flatMap((fork) => {
        if (fork.truth === some) return [{ state: fork.state, value: plain(some) }];
        return this.someOf(rest, fn, some, fork.state, place);
      }),
    );
  }

  private call(
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

  private enter(node: FunctionNode, args: readonly Value[], state: State): Ending[] {
    const vars = new Map<string, Value>();
    for (const [at, param] of node.params.entries()) {
      if (param.type !== 'Identifier')
        throw new Untranslatable(this.placeOf(param), 'a parameter that is more than a name');
      vars.set(param.name, args[at] ?? nothing);
    }
    const { body } = node;
    if (body.type !== 'BlockStatement') {
      const place = this.placeOf(body);
      const inner = { ...state, scope: { ...state.scope, vars } };
      return this.after(this.evaluate(body, inner), (next, value) => [{ state: next, done: 'return', value, place }]);
    }
    const scope = this.withHoisted({ ...state.scope, vars }, body.body, [...vars.keys()]);
    return this.runAll(body.body, { ...state, scope });
  }

  private withHoisted(scope: Scope, body: readonly Statement[], params: readonly string[] = []): Scope {
    const twice = declaredTwice(body, params);
    if (twice !== undefined)
      throw new Untranslatable(this.placeOf(twice), `\`${twice.name}\`, which is declared twice`);
    const vars = new Map(scope.vars);
    for (const { name, node } of hoisted(body)) {
      if (node !== undefined) vars.set(name, { is: 'function', node, depth: scope.depth });
      else if (!vars.has(name)) vars.set(name, nothing);
    }
    return { ...scope, vars };
  }
}

function normal(state: State): Ending {
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
function wordsOf(type: string): string {
  return type.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}
