/** Rules of polkit about libvirt -> the policy that says the same. */
import type * as Acorn from 'acorn';
import { VirtshimError } from '../errors.js';
import { whenNeeded } from '../when_needed.js';
import type { Note } from './import_polkit/grants.js';
import { Interpreter, Untranslatable } from './import_polkit/interpreter.js';
import { rulesOf, type Scope } from './import_polkit/rules.js';
import { readText } from './load.js';
import { policyText } from './policy_text.js';

export interface ImportedPolicy {
  /** The policy as it belongs in a file. */
  readonly text: string;
  readonly rules: number;
  /** What was left out, and what the reader has to know, in the order of the files. */
  readonly notes: readonly ImportNote[];
}

export interface ImportNote {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** Calls that polkit might permit are refused by the policy because of it. */
  readonly leftOut: boolean;
}

export interface RulesSource {
  readonly file: string;
  readonly text: string;
}

/**
 * Reads files of polkit rules, in the order in which polkit would, and writes the policy that permits what they permit.
 * What cannot be said in a policy is refused and noted. Throws VIRTSHIM_FILE where a file cannot be read, VIRTSHIM_USAGE
 * where one is not JavaScript or none speaks of libvirt.
 */
export function importPolkit(files: readonly string[], name?: string): ImportedPolicy {
  return importPolkitRules(
    files.map((file) => ({ file, text: readText(file) })),
    name,
  );
}

/** The same for texts that were read already. */
export function importPolkitRules(sources: readonly RulesSource[], name = 'polkit'): ImportedPolicy {
  const notes = new Map<string, ImportNote>();
  const say = ({ place, message, leftOut }: Note) => {
    const note = { ...place, message, leftOut };
    notes.set(JSON.stringify(note), note);
  };
  const interpreter = new Interpreter();
  const scope = scopeOf(sources);
  for (const source of sources) load(interpreter, source);
  for (const place of interpreter.adminRules) {
    say({ place, message: 'says who has to give a password: no concern of a policy', leftOut: false });
  }
  const rules = rulesOf(interpreter, scope, say);
  const text = policyText({
    name,
    description: `What the polkit rules in ${sources.map(({ file }) => file.split('/').at(-1)).join(', ')} permit`,
    mode: 'enforcing',
    defaults: { '*': 'deny' },
    rules,
  });
  const inOrder = [...notes.values()].sort(
    (a, b) => fileOrder(sources, a, b) || a.line - b.line || a.column - b.column,
  );
  return { text, rules: rules.length, notes: inOrder };
}

function fileOrder(sources: readonly RulesSource[], a: ImportNote, b: ImportNote): number {
  const place = ({ file }: ImportNote) => sources.findIndex((source) => source.file === file);
  return place(a) - place(b);
}

function load(interpreter: Interpreter, source: RulesSource): void {
  const { body } = parsed(source, ({ parse }) => parse(source.text, syntax));
  try {
    interpreter.load(source.file, body as Acorn.Statement[]);
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    // Rules that stand behind it could say no to what the others permit.
    throw new VirtshimError(
      'VIRTSHIM_USAGE',
      `${placeText(error.place)}: cannot be followed outside of a rule: ${error.why}`,
      {
        hint: 'move it into the rules that need it, or take it out',
      },
    );
  }
}

const syntax: Acorn.Options = { ecmaVersion: 'latest', sourceType: 'script', locations: true };

function parsed<T>({ file }: RulesSource, parse: (acorn: typeof Acorn) => T): T {
  try {
    return parse(whenNeeded('acorn'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { line = 1, column = 0 } = (error as { loc?: { line: number; column: number } }).loc ?? {};
    const message = error.message.replace(/ \(\d+:\d+\)$/, '').replace(/^./, (letter) => letter.toLowerCase());
    throw new VirtshimError('VIRTSHIM_USAGE', `${placeText({ file, line, column: column + 1 })}: ${message}`);
  }
}

function placeText({ file, line, column }: { file: string; line: number; column: number }): string {
  return `${file}:${line}:${column}`;
}

/** Rules that name actions of one kind only leave the others to whoever configured libvirt. */
function scopeOf(sources: readonly RulesSource[]): Scope {
  const words = sources.flatMap((source) =>
    parsed(source, ({ tokenizer }) => [...tokenizer(source.text, syntax)].map(wordOf)),
  );
  const speaks = (what: string) => words.some((word) => word.includes(what));
  const calls = speaks('org.libvirt.api');
  const connections = speaks('org.libvirt.unix');
  if (calls || connections) return { calls, connections };
  if (speaks('org.libvirt')) return { calls: true, connections: true };
  throw new VirtshimError('VIRTSHIM_USAGE', 'none of the rules speaks of libvirt', {
    hint: 'actions begin with `org.libvirt.api.` or `org.libvirt.unix.`',
  });
}

function wordOf(token: Acorn.Token): string {
  const { value } = token as { value?: unknown };
  if (typeof value === 'string') return value;
  const pattern = (value as { pattern?: unknown } | null | undefined)?.pattern;
  return typeof pattern === 'string' ? pattern.replaceAll('\\', '') : '';
}
