/** What one line of trail.xml says. Strings are as the caller gave them: the record's escapes are undone. */
export interface TrailRecord {
  readonly type: 'methodcall' | 'methodresponse' | 'notice';
  /** 16 hex digits; the same for both records of a call, in the audit text and in the message of a refusal. */
  readonly rid: string;
  readonly seq: number;
  /** UTC, with nanoseconds: `2026-11-23T05:30:01.123456789Z`. */
  readonly time: string;
  readonly pid: number;
  readonly tid: number;
  readonly uid: number;
  /** 4294967295 where unset. */
  readonly auid: number;
  readonly ses: number;
  readonly tty?: string;
  readonly comm: string;
  readonly exe: string;
  /** Label of the security module. */
  readonly subj?: string;
  /** First 16 hex digits of the policy's digest. */
  readonly policy?: string;
  /** A call that libvirt made to itself. */
  readonly nested: boolean;
  /** SHA-256 chain value, 64 hex digits. */
  readonly chain: string;
  /** Of notices: what it is about, and the text. */
  readonly notice?: { readonly kind: string; readonly text: string };
  /** libvirt function, of calls and responses. */
  readonly event?: string;
  /** Of responses: whether libvirt returned success. */
  readonly success?: boolean;
  readonly decision?: Decision;
  readonly asserted?: Assertion;
  readonly connection?: ConnectionFacts;
  readonly resource?: ResourceFacts;
  readonly params: readonly TrailParam[];
  readonly result?: TrailValue;
  readonly error?: { readonly code: number; readonly domain: number; readonly message: string };
  readonly durationNs?: number;
}

export interface Decision {
  readonly effect: 'permitted' | 'denied' | 'would-deny';
  readonly rule?: string;
  readonly reason: string;
}

/** For whom the program says that it called, and why. Not verified: `uid` and `auid` are who really called. */
export interface Assertion {
  readonly actor?: string;
  /** The service that says so. */
  readonly via?: string;
  readonly reason?: string;
}

export interface ConnectionFacts {
  readonly driver?: string;
  readonly uri?: string;
  /** undefined where it is unknown. */
  readonly readOnly?: boolean;
}

export interface ResourceFacts {
  readonly kind: string;
  readonly name?: string;
  readonly uuid?: string;
  readonly parent?: string;
}

/** An argument or result: its text, or its items, and what the record says about it (`null`, `out`, `kind`, ...). */
export interface TrailValue {
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly items: readonly TrailItem[];
}

export interface TrailParam extends TrailValue {
  /** As in libvirt's prototype. */
  readonly name: string;
}

/** An element of a list, or a typed parameter with its name and type. */
export interface TrailItem {
  readonly name?: string;
  readonly type?: string;
  /** undefined for NULL. */
  readonly value?: string;
}

/** Where a line stands. */
export interface TrailPlace {
  readonly file: string;
  /** From 1; 0 where it was not counted, or where something is wrong with the file as a whole. */
  readonly line: number;
}

/** One line of a trail: a record, or the reason why it is none. */
export interface TrailLine extends TrailPlace {
  /** The bytes without the line end. */
  readonly raw: Buffer;
  readonly record?: TrailRecord;
  readonly problem?: string;
}
