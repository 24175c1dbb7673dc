import { readFileSync } from 'node:fs';
import { systemReason, VirtshimError } from '../errors.js';

const maxFileSize = 16 * 1024 * 1024;

/** The text of a file in UTF-8. Throws VIRTSHIM_FILE. */
export function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${file}\`: ${systemReason(error)}`, { cause: error });
  }
  if (bytes.length > maxFileSize) throw new VirtshimError('VIRTSHIM_FILE', `\`${file}\` is larger than 16 MiB`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new VirtshimError('VIRTSHIM_FILE', `\`${file}\` is not UTF-8`, { cause: error });
  }
}
