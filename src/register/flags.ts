/** Which modules Node was told to load before the program. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PRELOADING = /^(?:--import|--require|-r)(?:=(.*))?$/s;

/** Whether a flag, in the command line or in NODE_OPTIONS, names the module at this URL. */
export function isLoadedByFlag(url: string): boolean {
  const file = fileURLToPath(url);
  return preloadedModules([...process.execArgv, ...splitOptions(process.env.NODE_OPTIONS ?? '')]).some(
    (specifier) => fileOf(specifier) === file,
  );
}

/** What `--import X`, `--import=X`, `-r X` and their like name. */
export function preloadedModules(flags: readonly string[]): string[] {
  const named: string[] = [];
  flags.forEach((flag, at) => {
    const match = PRELOADING.exec(flag);
    const specifier = match === null ? undefined : (match[1] ?? flags[at + 1]);
    if (specifier !== undefined) named.push(specifier);
  });
  return named;
}

/** The words of NODE_OPTIONS: separated by blanks, which double quotes and backslashes inside them protect. */
export function splitOptions(text: string): string[] {
  const words = text.match(/(?:"(?:\\.|[^"\\])*"|[^\s"])+/gs) ?? [];
  return words.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"/gs, (_, quoted: string) => quoted.replace(/\\(.)/gs, '$1')),
  );
}

function fileOf(specifier: string): string | undefined {
  try {
    if (specifier.startsWith('file:')) return fileURLToPath(specifier);
    // Node looks from the folder that it was started in.
    return createRequire(join(process.cwd(), 'flags.js')).resolve(specifier);
  } catch {
    return undefined;
  }
}
