// What a watcher asks of registrations; with libvirt: test/node/events-watcher.test.ts.
import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { EventWatcher } from '../../src/libvirt/event_watcher.js';

test('close() waits for what was taken off before, too', async () => {
  let letGo = () => {};
  const ended = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const nothing = () => {};
  const watcher = new EventWatcher<{ lifecycle: string }>(['lifecycle'], () => ({
    registered: async () => {},
    end: () => ended,
    ref: nothing,
    unref: nothing,
  }));
  watcher.on('lifecycle', nothing).off('lifecycle', nothing);
  let closed = false;
  const closing = watcher.close().then(() => {
    closed = true;
  });
  await setImmediate();
  expect(closed).toBe(false);
  letGo();
  await closing;
  expect(closed).toBe(true);
});
