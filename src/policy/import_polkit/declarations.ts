/** The names that the body of a function declares, its inner functions left out. */
import type { Function as FunctionNode, Statement, VariableDeclaration } from 'acorn';

export interface Declared {
  readonly name: string;
  readonly loc?: { readonly start: { line: number; column: number } } | null;
  /** Of functions. */
  readonly node?: FunctionNode;
  /** By `let` or `const`, or as a function. */
  readonly once: boolean;
}

/** What is known from the start: functions, and variables that have no value yet. */
export function hoisted(body: readonly Statement[]): Declared[] {
  return body.flatMap(declaredIn);
}

/** A name that stands for two things at once: blocks are not told apart here. */
export function declaredTwice(body: readonly Statement[], params: readonly string[]): Declared | undefined {
  const seen = new Map<string, boolean>(params.map((name) => [name, false]));
  return hoisted(body).find(({ name, once }) => {
    const before = seen.get(name);
    seen.set(name, once);
    return before !== undefined && (once || before);
  });
}

function declaredIn(node: Statement): Declared[] {
  switch (node.type) {
    case 'VariableDeclaration':
      return variables(node);
    case 'FunctionDeclaration':
      return [{ name: node.id.name, loc: node.loc ?? null, node, once: true }];
    case 'BlockStatement':
      return node.body.flatMap(declaredIn);
    case 'IfStatement':
      return [node.consequent, ...(node.alternate ? [node.alternate] : [])].flatMap(declaredIn);
    case 'SwitchStatement':
      return node.cases.flatMap(({ consequent }) => consequent.flatMap(declaredIn));
    case 'ForStatement':
      return [...(node.init?.type === 'VariableDeclaration' ? variables(node.init) : []), ...declaredIn(node.body)];
    case 'ForOfStatement':
      return [...(node.left.type === 'VariableDeclaration' ? variables(node.left) : []), ...declaredIn(node.body)];
    default:
      return [];
  }
}

function variables({ kind, declarations }: VariableDeclaration): Declared[] {
  return declarations.flatMap(({ id }) =>
    id.type === 'Identifier' ? [{ name: id.name, loc: id.loc ?? null, once: kind !== 'var' }] : [],
  );
}
