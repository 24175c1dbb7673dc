/** What the sections measure with: the shim, the benchmark's own programs, and images of policies. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PolicyDocument } from '../src/policy/document.js';
import { MeasuringProcess } from './process.js';

type LoadModule = typeof import('../src/policy/load.js');
type CompileModule = typeof import('../src/policy/compile.js');

export class Workshop {
  readonly shim: string;
  readonly naiveShim: string;
  /** A folder of this run, on the file system that is measured. */
  readonly folder: string;
  /** How often each comparison is repeated. */
  readonly rounds: number;
  /** The checkout. */
  readonly root: string;
  readonly #programs: string;
  readonly #dist: string;
  #counter = 0;

  /** `root` is the checkout, built by `npm run build` and `scripts/bench`. */
  constructor(root: string, rounds: number) {
    this.rounds = rounds;
    this.root = root;
    this.shim = process.env.VIRTSHIM_BENCH_SHIM ?? join(root, 'build/Release/libvirtshim.so');
    this.#dist = process.env.VIRTSHIM_BENCH_DIST ?? join(root, 'dist');
    this.#programs = join(root, 'build/bench/programs');
    this.naiveShim = join(this.#programs, 'libnaive.so');
    if (!existsSync(this.shim)) throw new Error(`\`${this.shim}\` is not there: run \`npm run build\` first`);
    this.folder = mkdtempSync(join(process.env.VIRTSHIM_BENCH_FOLDER ?? tmpdir(), 'virtshim-bench-'));
  }

  /** The command's entry. */
  get cli(): string {
    return join(this.#dist, 'cli/main.js');
  }

  /** Path of an image of the policy. */
  async image(document: PolicyDocument): Promise<string> {
    const { loadPolicy } = (await import(pathToFileURL(join(this.#dist, 'policy/load.js')).href)) as LoadModule;
    const { compilePolicy } = (await import(
      pathToFileURL(join(this.#dist, 'policy/compile.js')).href
    )) as CompileModule;
    const { policy, diagnostics } = loadPolicy(JSON.stringify(document), `${document.name}.json`);
    const compiled = policy === undefined ? undefined : await compilePolicy(policy);
    if (compiled?.image === undefined) throw new Error(JSON.stringify(compiled?.diagnostics ?? diagnostics));
    const path = join(this.folder, `policy-${this.#counter++}.img`);
    writeFileSync(path, compiled.image, { mode: 0o600 });
    return path;
  }

  /** The libvirt program, without any shim. */
  bareWorker(): MeasuringProcess {
    return this.#worker({});
  }

  /** The libvirt program under the shim; its records go to `trail`, by default a folder of its own. */
  shimmedWorker(image: string | undefined, trail = this.newFolder()): MeasuringProcess {
    return this.#worker({ LD_PRELOAD: this.shim, ...this.#settings(image, trail) });
  }

  /** The libvirt program under the shim that opens its log for each record. */
  naiveWorker(log: string): MeasuringProcess {
    return this.#worker({ LD_PRELOAD: this.naiveShim, NAIVE_LOG: log });
  }

  /** A program that judges calls by the image, and makes none. */
  decider(image: string): MeasuringProcess {
    return new MeasuringProcess([join(this.#programs, 'decide'), image], {});
  }

  /** A program for Node that measures with this package, which brings the shim itself. */
  nodeWorker(guests: string, image?: string): MeasuringProcess {
    const program = join(this.root, 'build/bench/bench/workers/virtshim.js');
    return new MeasuringProcess([process.execPath, program, guests, this.#dist], this.#settings(image));
  }

  /** The same by @unraid/libvirt. */
  unraidWorker(guests: string, way: 'bare' | 'shimmed', image?: string): MeasuringProcess {
    const env = way === 'bare' ? {} : { LD_PRELOAD: this.shim, ...this.#settings(image) };
    const program = join(this.root, 'build/bench/bench/workers/unraid.js');
    return new MeasuringProcess([process.execPath, program, guests], env);
  }

  /** The same by python3-libvirt, the distribution's. */
  pythonWorker(way: 'bare' | 'shimmed', image?: string): MeasuringProcess {
    const env = way === 'bare' ? {} : { LD_PRELOAD: this.shim, ...this.#settings(image) };
    return new MeasuringProcess(['/usr/bin/python3', join(this.root, 'bench/workers/python.py')], env);
  }

  /** Starts `command` on request; with the shim preloaded where `shimmed`. */
  launcher(command: readonly string[], shimmed: boolean): MeasuringProcess {
    return new MeasuringProcess([join(this.#programs, 'launcher'), ...command], {
      LAUNCH_PRELOAD: shimmed ? this.shim : '',
      VIRTSHIM_TRAIL: this.newFolder(),
    });
  }

  newFolder(): string {
    const path = join(this.folder, `folder-${this.#counter++}`);
    mkdirSync(path, { mode: 0o700 });
    return path;
  }

  #settings(image: string | undefined, trail = this.newFolder()): Record<string, string> {
    return { VIRTSHIM_TRAIL: trail, ...(image === undefined ? {} : { VIRTSHIM_POLICY: image }) };
  }

  #worker(env: Readonly<Record<string, string>>): MeasuringProcess {
    return new MeasuringProcess([join(this.#programs, 'worker'), this.folder], env);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
