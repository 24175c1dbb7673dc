/** Where the files that ship beside the code are, from src/ and dist/ alike. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/** Path of a file of the package, given from its root. */
export function packageFile(path: string): string {
  return join(packageRoot, path);
}
