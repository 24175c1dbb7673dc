// Drives test/fixtures/injection/actor.c: any bytes to any libvirt call, and what libvirt made of them.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { compile } from './compile.js';
import { ROOT, temporaryFolder } from './paths.js';
import { bareEnvironment, type ShimOptions, shimEnvironment } from './shim.js';

const SOURCES = join(ROOT, 'test/fixtures/injection');

/** Compiles `test/fixtures/injection/SOURCE`; the result is called `fileName`. */
export function compileInjection(source: string, flags: readonly string[], fileName: string): string {
  return compile({ source: join(SOURCES, source), flags, fileName });
}

/** The actor's program. */
export function actorProgram(): string {
  return compileInjection('actor.c', ['-lvirt', '-lvirt-qemu', '-lpthread', '-ldl'], 'actor');
}

/** A text is encoded as UTF-8; null is a null pointer. */
export type Argument = string | Buffer | null;
export type Command = readonly [name: string, ...args: Argument[]];

export interface Answer {
  command: string;
  result: number;
  code: number;
  /** Name of the object that came back, as libvirt spells it. */
  name: Buffer | undefined;
  message: Buffer | undefined;
}

export interface ActorRun {
  answers: Answer[];
  trail: string;
  status: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

function hex(argument: Argument): string {
  if (argument === null) return '-';
  return Buffer.from(argument as string).toString('hex') || '.';
}

function unhex(word: string | undefined): Buffer | undefined {
  return word === undefined || word === '-' ? undefined : Buffer.from(word === '.' ? '' : word, 'hex');
}

function parseAnswer(line: string): Answer {
  const [command = '', result, code, name, message] = line.split(' ');
  return { command, result: Number(result), code: Number(code), name: unhex(name), message: unhex(message) };
}

export interface ActorOptions extends ShimOptions {
  /** False: without the shim. */
  shim?: boolean;
  /** Path of another copy of the actor. */
  program?: string | undefined;
}

/** Runs the commands one after the other in one process; the first one should open a connection. */
export function act(commands: readonly Command[], options: ActorOptions = {}): ActorRun {
  const trail = options.trail ?? join(temporaryFolder('trail'), 'trail');
  const input = commands.map(([name, ...args]) => [name, ...args.map(hex)].join(' ')).join('\n');
  const run = spawnSync(options.program ?? actorProgram(), [], {
    encoding: 'utf8',
    env: options.shim === false ? bareEnvironment(options.env) : shimEnvironment(options, trail),
    input: `${input}\n`,
    timeout: options.timeout ?? 60_000,
    killSignal: 'SIGKILL',
    maxBuffer: 256 * 1024 * 1024,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  if (run.error !== undefined) throw run.error;
  const lines = run.stdout.split('\n').filter((line) => line !== '');
  return { answers: lines.map(parseAnswer), trail, status: run.status, signal: run.signal, stderr: run.stderr };
}

export const OPEN: Command = ['open', 'test:///default'];

/** The definition of a guest of the test driver whose name is these bytes, escaped for XML. */
export function domainXml(name: string | Buffer, more = ''): Buffer {
  return Buffer.concat([
    Buffer.from(`<domain type='test'><name>`),
    escapeForXml(name),
    Buffer.from(`</name>${more}<memory>1024</memory><os><type>hvm</type></os></domain>`),
  ]);
}

/** The bytes with XML's own characters as entities; others stay as they are. */
export function escapeForXml(text: string | Buffer): Buffer {
  const latin = Buffer.from(text as string).toString('latin1');
  const entities: Record<string, string> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', "'": '&apos;', '"': '&quot;' };
  return Buffer.from(
    latin.replace(/[<>&'"]/g, (c) => entities[c] ?? c),
    'latin1',
  );
}

/** The bytes that a value of trail.xml stands for: undoes the records' own escapes, after the XML parser's. */
export function recordBytes(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const out: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== 0x5c) {
      out.push(bytes[at] ?? 0);
    } else if (bytes[at + 1] === 0x5c) {
      out.push(0x5c);
      at++;
    } else {
      const digits = bytes.subarray(at + 1, at + 4).toString('latin1');
      if (!/^x[0-9A-F]{2}$/.test(digits)) throw new Error(`not an escape: \\${digits}`);
      out.push(Number.parseInt(digits.slice(1), 16));
      at += 3;
    }
  }
  return Buffer.from(out);
}
