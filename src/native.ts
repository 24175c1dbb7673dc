/** The native files: where they are and what the addon offers. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { VirtshimError } from './errors.js';
import type { RawResult, RawValue } from './ffi/values.js';
import { packageFile } from './package_root.js';

/** Text, or bytes where it need not be UTF-8. */
export type NativeText = string | Uint8Array;

/** Typed parameters; pairs where their order counts or a field comes twice. */
export type NativeParameters =
  | Readonly<Record<string, NativeScalar>>
  | readonly (readonly [field: string, value: NativeScalar])[];
export type NativeScalar = number | bigint | string | boolean;

/**
 * One call to be judged. What is left out of the facts is unknown; arguments that are left out are 0 or NULL, and so are
 * `uid` and `gids`. The XML is what the arguments hold, unless `xml` says what is in it.
 */
export interface NativeRequest {
  readonly function: string;
  readonly arguments?: Readonly<Record<string, number | bigint | string | null | NativeParameters>>;
  readonly uid?: number;
  readonly gids?: readonly number[];
  /** 4294967295, the default, where the process began with no login. */
  readonly auid?: number;
  readonly executable?: NativeText;
  readonly command?: NativeText;
  readonly terminal?: NativeText;
  readonly label?: NativeText;
  readonly actor?: NativeText;
  readonly reason?: NativeText;
  /** The command within a call to a monitor or agent; read from the arguments where it is left out. */
  readonly monitorCommand?: NativeText;
  /** Seconds since 1970, UTC. */
  readonly time?: number;
  /** Whether the limits of all rules have been reached. */
  readonly rateReached?: boolean;
  /** Values by the name of the fact, answers by XPath expression; null: the call has no XML. */
  readonly xml?: NativeXml | null;
  readonly connection?: {
    readonly uri?: NativeText;
    readonly driver?: NativeText;
    readonly transport?: NativeText;
    readonly host?: NativeText;
    readonly readOnly?: boolean;
  };
  readonly resource?: {
    readonly kind?: string;
    readonly name?: NativeText;
    readonly uuid?: NativeText;
  };
  readonly nested?: boolean;
}

export interface NativeXml {
  readonly facts?: Readonly<Record<string, readonly (string | number | boolean)[]>>;
  readonly xpath?: Readonly<Record<string, boolean>>;
}

export interface NativeDecision {
  readonly effect: 'allow' | 'deny';
  readonly basis: 'rule' | 'default';
  /** Id of the rule that decided. */
  readonly rule: string | null;
  /** The first permission that nothing allows, where a default refuses. */
  readonly permission: string | null;
  /** The first permissive deny rule that matched, however the call was decided. */
  readonly wouldDeny: string | null;
  /** Where a default refuses: a reason is missing that some rule requires. */
  readonly reasonMissing: boolean;
}

export interface NativeExplanation {
  readonly decision: NativeDecision;
  readonly rules: readonly NativeExplainedRule[];
}

export interface NativeExplainedRule {
  readonly rule: string;
  readonly effect: 'allow' | 'deny';
  readonly permissive: boolean;
  /** Those of the call's permissions that it covers; none for a call that needs none. */
  readonly permissions: readonly string[];
  /** All its conditions hold; those of a deny rule also where a fact is unknown. */
  readonly holds: boolean;
  /** The first condition that does not. */
  readonly failed: NativeFailedCondition | null;
}

export interface NativeFailedCondition {
  /** Its place in the rule: `resources.names`, `subjects.not.executables`, `arguments.params.cpu_shares`, `times`, `require`. */
  readonly condition: string;
  /** Whether it is negated. */
  readonly not: boolean;
  /** Globs, numbers of accounts, or a comparison: `lessOrEqual 1048576`. */
  readonly wanted: readonly (string | number | boolean)[];
  /** What there is: all values of a typed parameter or fact of XML; null where it is NULL or not known. */
  readonly actual: NativeActual;
  /** It hangs on a fact that is not known, or that only some of the values bear out: allow rules fail by it. */
  readonly unknown: boolean;
}

export type NativeActual = string | number | bigint | boolean | null | readonly (string | number | bigint | boolean)[];

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

/** Policies, judged by the same code as in the shim. */
export interface NativePolicies {
  loadPolicy(image: Uint8Array): NativePolicy;
  /** Throws TypeError for an image that cannot be used and for words that do not exist. */
  decide(image: Uint8Array, request: NativeRequest): NativeDecision;
  decideAll(image: Uint8Array, requests: readonly NativeRequest[]): NativeDecision[];
  /** The decision, and each rule that covers something the call needs, in the order of the file. */
  explain(image: Uint8Array, request: NativeRequest): NativeExplanation;
  functionPolicy(image: Uint8Array, functionName: string): NativeFunctionPolicy;
}

/** `error` is what libvirt says about this very call; null unless `result` is what the function returns for a failure. */
export type CallDone = (result: RawResult, error: NativeError | null) => void;

/** Calls into libvirt through the shim. */
export interface NativeCalls {
  /**
   * Loads the shim, or takes the one that the process has already, and initializes libvirt. Errors are no longer printed
   * to stderr, as libvirt does by itself. Has no effect the second time. Throws Error where the shim does not load.
   */
  attach(shim: string): void;

  /** The last error of this JavaScript thread's synchronous calls; null where there is none. */
  lastError(): NativeError | null;

  /**
   * Calls the function with that id (its place in `functions` of the API tables) on another thread and then `done` on
   * this one, which stays alive until then. `args` in the order of the C prototype:
   *
   * - integers as number or bigint, cut to the C type: the caller checks their range;
   * - pointers as bigint or null; strings are copied;
   * - of a Uint8Array C sees a copy; what C wrote there is in the array when `done` is called. Of lists of strings and
   *   typed parameters, the addresses that lie in the array itself lie in the copy then.
   *
   * Calls with the same `order` run one after the other, as they were asked for; null: none waits for another. A returned
   * string is freed where it is the caller's. Throws TypeError for arguments that the function does not take.
   */
  callAsync(id: number, args: readonly RawValue[], order: bigint | null, done: CallDone): void;

  /**
   * The same on this thread: for calls within which libvirt calls JavaScript. koffi's synchronous calls run on a stack
   * of its own, where nobody else can call JavaScript.
   */
  callHere(id: number, args: readonly RawValue[]): [RawResult, NativeError | null];

  /**
   * For whom this JavaScript thread calls from now on, synchronously or not; only asserted, in the records. Three nulls
   * take it back.
   */
  setActor(user: string | null, via: string | null, reason: string | null): void;

  /** How many calls of the process may be under way at once; 16 unless told. Threads are started when they are needed. */
  setThreads(max: number): void;
}

/** Memory by its address. Nothing checks that it is what the caller takes it for. */
export interface NativeMemory {
  /** A string that ends in NUL; null for NULL. */
  readString(pointer: bigint | null): string | null;
  /** A copy of `size` bytes. */
  readMemory(pointer: bigint | null, size: number): Uint8Array;
  /** The pointer that stands there; null for NULL. */
  readPointer(pointer: bigint | null): bigint | null;
  /** An array of `count` pointers. */
  readPointers(pointer: bigint | null, count: number): (bigint | null)[];
  /** Releases what C's malloc gave; NULL is fine. */
  free(pointer: bigint | null): void;
}

/** A listener as libvirt takes it: the C function, the pointer that comes with each call, and what gives it back. */
export interface NativeCallback {
  readonly callback: bigint;
  readonly opaque: bigint;
  readonly free: bigint;
}

/** Functions that libvirt calls, and the thread that libvirt's events come from. */
export interface NativeCallbacks {
  /**
   * A callback of the type with that number (src/generated/ffi/callbacks.ts). `listener` is called on this thread with
   * copies of the arguments; objects among them are its own. It keeps the process alive until libvirt calls `free`.
   *
   * The listener of a request is given the request's number first, whether libvirt waits on this very thread, and the
   * type; it has to call answer(), in that case before it returns.
   */
  callback(type: number, listener: (...values: never[]) => void): NativeCallback;
  /** The C function of a type alone, for callbacks that share the `opaque` of another one. */
  callbackPointer(type: number): bigint;
  /** For a callback that libvirt has not taken, or that it has taken without a function to free it. */
  dropCallback(opaque: bigint): void;
  /** Whether libvirt may still call it. */
  isRegistered(opaque: bigint): boolean;
  refCallback(opaque: bigint): void;
  unrefCallback(opaque: bigint): void;
  /** Answers a request. False where nobody waits for it any more. */
  answer(request: number, value: unknown): boolean;
  /** A virConnectAuth for credentials of these types; it lives as long as the callback. */
  authPointer(opaque: bigint, types: readonly number[]): bigint;
  /**
   * Runs libvirt's default event loop on a thread of its own, one for the process; again does nothing. 'foreign': the
   * process has an implementation of its own already, and events come only where that one runs.
   */
  startEventLoop(): 'running' | 'foreign';
  stopEventLoop(): void;
}

export interface Native extends NativePolicies, NativeCalls, NativeMemory, NativeCallbacks {
  exec(file: string, argv: readonly string[], env: NodeJS.ProcessEnv): never;
  /** Whether the shim was preloaded into this process. */
  guarded(): boolean;
  /** Puts trail.xml aside; its new name, or '' where it has no records. Throws an Error that says why not. */
  rotateTrail(folder: string): string;
  /**
   * Finds the lines of an audit log that a report wants: bit 0 of `wanted` for resources, bit 1 for security, with the
   * `syscalls` SYSCALL records that come next behind each. How many, each as three numbers in `places`: its begin and end in the block, and how many lines of the file stand before it.
   * `state` is carried on; its second number is where in the block to go on, its end where that is done.
   */
  auditLines(block: Uint8Array, wanted: number, syscalls: number, places: Uint32Array, state: Uint32Array): number;
  /** Appends a notice to trail.xml. Throws an Error that says why not. */
  appendNotice(folder: string, kind: string, text: string): void;
  /**
   * A lock for tools that compress or remove files of a trail: a descriptor to close, or -1 where another tool has it.
   * It ends with the process at the latest. Throws an Error that says why not.
   */
  lockUpkeep(folder: string): number;
  readonly TrailCheck: new (trailIds: readonly string[]) => NativeTrailCheck;
}

/** Where a trail's chain stands: `chain` in hex. */
export interface NativeChainEnd {
  readonly seq: number;
  readonly chain: string;
}

export interface NativeRecordPlace {
  readonly rid: string;
  readonly seq: number;
  /** How many files were begun before it, that one included. */
  readonly file: number;
  readonly line: number;
}

/** Checks the records of a trail. Lines are bytes that end in a line end; a single line has none. */
export interface NativeTrailCheck {
  /** Whole lines of audit text; `own`: of the trail's own audit.log. */
  addTexts(lines: Uint8Array, own: boolean): void;
  beginFile(): void;
  /** Lines of this file so far. */
  readonly line: number;
  /** The last record that was accepted. */
  end: NativeChainEnd;
  /**
   * Accepts records as long as each follows from the one before and none tells of removed ones.
   * @returns how many bytes those are
   */
  follow(lines: Uint8Array): number;
  /** Passes the next line; undefined where it is no record. */
  look(line: Uint8Array): { rid: string; seq: number; chain: string; notice: boolean } | undefined;
  /** Takes a record in that was looked at: its call or outcome, and what the audit text says of it. */
  note(line: Uint8Array): void;
  /** Whether the line's chain value follows from this one. The numbers are not compared. */
  follows(line: Uint8Array, from: NativeChainEnd): boolean;
  /** Whether the record of this line of audit text is one of the trail, and was not found there; true once for each. */
  takeMissing(text: Uint8Array): boolean;
  summary(): NativeTrailSummary;
}

export interface NativeTrailSummary {
  readonly records: number;
  /** Records that were compared with audit text. */
  readonly anchored: number;
  /** Records of the trail that audit text has and the trail has not. */
  readonly missing: number;
  /** Records that audit text remembers otherwise: how many, and the first thousand. */
  readonly rewrittenCount: number;
  readonly rewritten: readonly NativeRecordPlace[];
  /** Outcomes without audit text between the first and the last one that have it. */
  readonly unanchored: number;
  readonly firstUnanchored?: NativeRecordPlace;
  /** Without an outcome. */
  readonly calls: readonly (NativeRecordPlace & { readonly pid: number; readonly event: string })[];
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
  return loadingNative(`\`${path}\``, () => createRequire(path)(path) as Native);
}

/** Runs `load`; where that fails, VIRTSHIM_NATIVE_MISSING says that `what` cannot be loaded, why, and the way out. */
export function loadingNative<T>(what: string, load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (error instanceof VirtshimError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const hint = isForbidden(error) ? { hint: 'the permission model forbids addons: add --allow-addons' } : {};
    throw new VirtshimError('VIRTSHIM_NATIVE_MISSING', `cannot load ${what}: ${reason}`, { ...hint, cause: error });
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_DLOPEN_DISABLED';
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
