/** Conditions on who calls, through which connection, and on what. */
import type { Complain } from './comparison.js';
import type { Condition, TextKind } from './condition.js';
import type {
  ConnectionsDocument,
  MonitorDocument,
  ResourcesDocument,
  RuleDocument,
  SubjectsDocument,
} from './document.js';
import { drivers } from './drivers.js';
import { exactGlob, type Glob, globProblem, hasWildcard, parseGlob } from './glob.js';
import type { Complaint, Path } from './source.js';
import { suggest } from './suggest.js';

/** What a rule of the image has places of its own for. */
export interface PlainConditions {
  /** Accounts by name, to be looked up on the machine that compiles. */
  readonly users: readonly string[];
  readonly uids: readonly number[];
  readonly groups: readonly string[];
  readonly uris: readonly Glob[];
  readonly drivers: readonly Glob[];
  readonly readOnly: boolean | undefined;
  readonly kinds: readonly string[];
  readonly names: readonly Glob[];
  readonly uuids: readonly Glob[];
}

/** The plain conditions of the rule at `path`; complains about words that make no sense. */
export function plainConditions(path: Path, document: RuleDocument, complain: Complain): PlainConditions {
  const { subjects, connections, resources } = document;
  const texts = new Texts(path, complain);
  return {
    ...{ users: subjects?.users ?? [], uids: subjects?.uids ?? [], groups: subjects?.groups ?? [] },
    uris: texts.globs(['connections', 'uris'], connections?.uris),
    drivers: texts.drivers(['connections', 'drivers'], connections?.drivers),
    readOnly: connections?.readOnly,
    kinds: resources?.kinds ?? [],
    names: texts.globs(['resources', 'names'], resources?.names),
    uuids: exactUuids(resources?.uuids),
  };
}

/** All other conditions of these blocks. */
export function furtherConditions(path: Path, document: RuleDocument, complain: Complain): Condition[] {
  const further = new Further(new Texts(path, complain));
  const { subjects = {}, connections = {}, resources = {}, monitor = {} } = document;
  return [
    ...further.subjects(['subjects'], subjects, false),
    ...further.connections(['connections'], connections, false),
    ...further.monitor(['monitor'], monitor, false),
    ...further.negatedAccounts(['subjects', 'not'], subjects.not ?? {}),
    ...further.subjects(['subjects', 'not'], subjects.not ?? {}, true),
    ...further.negatedConnections(['connections', 'not'], connections.not ?? {}),
    ...further.connections(['connections', 'not'], connections.not ?? {}, true),
    ...further.negatedResources(['resources', 'not'], resources.not ?? {}),
    ...further.monitor(['monitor', 'not'], monitor.not ?? {}, true),
  ];
}

class Further {
  constructor(private readonly texts: Texts) {}

  subjects(steps: Path, document: SubjectsDocument, negated: boolean): Condition[] {
    const { texts } = this;
    const auids = document.auids?.map((auid) => (auid === 'unset' ? noAuid : auid));
    return [
      ...(auids === undefined ? [] : [idCondition('auids', [...steps, 'auids'], [], auids, negated)]),
      ...this.of('executables', steps, document.executables, negated, (at, words) => texts.executables(at, words)),
      ...this.of('commands', steps, document.commands, negated, (at, words) => texts.commands(at, words)),
      ...this.of('terminals', steps, document.terminals, negated, (at, words) => texts.terminals(at, words)),
      ...this.of('labels', steps, document.labels, negated),
      ...this.of('actors', steps, document.actors, negated),
    ];
  }

  connections(steps: Path, document: ConnectionsDocument, negated: boolean): Condition[] {
    const { texts } = this;
    return [
      ...this.of('transports', steps, document.transports, negated, (_, words) => words.map(exactGlob)),
      ...this.of('hosts', steps, document.hosts, negated, (at, words) => texts.hosts(at, words)),
    ];
  }

  monitor(steps: Path, document: MonitorDocument, negated: boolean): Condition[] {
    const { commands } = document;
    if (commands === undefined) return [];
    const globs = this.texts.globs([...steps, 'commands'], commands);
    return [{ kind: 'monitor', steps: [...steps, 'commands'], globs, negated }];
  }

  negatedAccounts(steps: Path, { users, uids, groups }: SubjectsDocument): Condition[] {
    return [
      ...(users === undefined ? [] : [idCondition('uids', [...steps, 'users'], users, [], true)]),
      ...(uids === undefined ? [] : [idCondition('uids', [...steps, 'uids'], [], uids, true)]),
      ...(groups === undefined ? [] : [idCondition('gids', [...steps, 'groups'], groups, [], true)]),
    ];
  }

  negatedConnections(steps: Path, { uris, drivers: names, readOnly }: ConnectionsDocument): Condition[] {
    const { texts } = this;
    return [
      ...this.of('uris', steps, uris, true),
      ...this.of('drivers', steps, names, true, (at, words) => texts.drivers(at, words)),
      ...(readOnly === undefined
        ? []
        : [{ kind: 'readOnly', steps: [...steps, 'readOnly'], value: readOnly, negated: true } as const]),
    ];
  }

  negatedResources(steps: Path, { kinds, names, uuids }: ResourcesDocument): Condition[] {
    return [
      ...(kinds === undefined ? [] : [{ kind: 'kinds', steps: [...steps, 'kinds'], kinds, negated: true } as const]),
      ...this.of('names', steps, names, true),
      ...this.of('uuids', steps, uuids, true, (_, words) => exactUuids(words)),
    ];
  }

  private of(
    kind: TextKind,
    at: Path,
    words: readonly string[] | undefined,
    negated: boolean,
    read: (steps: Path, words: readonly string[]) => Glob[] = (steps, globs) => this.texts.globs(steps, globs),
  ): Condition[] {
    const steps = [...at, kind];
    return words === undefined ? [] : [{ kind, steps, globs: read(steps, words), negated }];
  }
}

// As the kernel has it.
const noAuid = 0xffffffff;

function idCondition(
  kind: 'uids' | 'gids' | 'auids',
  steps: Path,
  names: readonly string[],
  ids: readonly number[],
  negated: boolean,
): Condition {
  return { kind, steps, names, ids, negated };
}

function exactUuids(uuids: readonly string[] = []): Glob[] {
  return uuids.map((uuid) => exactGlob(uuid.toLowerCase()));
}

const commandBytes = 15;

/** Words that have to be such as a fact can be. */
class Texts {
  constructor(
    private readonly path: Path,
    private readonly complain: Complain,
  ) {}

  globs(steps: Path, texts: readonly string[] = []): Glob[] {
    return this.checked(steps, texts, () => undefined);
  }

  // A driver that does not exist is a misspelling: a deny rule that never matches would go unnoticed.
  drivers(steps: Path, names: readonly string[] = []): Glob[] {
    for (const [index, name] of names.entries()) {
      if (drivers.has(name)) continue;
      const suggestion = suggest(name, drivers);
      this.say([...steps, index], { code: 'unknown-driver', message: `unknown driver \`${name}\``, suggestion });
    }
    return names.map(exactGlob);
  }

  executables(steps: Path, texts: readonly string[]): Glob[] {
    return this.checked(steps, texts, (text) => {
      if (/\/(\.{0,2})(\/|$)/.test(text)) {
        return { code: 'wrong-value', message: `\`${text}\` is not the simplest form of a path, as executables are` };
      }
      if (/^[/*?]/.test(text)) return undefined;
      const message = `\`${text}\` is not an absolute path, which executables are`;
      return { code: 'wrong-value', message, suggestion: `*/${text}` };
    });
  }

  commands(steps: Path, texts: readonly string[]): Glob[] {
    return this.checked(steps, texts, (text) => {
      if (hasWildcard(text) || parseGlob(text).literal.length <= commandBytes) return undefined;
      const message = `\`${text}\` is longer than the ${commandBytes} bytes that the kernel keeps of a command`;
      return { code: 'wrong-value', message, suggestion: Buffer.from(text).subarray(0, commandBytes).toString() };
    });
  }

  terminals(steps: Path, texts: readonly string[]): Glob[] {
    return this.checked(steps, texts, (text) => {
      if (!text.startsWith('/')) return undefined;
      const message = `terminals have no folder in front of their names: \`${text}\``;
      return { code: 'wrong-value', message, suggestion: text.replace(/^\/(dev\/)?/, '') };
    });
  }

  hosts(steps: Path, texts: readonly string[]): Glob[] {
    const lower = this.checked(steps, texts, (text) => {
      if (!/[/@]/.test(text)) return undefined;
      return { code: 'wrong-value', message: `a host has neither user nor path: \`${text}\`` };
    });
    return lower.map(({ text }) => parseGlob(text.toLowerCase()));
  }

  private checked(steps: Path, texts: readonly string[], problemOf: (text: string) => Complaint | undefined): Glob[] {
    return texts.flatMap((text, index) => {
      const glob = globProblem(text);
      const problem: Complaint | undefined = glob === undefined ? problemOf(text) : { code: 'bad-glob', message: glob };
      if (problem === undefined) return [parseGlob(text)];
      this.say([...steps, index], problem);
      return [];
    });
  }

  private say(steps: Path, complaint: Complaint): void {
    this.complain([...this.path, ...steps], complaint);
  }
}
