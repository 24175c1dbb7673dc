/** Who caused what libvirt recorded. */
import type { CallEvent } from './event.js';

/**
 * `call`: this call did it; `alsoSeen` are records of the same call by another process, the daemon that served it.
 * `ambiguous`: one of these did it; or, where it is one alone, it may have done it.
 * `none`: nobody asked for it through the shim; `autostart` is the call that told libvirt to start the guest itself.
 */
export type Attribution =
  | { readonly kind: 'call'; readonly call: CallEvent; readonly alsoSeen: readonly CallEvent[] }
  | { readonly kind: 'ambiguous'; readonly candidates: readonly CallEvent[] }
  | { readonly kind: 'none'; readonly autostart?: CallEvent };
