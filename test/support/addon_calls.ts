// Runs scripts over the bare addon, each in a process of its own: what it does to a process shows at the process's end.
import { join } from 'node:path';
import { functions } from '../../src/generated/api.js';
import { BUILD, ROOT } from './paths.js';
import { runShimmed, type ShimmedOutcome, type ShimOptions, TESTED_SHIM } from './shim.js';

export interface AddonOptions extends ShimOptions {
  /** Options of node itself. */
  node?: readonly string[];
}

export interface AddonOutcome extends ShimmedOutcome {
  /** What the script gave to `report`, in order. */
  readonly reports: readonly unknown[];
}

/** The addon under test: the one that this checkout built, or another build of it (instrumented by a sanitizer). */
const TESTED_ADDON = process.env.VIRTSHIM_TEST_ADDON ?? join(BUILD, 'virtshim.node');

/** What has to be preloaded for an instrumented addon, or nothing. */
const RUNTIME = process.env.VIRTSHIM_TEST_RUNTIME ?? '';

/** What a script finds: `addon`, attached; `id`; `call`; `report`; `silentServer`. Works in a worker thread too. */
export const PRELUDE = `
const assert = require('node:assert/strict');
const { readFileSync, readdirSync, writeSync } = require('node:fs');
const addon = require(${JSON.stringify(TESTED_ADDON)});
const id = ${JSON.stringify(Object.fromEntries(functions.map((fn) => [fn.name, fn.id])))};
const shim = ${JSON.stringify(TESTED_SHIM)};
addon.attach(shim);
const started = (order, name, args) => new Promise((resolve, reject) => {
  addon.callAsync(id[name], args, order, (result, error) => {
    if (error === null) resolve(result);
    else reject(Object.assign(new Error(error.message), { result, native: error }));
  });
});
const call = (name, ...args) => started(null, name, args);
const ordered = (order, name, ...args) => started(order, name, args);
const report = (value) => writeSync(1, JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? v + 'n' : v)) + '\\n');
const callThreads = () => readdirSync('/proc/self/task')
  .filter((task) => { try { return readFileSync('/proc/self/task/' + task + '/comm', 'utf8') === 'virtshim-call\\n'; }
                      catch { return false; } }).length;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (holds) => { while (!holds()) await sleep(5); };
// Takes connections and never answers: opens of its uri block until hangUp().
const silentServer = () => new Promise((resolve) => {
  const path = require('node:fs').mkdtempSync('/tmp/virtshim-silent-') + '/socket';
  const sockets = [];
  const server = require('node:net').createServer((socket) => sockets.push(socket.on('error', () => {})));
  server.listen(path, () => resolve({
    uri: 'qemu+unix:///system?socket=' + path,
    waiting: () => sockets.filter((socket) => !socket.destroyed).length,
    hangUpOne: () => sockets.find((socket) => !socket.destroyed)?.destroy(),
    hangUp: () => { server.close(); for (const socket of sockets) socket.destroy();
                    require('node:fs').rmSync(require('node:path').dirname(path), { recursive: true, force: true }); },
  }));
});
`;

/** Runs the body of an async function. Throws where the process does not exit with 0. */
export function runAddon(body: string, options: AddonOptions = {}): AddonOutcome {
  const outcome = tryAddon(body, options);
  if (outcome.status !== 0) throw new Error(`exit ${outcome.status ?? outcome.signal}: ${outcome.stderr}`);
  return outcome;
}

/** The same, however it ends. */
export function tryAddon(body: string, { node = [], ...options }: AddonOptions = {}): AddonOutcome {
  const script = `${PRELUDE}\n(async () => {\n${body}\n})();`;
  const outcome = runShimmed(process.execPath, [...node, '-e', script], {
    ...{ preload: false, cwd: ROOT },
    ...options,
    env: { ...(RUNTIME === '' ? {} : { LD_PRELOAD: RUNTIME }), ...options.env },
  });
  const lines = outcome.stdout.split('\n').filter((line) => line !== '');
  return { ...outcome, reports: lines.map((line): unknown => JSON.parse(line)) };
}
