import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The folder of the checkout. */
export const ROOT = resolve(__dirname, '../..');
export const BUILD = join(ROOT, 'build/Release');
/** The shim that this checkout built. */
export const SHIM = join(BUILD, 'libvirtshim.so');
/** The built command, run as `node CLI ...`. */
export const CLI = join(ROOT, 'dist/cli/main.js');

/** A new empty folder (mode 0700) for one test; removed after the run. */
export function temporaryFolder(purpose: string): string {
  return mkdtempSync(join(process.env.VIRTSHIM_TEST_TMP ?? tmpdir(), `virtshim-${purpose}-`));
}
