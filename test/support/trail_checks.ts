// What every trail has to hold up to, checked by tools that are not ours: a real XML parser, xmllint, ausearch.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SaxesParser } from 'saxes';
import { recordBytes } from './actor.js';
import { ROOT, temporaryFolder } from './paths.js';

export const SCHEMA = join(ROOT, 'src/generated/trail.xsd');

export interface Node {
  name: string;
  attributes: Record<string, string>;
  children: Node[];
  text: string;
}

/** Throws where the line is not exactly one well-formed element. */
export function parseLine(line: string): Node {
  const open: Node[] = [];
  let root: Node | undefined;
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw new Error(`${error.message}: ${line.slice(0, 400)}`);
  });
  parser.on('opentag', (tag) => {
    const node: Node = { name: tag.name, attributes: tag.attributes as Record<string, string>, children: [], text: '' };
    open.at(-1)?.children.push(node);
    root ??= node;
    open.push(node);
  });
  parser.on('text', (text) => {
    const node = open.at(-1);
    if (node !== undefined) node.text += text;
  });
  parser.on('closetag', () => {
    open.pop();
  });
  parser.write(line).close();
  if (root === undefined) throw new Error(`no element: ${line.slice(0, 400)}`);
  return root;
}

export function childOf(node: Node | undefined, name: string): Node | undefined {
  return node?.children.find((child) => child.name === name);
}

/** One record, with the bytes that its values stand for. */
export class ReadRecord {
  readonly root: Node;
  constructor(readonly line: string) {
    this.root = parseLine(line);
  }
  get type(): string {
    return this.root.name;
  }
  get event(): string | undefined {
    return childOf(this.root, 'event')?.text;
  }
  get rid(): string | undefined {
    return this.root.attributes.rid;
  }
  get state(): string | undefined {
    return childOf(this.root, 'state')?.text;
  }
  get effect(): string | undefined {
    return childOf(this.root, 'decision')?.attributes.effect;
  }
  attribute(name: string): Buffer | undefined {
    return decoded(this.root.attributes[name]);
  }
  resource(attribute: string): Buffer | undefined {
    return decoded(childOf(this.root, 'resource')?.attributes[attribute]);
  }
  asserted(attribute: 'actor' | 'via'): Buffer | undefined {
    return decoded(childOf(this.root, 'asserted')?.attributes[attribute]);
  }
  /** undefined where nothing is asserted. */
  get assertedReason(): Buffer | undefined {
    return decoded(childOf(this.root, 'asserted')?.text);
  }
  connection(attribute: string): Buffer | undefined {
    return decoded(childOf(this.root, 'connection')?.attributes[attribute]);
  }
  param(name: string): Buffer | undefined {
    return decoded(childOf(childOf(this.root, 'param'), name)?.text);
  }
  get error(): Buffer | undefined {
    return decoded(childOf(this.root, 'error')?.text);
  }
}

function decoded(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : recordBytes(text);
}

/** The lines of trail.xml; throws where the file does not end in a line end. */
export function trailLines(trail: string): string[] {
  const text = readFileSync(join(trail, 'trail.xml'));
  if (text.length > 0 && text.at(-1) !== 0x0a) throw new Error('trail.xml does not end in a line end');
  const lines = text.toString('utf8').split('\n').slice(0, -1);
  // What is not valid UTF-8 would have been replaced by now.
  if (!Buffer.from(`${lines.join('\n')}\n`).equals(text) && lines.length > 0) throw new Error('trail.xml is not UTF-8');
  return lines;
}

export function readTrail(trail: string): ReadRecord[] {
  return trailLines(trail).map((line) => new ReadRecord(line));
}

/** What xmllint says against the lines: nothing where each is well-formed and valid. */
export function schemaErrors(lines: readonly string[]): string {
  const folder = temporaryFolder('schema');
  const errors: string[] = [];
  for (let first = 0; first < lines.length; first += 500) {
    const names = lines.slice(first, first + 500).map((line, i) => {
      const name = `${first + i}.xml`;
      writeFileSync(join(folder, name), line);
      return name;
    });
    const run = spawnSync('xmllint', ['--nonet', '--noout', '--schema', SCHEMA, ...names], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (run.error !== undefined) throw run.error;
    if (run.status !== 0) errors.push(...run.stderr.split('\n').filter((line) => !line.endsWith(' validates')));
  }
  return errors.slice(0, 20).join('\n');
}

/** The lines of audit text that the real ausearch finds. Arguments may hold any bytes but NUL. */
export function ausearch(file: string | undefined, ...args: (string | Buffer)[]): string[] {
  const words = ['ausearch', ...(file === undefined ? [] : ['-if', file]), '-m', 'VIRT_CONTROL', '--raw', ...args];
  const run = spawnSync('bash', ['-c', words.map(shellWord).join(' ')], {
    encoding: 'latin1',
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 256 * 1024 * 1024,
  });
  // Who is not root may not read auditd's settings, which a log of our own does not need.
  const complaints = run.stderr.replace(
    /^(Error opening config file.*|NOTE - using built-in logs.*|<no matches>)\n/gm,
    '',
  );
  if (run.status !== 0 && complaints !== '') throw new Error(`ausearch: ${run.stderr}`);
  return run.stdout.split('\n').filter((line) => line !== '');
}

/** A word for bash that stands for exactly these bytes. */
export function shellWord(word: string | Buffer): string {
  const bytes = [...Buffer.from(word as string)];
  return `$'${bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}'`;
}
