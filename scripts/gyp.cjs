// Runs node-gyp over binding.gyp: `node scripts/gyp.cjs build` (with the native tests in a checkout) or `rebuild`.
// Node's headers are taken from this installation of Node where it has them, so that a build needs no download.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/** The folder to give as --nodedir, or undefined where this Node came without headers. */
function headersOfThisNode() {
  const prefix = path.resolve(fs.realpathSync(process.execPath), '../..');
  return fs.existsSync(path.join(prefix, 'include/node/node_api.h')) ? prefix : undefined;
}

/** node-gyp of this checkout, else the one that npm brings for install scripts. */
function findNodeGyp() {
  try {
    return require.resolve('node-gyp/bin/node-gyp.js');
  } catch {
    return process.env.npm_config_node_gyp;
  }
}

/**
 * Configures and builds in `root`; returns the exit code. `defines` become gyp variables.
 * @param {{root: string, clean?: boolean, defines?: string[], quiet?: boolean}} options
 */
function build(options) {
  const nodeGyp = findNodeGyp();
  if (nodeGyp === undefined) {
    console.error('virtshim: error: node-gyp was not found; run `npm ci` first');
    return 1;
  }
  const nodedir = headersOfThisNode();
  const common = [
    ...(options.quiet === true ? ['--loglevel=error'] : ['--loglevel=warn']),
    ...(nodedir === undefined ? [] : [`--nodedir=${nodedir}`]),
  ];
  const run = (args) =>
    spawnSync(process.execPath, [nodeGyp, ...args], { cwd: options.root, stdio: 'inherit' }).status ?? 1;
  const configure = options.clean === true ? ['clean', 'configure'] : ['configure'];
  return (
    run([...configure, ...common, '--', ...(options.defines ?? []).map((define) => `-D${define}`)]) ||
    run(['build', ...common, `--jobs=${os.availableParallelism()}`])
  );
}

module.exports = { build };

if (require.main === module) {
  const root = path.resolve(__dirname, '..');
  const tests = fs.existsSync(path.join(root, 'test/native/native_tests.gyp'));
  const clean = process.argv[2] === 'rebuild';
  process.exitCode = build({ root, clean, quiet: true, defines: tests ? ['virtshim_tests=1'] : [] });
}
