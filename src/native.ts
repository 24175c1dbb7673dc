/** The native files: where they are and what the addon offers. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { VirtshimError } from './errors.js';
import type { RawResult, RawValue } from './ffi/values.js';
import { packageFile } from './package_root.js';

/** One call to be judged. What is left out of the facts is unknown; arguments that are left out are 0 or NULL. */
export interface NativeRequest {
  readonly function: string;
  readonly arguments?: Readonly<Record<string, number | bigint | string | null>>;
  readonly uid?: number;
  readonly gids?: readonly number[];
  readonly connection?: {
    readonly uri?: string | Uint8Array;
    readonly driver?: string | Uint8Array;
    readonly readOnly?: boolean;
  };
  readonly resource?: {
    readonly kind?: string;
    readonly name?: string | Uint8Array;
    readonly uuid?: string | Uint8Array;
  };
  readonly nested?: boolean;
}

export interface NativeDecision {
  readonly effect: 'allow' | 'deny';
  readonly basis: 'rule' | 'default';
  /** Id of the rule that decided. */
  readonly rule: string | null;
  /** The first permission that nothing allows, where a default refuses. */
  readonly permission: string | null;
}

export type NativePolicy =
  | { readonly ok: false; readonly error: string }
  | {
      readonly ok: true;
      readonly name: string;
      readonly mode: 'enforcing' | 'permissive' | 'disabled';
      readonly unknownApi: 'allow' | 'deny';
      readonly onAuditFailure: 'allow' | 'deny';
      readonly auditNetlink: boolean;
      readonly auditFileAlways: boolean;
      readonly trail: string;
      /** SHA-256 of the image's body, lower-case hex. */
      readonly digest: string;
      /** Ids in file order. */
      readonly rules: readonly string[];
    };

export interface NativeFunctionPolicy {
  readonly mayRefuse: boolean;
  readonly mayRefuseNested: boolean;
  readonly auditLevel: 'none' | 'response' | 'request-response';
}

/** libvirt's last error of a thread. */
export interface NativeError {
  readonly code: number;
  readonly domain: number;
  readonly level: number;
  readonly message: string | null;
  readonly str1: string | null;
  readonly str2: string | null;
  readonly str3: string | null;
  readonly int1: number;
  readonly int2: number;
}

export interface Native {
  loadPolicy(image: Uint8Array): NativePolicy;
  /** Throws TypeError for an image that cannot be used and for words that do not exist. */
  decide(image: Uint8Array, request: NativeRequest): NativeDecision;
  decideAll(image: Uint8Array, requests: readonly NativeRequest[]): NativeDecision[];
  functionPolicy(image: Uint8Array, functionName: string): NativeFunctionPolicy;
  exec(file: string, argv: readonly string[], env: NodeJS.ProcessEnv): never;
  /** Whether the shim was preloaded into this process. */
  guarded(): boolean;
  /** Loads the shim for all; what is called is looked up in it. Again does nothing. */
  attach(shim: string): void;
  /** libvirt's last error of this thread; null where none is set. */
  lastError(): NativeError | null;
  /**
   * Calls the function with this id on a thread of the pool; `args` in C order. Memory (Uint8Array) is kept alive and
   * written in place, strings are copied. Calls with the same `order` run one after the other. `error` is the last error
   * of the thread that made the call, where `result` is the function's failure value.
   */
  callAsync(
    id: number,
    args: readonly RawValue[],
    order: bigint | null,
    done: (result: RawResult, error: NativeError | null) => void,
  ): void;
}

const folders = ['prebuilds/linux-x64', 'build/Release'];

let loaded: Native | undefined;

/** The addon, loaded at its first use. Throws VIRTSHIM_NATIVE_MISSING where it is not there or does not load. */
export function native(): Native {
  loaded ??= load();
  return loaded;
}

/** Path of libvirtshim.so. Throws VIRTSHIM_NATIVE_MISSING where it was not built. */
export function shimPath(): string {
  return join(dirname(addonPath()), 'libvirtshim.so');
}

/**
 * Replaces this process by the program at the path `file`; `argv[0]` is the program's own name. Throws an Error whose
 * `code` is that of errno (`ENOENT`) where it cannot be started.
 */
export function exec(file: string, argv: readonly string[], env: NodeJS.ProcessEnv): never {
  return native().exec(file, argv, env);
}

function load(): Native {
  const path = addonPath();
  try {
    return createRequire(path)(path) as Native;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new VirtshimError('VIRTSHIM_NATIVE_MISSING', `cannot load \`${path}\`: ${reason}`, { cause: error });
  }
}

// What was built here is newer than what came with the package only in a checkout, where nothing came with it.
function addonPath(): string {
  const candidates = folders.map((folder) => packageFile(join(folder, 'virtshim.node')));
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new VirtshimError('VIRTSHIM_NATIVE_MISSING', `no native files for ${process.platform}-${process.arch}`, {
    hint: 'build them from source: npm run build:native',
  });
}
