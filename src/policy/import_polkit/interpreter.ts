/** Runs a polkit rule for one action along every path that the subject and the details could take it. */
import type {
  ForOfStatement,
  ForStatement,
  Function as FunctionNode,
  Statement,
  SwitchStatement,
  VariableDeclaration,
} from 'acorn';
import { declaredTwice, hoisted } from './declarations.js';
import {
  type Ending,
  Evaluator,
  normal,
  type Outcome,
  type Scope,
  type State,
  Untranslatable,
  wordsOf,
} from './evaluator.js';
import { compare } from './operations.js';
import type { Path } from './path.js';
import { nothing, type Value } from './values.js';

export { type Outcome, Untranslatable } from './evaluator.js';

const mostTurns = 1000;

export class Interpreter extends Evaluator {
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

  protected enter(node: FunctionNode, args: readonly Value[], state: State): Ending[] {
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
