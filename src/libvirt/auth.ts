/** Who answers when libvirt asks for a name or a password while it opens a connection. */
import type { Auth, Credential } from '../ffi/auth.js';
import * as constants from '../generated/ffi/constants.js';

const types = {
  username: constants.VIR_CRED_USERNAME,
  authname: constants.VIR_CRED_AUTHNAME,
  language: constants.VIR_CRED_LANGUAGE,
  cnonce: constants.VIR_CRED_CNONCE,
  passphrase: constants.VIR_CRED_PASSPHRASE,
  echoprompt: constants.VIR_CRED_ECHOPROMPT,
  noechoprompt: constants.VIR_CRED_NOECHOPROMPT,
  realm: constants.VIR_CRED_REALM,
  external: constants.VIR_CRED_EXTERNAL,
} as const;

/** What libvirt may ask for: virConnectCredentialType by name. `passphrase` and `noechoprompt` are secret. */
export type CredentialType = keyof typeof types;

/** One thing that libvirt asks for. */
export interface CredentialRequest {
  readonly type: CredentialType;
  /** Words for a user. */
  readonly prompt: string | null;
  /** What the other side gave along: a realm, the host's name. */
  readonly challenge: string | null;
  /** What is taken where there is no answer. */
  readonly defresult: string | null;
}

/**
 * An answer for each request, in their order: null leaves it to `defresult`. Or the answers by the type of the request.
 * null as a whole gives up: the connection is not opened.
 */
export type CredentialAnswers =
  | readonly (string | null | undefined)[]
  | { readonly [Type in CredentialType]?: string | null }
  | null;

interface Options<Answers> {
  /** Asked once for all that libvirt wants to know, perhaps several times. Its answers are in no record. */
  readonly credentials: (requests: readonly CredentialRequest[]) => Answers;
  /** What `credentials` can answer; all of them unless told. libvirt asks for nothing else. */
  readonly types?: readonly CredentialType[] | undefined;
  /** VIR_CONNECT_RO, VIR_CONNECT_NO_ALIASES */
  readonly flags?: number | undefined;
}

export type AuthOptions = Options<CredentialAnswers | Promise<CredentialAnswers>>;

/** Where the thread waits for libvirt, the answers cannot be waited for. */
export type AuthOptionsSync = Options<CredentialAnswers>;

/** What the low-level functions take. */
export function authOf({ credentials, types: wanted = allTypes }: AuthOptions): Auth {
  const cb = (asked: readonly Credential[]) => {
    const requests = asked.map(requestOf);
    const answers = credentials(requests);
    return answers instanceof Promise ? answers.then((given) => inOrder(given, requests)) : inOrder(answers, requests);
  };
  return { credtype: wanted.map((type) => types[type]), cb };
}

const allTypes = Object.keys(types) as CredentialType[];

function requestOf({ type, prompt, challenge, defresult }: Credential): CredentialRequest {
  const name = allTypes.find((each) => types[each] === type) ?? 'external';
  return { type: name, prompt, challenge, defresult };
}

function inOrder(answers: CredentialAnswers, requests: readonly CredentialRequest[]): (string | null)[] | null {
  if (answers === null) return null;
  return requests.map(({ type }, i) => (isList(answers) ? answers[i] : answers[type]) ?? null);
}

function isList(answers: NonNullable<CredentialAnswers>): answers is readonly (string | null | undefined)[] {
  return Array.isArray(answers);
}
