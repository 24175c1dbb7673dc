/** libvirt's errors as JavaScript errors. */
import type { NativeError } from '../native.js';

const accessDenied = 88;
const fromAccess = 55;
const warningLevel = 1;
const errorLevel = 2;
const internalError = 1;

/** A call that libvirt failed. `code`, `domain` and `level` are libvirt's numbers: VIR_ERR_*, VIR_FROM_*. */
export class LibvirtError extends Error {
  readonly code: number;
  readonly domain: number;
  readonly level: number;
  readonly str1: string | null;
  readonly str2: string | null;
  readonly str3: string | null;
  readonly int1: number;
  readonly int2: number;
  /** The libvirt function that failed. */
  readonly functionName: string;

  constructor(functionName: string, error: NativeError) {
    super(error.message ?? 'unknown error');
    this.name = 'LibvirtError';
    this.functionName = functionName;
    this.code = error.code;
    this.domain = error.domain;
    this.level = error.level;
    this.str1 = error.str1;
    this.str2 = error.str2;
    this.str3 = error.str3;
    this.int1 = error.int1;
    this.int2 = error.int2;
  }

  /** The error as the native side describes it; a refusal of the shim becomes a PolicyDeniedError. */
  static from(functionName: string, error: NativeError | null): LibvirtError {
    if (error === null) return new LibvirtError(functionName, withoutError(functionName));
    return isRefusal(error) ? new PolicyDeniedError(functionName, error) : new LibvirtError(functionName, error);
  }

  /** Whether libvirt only warns. */
  get isWarning(): boolean {
    return this.level === warningLevel;
  }
}

/** A call that a policy of the shim refused: libvirt never saw it. */
export class PolicyDeniedError extends LibvirtError {
  /** Id of the rule that refused; null where no rule allowed the call. */
  readonly rule: string | null;
  /** Name of the policy; null where it is none of its rules that refused, but the shim (an audit that failed). */
  readonly policy: string | null;
  /** `rule 'no-destroy' of policy 'operator'` */
  readonly reason: string;
  /** Finds the call's records in the trail. */
  readonly recordId: string | null;

  constructor(functionName: string, error: NativeError) {
    super(functionName, error);
    this.name = 'PolicyDeniedError';
    this.rule = error.str2;
    this.recordId = error.str3;
    const [, reason, ofRule, ofNone] = reasonInMessage.exec(this.message) ?? [];
    this.reason = reason ?? this.message;
    this.policy = ofRule ?? ofNone ?? null;
  }
}

// From the end: what stands before it are names that anybody may have chosen.
const reasonInMessage =
  /: (rule '[^']*' of policy '([^']*)'|no rule of policy '([^']*)' allows [\w.:-]+) \(record [0-9a-f]{16}\)$/;

// libvirt's own access drivers use the same code and domain; only the shim gives a record id.
function isRefusal(error: NativeError): boolean {
  return (
    error.code === accessDenied &&
    error.domain === fromAccess &&
    error.str3 !== null &&
    /^[0-9a-f]{16}$/.test(error.str3)
  );
}

function withoutError(functionName: string): NativeError {
  const message = `${functionName} failed without saying why`;
  return {
    ...{ code: internalError, domain: 0, level: errorLevel, message },
    ...{ str1: null, str2: null, str3: null, int1: 0, int2: 0 },
  };
}
