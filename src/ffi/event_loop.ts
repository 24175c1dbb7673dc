/** libvirt's event loop. */
import { attached } from './library.js';

/**
 * Runs libvirt's default event implementation on a thread of its own, one for the process; again does nothing. Needed
 * for events and keep-alive, before the first connection is opened. It does not keep the process alive. 'foreign': the
 * program, or another binding in it, has registered an implementation of its own, and has to run that.
 */
export function startEventLoop(): 'running' | 'foreign' {
  return attached().startEventLoop();
}

/** Ends the thread; events wait until it is started again. */
export function stopEventLoop(): void {
  attached().stopEventLoop();
}
