/** For whom calls are made, and why. It stands in every record as what this program asserts; nobody verifies it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeEachCall } from '../ffi/before_call.js';
import { wrongArgument } from '../ffi/problems.js';
import { native } from '../native.js';

export interface Actor {
  /** The end user: an account of a web service, say. */
  readonly user?: string;
  /** The service that knows the user. */
  readonly via?: string;
  /** A ticket, say. */
  readonly reason?: string;
}

const asserted = new AsyncLocalStorage<Actor>();

/** What the native side knows of this JavaScript thread. */
let applied: Actor | undefined;

/**
 * Runs `fn` and returns what it returns. Every libvirt call that it makes, across awaits, timers and callbacks too, is
 * recorded with this actor. What `actor` leaves out stays as it is outside; an empty text takes it away. Calls by other
 * bindings are not marked. Throws VIRTSHIM_ARGUMENT for what is no text.
 */
export function withActor<T>(actor: Actor, fn: () => T): T {
  const { user, via, reason } = { ...asserted.getStore(), ...given(actor) };
  beforeEachCall(applyActor);
  try {
    return asserted.run(Object.freeze({ ...pick('user', user), ...pick('via', via), ...pick('reason', reason) }), fn);
  } finally {
    if (asserted.getStore() !== applied) forget();
  }
}

/** The same for the reason alone. */
export function withReason<T>(reason: string, fn: () => T): T {
  return withActor({ reason }, fn);
}

/** What holds here; undefined outside withActor. */
export function currentActor(): Actor | undefined {
  return asserted.getStore();
}

/** Tells the native side of this thread who calls next, where that changed. */
export function applyActor(): void {
  const actor = asserted.getStore();
  if (actor === applied) return;
  // Calls by other bindings, once this thread has turned to something else, are not this actor's.
  if (applied === undefined) queueMicrotask(forget);
  tell(actor);
}

function forget(): void {
  if (applied !== undefined) tell(undefined);
}

function tell(actor: Actor | undefined): void {
  native().setActor(actor?.user ?? null, actor?.via ?? null, actor?.reason ?? null);
  applied = actor;
}

function given(actor: Actor): Actor {
  const texts = Object.entries({ user: actor.user, via: actor.via, reason: actor.reason });
  for (const [name, text] of texts) {
    if (text !== undefined && (typeof text !== 'string' || text.includes('\0'))) {
      wrongArgument('withActor', name, 'a text without NUL characters', text);
    }
  }
  return Object.fromEntries(texts.filter(([, text]) => text !== undefined));
}

function pick<Name extends string>(name: Name, text: string | undefined): { readonly [key in Name]?: string } {
  return text === undefined || text === '' ? {} : ({ [name]: text } as { [key in Name]?: string });
}
