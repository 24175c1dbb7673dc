// npm's install step: uses the prebuilt native files where they load on this machine, else builds from source.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { build } = require('./gyp.cjs');

const root = path.resolve(__dirname, '..');

/** Both files load here: checked in a child, because a file made for another libc could end this process. */
function loads(folder) {
  const addon = path.join(folder, 'virtshim.node');
  const shim = path.join(folder, 'libvirtshim.so');
  if (!fs.existsSync(addon) || !fs.existsSync(shim)) return false;
  const addonLoads = spawnSync(process.execPath, ['-e', 'require(process.argv[1])', addon]).status === 0;
  const probe = spawnSync('/bin/true', [], { env: { LD_PRELOAD: shim, LC_ALL: 'C' }, encoding: 'utf8' });
  return addonLoads && probe.status === 0 && !probe.stderr.includes('LD_PRELOAD');
}

function main() {
  const prebuilt = path.join(root, 'prebuilds', `${process.platform}-${process.arch}`);
  if (loads(prebuilt)) return 0;
  // A checkout builds with `npm run build`, which also makes the test programs.
  if (fs.existsSync(path.join(root, 'tsconfig.build.json'))) return 0;
  fs.rmSync(prebuilt, { recursive: true, force: true });
  console.log('virtshim: no prebuilt files fit this machine, building from source (needs g++, make and python3)');
  return build({ root, clean: true });
}

process.exitCode = main();
