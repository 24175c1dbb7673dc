/** Files that a policy includes: rules, taken in an order that only the files' names decide. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemReason, VirtshimError } from '../errors.js';
import type { Diagnostic } from './diagnostic.js';
import type { RulesDocument } from './document.js';
import { validateAgainstSchema } from './schema.js';
import { type Complaint, type Path, parseSource, type Source } from './source.js';
import { readText } from './text_file.js';

/** A file and what it says. */
export interface Part {
  readonly source: Source;
  readonly document: RulesDocument;
}

/** What `source` includes, depth first, each file before the one that names it; what is wrong goes to `found`. */
export function readIncluded(source: Source, paths: readonly string[], found: Diagnostic[]): Part[] {
  const reader = new IncludeReader(source.file, found);
  return reader.read(source, paths);
}

/** How a file came in: where it was named, by whom. */
interface Visit {
  readonly by: string;
  readonly line: number;
}

class IncludeReader {
  private readonly visits = new Map<string, Visit>();
  /** The real paths of the files that are being read, the outermost first. */
  private readonly open: string[] = [];

  private readonly writers: Writers;

  constructor(
    policy: string,
    private readonly found: Diagnostic[],
  ) {
    this.writers = new Writers(policy);
  }

  read(source: Source, paths: readonly string[]): Part[] {
    this.open.push(realPath(source.file));
    const parts = paths.flatMap((path, index) => this.readEntry(source, ['include', index], path));
    this.open.pop();
    return parts;
  }

  private readEntry(source: Source, at: Path, path: string): Part[] {
    const file = path.startsWith('/') ? path : join(dirname(source.file), path);
    const complain = (message: string) => this.found.push(source.complain(at, { code: 'include', message }));
    try {
      const isFolder = statSync(file).isDirectory();
      if (!isFolder) return this.readFile(source, at, file);
      const writers = this.writers.problemOf(file);
      if (writers !== undefined) complain(writers);
      const names = readdirSync(file).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
      return names.sort(byBytes).flatMap((name) => this.readFile(source, at, join(file, name)));
    } catch (error) {
      complain(error instanceof VirtshimError ? error.message : `cannot read \`${file}\`: ${systemReason(error)}`);
      return [];
    }
  }

  private readFile(source: Source, at: Path, file: string): Part[] {
    const real = realPath(file);
    const problem = this.visitProblem(real, file) ?? this.writersProblem(file);
    if (problem !== undefined) {
      this.found.push(source.complain(at, problem));
      return [];
    }
    this.visits.set(real, { by: source.file, line: source.complain(at, { code: 'include', message: '' }).line });
    const part = this.parse(file);
    if (part === undefined) return [];
    return [...this.read(part.source, part.document.include ?? []), part];
  }

  private visitProblem(real: string, file: string): Complaint | undefined {
    if (this.open.includes(real)) return { code: 'include', message: `\`${file}\` includes itself in the end` };
    const visit = this.visits.get(real);
    if (visit === undefined) return undefined;
    return { code: 'include', message: `\`${file}\` is included twice, first by ${visit.by}:${visit.line}` };
  }

  private writersProblem(file: string): Complaint | undefined {
    const message = this.writers.problemOf(file);
    return message === undefined ? undefined : { code: 'include', message };
  }

  private parse(file: string): Part | undefined {
    const { source, diagnostics } = parseSource(readText(file), file);
    const problems = diagnostics.length > 0 ? diagnostics : validateAgainstSchema(source, 'rules');
    this.found.push(...problems);
    return problems.length > 0 ? undefined : { source, document: source.value as RulesDocument };
  }
}

/** Who may change what a policy says: nobody else may change what it includes. */
class Writers {
  private readonly users: readonly (number | undefined)[];
  private readonly groups: readonly (number | undefined)[];

  constructor(policy: string) {
    const own = statSync(policy, { throwIfNoEntry: false });
    const shared = own !== undefined && (own.mode & 0o020) !== 0;
    this.users = [0, process.geteuid?.(), own?.uid];
    this.groups = [0, process.getegid?.(), shared ? own.gid : undefined];
  }

  /** What is wrong with who may write to the file or folder, or undefined. */
  problemOf(path: string): string | undefined {
    const { uid, gid, mode } = statSync(path);
    const groupMayWrite = (mode & 0o020) !== 0 && !this.groups.includes(gid);
    if (groupMayWrite || (mode & 0o002) !== 0) return `others may write to \`${path}\`, chmod go-w it`;
    return this.users.includes(uid) ? undefined : `\`${path}\` belongs to user ${uid}, who could change this policy`;
  }
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

// A policy that was never a file has a name all the same.
function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
