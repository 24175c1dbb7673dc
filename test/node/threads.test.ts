// How many asynchronous calls are under way at once.
import { expect, test } from '@jest/globals';
import { runScript } from '../support/node_api.js';
import { temporaryFolder } from '../support/paths.js';

/** Twenty connections to a daemon that never answers; reports how many reached it. */
const silence = (folder: string) => `
  const { createServer } = await import('node:net');
  const sockets = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => {})));
  await new Promise((resolve) => server.listen('${folder}/socket', resolve));
  const uri = 'qemu+unix:///system?socket=${folder}/socket';
  for (let i = 0; i < 20; i++) Connection.openReadOnly(uri).catch(() => {});
  let before = -1;
  while (sockets.length === 0 || sockets.length !== before) {
    before = sockets.length;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  report(sockets.length);
  process.exit();
`;

test.each([
  ['', 16],
  ['virtshim.setThreads(3);', 3],
  ['virtshim.setThreads(100);', 20],
])('setThreads: %j lets %i of 20 calls be under way', (settings, expected) => {
  expect(runScript(settings + silence(temporaryFolder('silent'))).reports).toEqual([expected]);
});

test.each(['0', '1025', '1.5', 'NaN', "'8'"])('setThreads(%s) is refused', (max) => {
  const { reports } = runScript(
    `try { virtshim.setThreads(${max}); } catch (error) { report([error.code, error.message]); }`,
  );
  expect(reports).toEqual([['VIRTSHIM_ARGUMENT', expect.stringContaining('a whole number from 1 to 1024')]]);
});
