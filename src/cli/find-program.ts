import { constants } from 'node:fs';
import { VirtshimError } from '../errors.js';
import { may, statusOf } from './files.js';

/** The file that execvp(3) would execute for `name`. Throws VIRTSHIM_EXEC_NOT_FOUND or VIRTSHIM_EXEC_FAILED. */
export function findProgram(name: string, searchPath: string | undefined): string {
  if (name.includes('/')) return name;
  const folders = (searchPath ?? '/bin:/usr/bin').split(':');
  const candidates = name === '' ? [] : folders.map((folder) => `${folder === '' ? '.' : folder}/${name}`);
  const files = candidates.filter((path) => statusOf(path)?.isFile() === true);
  const program = files.find((path) => may(path, constants.X_OK));
  if (program !== undefined) return program;
  if (files[0] !== undefined) {
    throw new VirtshimError('VIRTSHIM_EXEC_FAILED', `cannot execute \`${files[0]}\`: permission denied`);
  }
  throw new VirtshimError('VIRTSHIM_EXEC_NOT_FOUND', `no program \`${name}\` in the folders of PATH`);
}
