import { getSystemErrorMap } from 'node:util';

/** The catalogue of coded errors: every error that virtshim throws on purpose carries one of these codes. */
export const ERROR_CODES = {
  VIRTSHIM_USAGE: 'the command line or an argument makes no sense',
  VIRTSHIM_ARGUMENT: 'an argument of a libvirt function has the wrong type or is out of range',
  VIRTSHIM_CLOSED: 'a call on an object that was freed or closed',
  VIRTSHIM_DISCONNECTED: 'the connection to the daemon was lost while something was expected from it',
  VIRTSHIM_SLOW_READER: 'events came faster than they were read, and no more of them could be kept',
  VIRTSHIM_CONFLICT: 'two things that libvirt cannot have in one process',
  VIRTSHIM_LATE: 'settings that come after what they were meant for',
  VIRTSHIM_FILE: 'a file or folder cannot be read, written or trusted',
  VIRTSHIM_NATIVE_MISSING: 'the native files of virtshim are missing or do not load on this machine',
  VIRTSHIM_POLICY_SYNTAX: 'a policy is not valid JSON',
  VIRTSHIM_POLICY_SCHEMA: 'a policy is JSON, but not as its schema wants it',
  VIRTSHIM_POLICY_MEANING: 'a policy is well-formed, but names something that does not exist or contradicts itself',
  VIRTSHIM_POLICY_LIMIT: 'a policy is larger than an image can hold',
  VIRTSHIM_POLICY_IMAGE: 'a compiled policy is broken, foreign or of another version',
  VIRTSHIM_TRAIL_MISSING: 'there is no trail in the folder',
  VIRTSHIM_TRAIL_SYNTAX: 'a trail holds a line that is not a record',
  VIRTSHIM_EXEC_NOT_FOUND: 'the program to run was not found',
  VIRTSHIM_EXEC_FAILED: 'the program to run was found, but cannot be executed',
  VIRTSHIM_UNGUARDED: 'the process runs without the shim, and cannot be put under it any more',
  VIRTSHIM_INTERNAL: 'a defect of virtshim',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorDetails {
  /** What the reader can do about it; lower case, no final period. */
  hint?: string;
  cause?: unknown;
}

/** An error with a stable code. The message is lower case, without a final period, with user input in backticks. */
export class VirtshimError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'VirtshimError';
    this.code = code;
    this.hint = details.hint;
  }
}

/** The reason of a system error as libuv words it: `no such file or directory`. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const number = 'errno' in error && typeof error.errno === 'number' ? -Math.abs(error.errno) : 0;
  return getSystemErrorMap().get(number)?.[1] ?? error.message;
}
