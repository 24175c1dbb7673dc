/** What has to happen before any call into libvirt on this JavaScript thread: somebody has to say for whom it is made. */

/** Read by every call; null costs a comparison. */
export let beforeCall: (() => void) | null = null;

/** There is one listener: the layer that knows the actor. */
export function beforeEachCall(listener: (() => void) | null): void {
  beforeCall = listener;
}
