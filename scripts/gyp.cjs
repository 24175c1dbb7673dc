// Runs node-gyp over binding.gyp: `node scripts/gyp.cjs build|rebuild [gyp variable=value...]`.
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
 * Lists each test/native/*.cc as one program, `build/Release/test_<name>`, in build/native_tests.gyp.
 * Returns false where there are no native tests (an installed package).
 */
function writeTestTargets(root) {
  const folder = path.join(root, 'test/native');
  if (!fs.existsSync(folder)) return false;
  const programs = fs.readdirSync(folder).filter((file) => file.endsWith('.cc'));
  const targets = programs.sort().map((file) => ({
    target_name: `test_${path.basename(file, '.cc')}`,
    type: 'executable',
    dependencies: ['../native/core.gyp:virtshim_call', '../native/core.gyp:virtshim_core'],
    sources: [`../test/native/${file}`],
    include_dirs: ['../test/native', '/usr/include/libxml2'],
    libraries: ['-ldl', '-lpthread'],
  }));
  fs.mkdirSync(path.join(root, 'build'), { recursive: true });
  const text = JSON.stringify({ includes: ['../native/defaults.gypi'], targets }, null, 2);
  fs.writeFileSync(path.join(root, 'build/native_tests.gyp'), `${text}\n`);
  return programs.length > 0;
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
  if (options.clean === true && run(['clean', ...common]) !== 0) return 1;
  const defines = [...(options.defines ?? []), ...(writeTestTargets(options.root) ? ['virtshim_tests=1'] : [])];
  return (
    run(['configure', ...common, '--', ...defines.map((define) => `-D${define}`)]) ||
    run(['build', ...common, `--jobs=${os.availableParallelism()}`])
  );
}

module.exports = { build };

if (require.main === module) {
  const root = path.resolve(__dirname, '..');
  const [verb, ...defines] = process.argv.slice(2);
  process.exitCode = build({ root, clean: verb === 'rebuild', quiet: true, defines });
}
