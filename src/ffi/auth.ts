/** Credentials that libvirt asks for while it opens a connection. */
import type { Call, Codec } from './codec.js';
import { attached } from './library.js';
import { wrongArgument } from './problems.js';
import { Handlers } from './requests.js';

/** One thing that libvirt wants to know. */
export interface Credential {
  /** VIR_CRED_* */
  readonly type: number;
  /** What a user is to be shown. */
  readonly prompt: string | null;
  readonly challenge: string | null;
  /** What is taken where there is no answer. */
  readonly defresult: string | null;
}

/** An answer for each credential, null where there is none; null as a whole: the user gave up. */
export type Credentials = readonly (string | null)[] | null;

/** Who answers. Only asynchronous calls accept promises. */
export interface Auth {
  /** The types that `cb` can answer, VIR_CRED_*; libvirt never asks for others. */
  readonly credtype: readonly number[];
  readonly cb: (cred: readonly Credential[]) => Credentials | Promise<Credentials>;
}

function isAuth(value: unknown): value is Auth {
  if (typeof value !== 'object' || value === null || !('credtype' in value) || !('cb' in value)) return false;
  const { credtype, cb } = value;
  return Array.isArray(credtype) && credtype.every(Number.isInteger) && typeof cb === 'function';
}

/** null or undefined: nobody is asked. */
export function auth(name: string, index: number): Codec {
  const put = (call: Call, value: unknown): void => {
    call.c[index] = null;
    if (value === null || value === undefined) return;
    if (!isAuth(value)) wrongArgument(call.functionName, name, 'an object with `credtype` and `cb`', value);
    const handlers = new Handlers(call.functionName);
    call.notes[index] = handlers;
    handlers.add('virConnectAuthCallbackPtr', (credentials) => value.cb(credentials as Credential[]), same);
    call.c[index] = attached().authPointer(handlers.opaque, value.credtype);
  };
  const end = (call: Call): void => {
    (call.notes[index] as Handlers | undefined)?.end();
  };
  return { name, input: true, callsBack: true, put, end };
}

const same = (result: unknown): unknown => result;
