/** Programs that measure on request: one line asks, one line answers. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** Two numbers that a program answered with; for pieces of work: ns on the wall and ns of the thread. */
export interface Answer {
  readonly first: number;
  readonly second: number;
}

export class MeasuringProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #command: string;

  constructor(command: readonly [string, ...string[]], env: Readonly<Record<string, string>>) {
    const [file, ...args] = command;
    this.#command = command.join(' ');
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...bareEnvironment(), ...env } });
    // What ends early is noticed by the missing answer.
    this.#child.stdin.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async ask(line: string): Promise<Answer> {
    this.#child.stdin.write(`${line}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`${this.#command} ended instead of answering \`${line}\``);
    const [first, second] = value.split(' ').map(Number);
    return { first: first ?? Number.NaN, second: second ?? Number.NaN };
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await ended;
  }
}

function bareEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(LD_|VIRTSHIM_|LIBVIRT_|LAUNCH_)/.test(name));
  return { ...Object.fromEntries(inherited), LC_ALL: 'C' };
}

/**
 * Asks several programs in turn, `rounds` times, so that whatever else the machine does falls on all of them.
 * Returns the answers of each, in rounds; a first round warms up and does not count.
 */
export async function interleave(
  asked: readonly { readonly process: MeasuringProcess; readonly line: string }[],
  rounds: number,
  pauseMs = 0,
): Promise<Answer[][]> {
  const answers: Answer[][] = asked.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, { process, line }] of asked.entries()) {
      const answer = await process.ask(line);
      if (round > 0) answers[index]?.push(answer);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  return answers;
}
