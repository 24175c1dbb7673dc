/** A policy as the user names it -> the path of a compiled image. */
import { realpathSync } from 'node:fs';
import { systemReason, VirtshimError } from '../errors.js';
import { type Diagnostic, formatDiagnostic } from '../policy/diagnostic.js';
import { storeImage } from './cache.js';
import { cacheFolder } from './defaults.js';
import { printable } from './text.js';

/** Compiles JSON into the cache; takes an image (`*.img`) as it is. */
export async function imageOf(file: string): Promise<string> {
  if (file.endsWith('.img')) return existingImage(file);
  const { readText } = await import('../policy/load.js');
  return storeImage(await imageOfText(readText(file), file), cacheFolder());
}

function existingImage(file: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${file}\`: ${systemReason(error)}`, { cause: error });
  }
}

/** Compiles the text of a policy; `name` stands for it in error messages. Warnings go to standard error. */
export async function imageOfText(text: string, name: string): Promise<Uint8Array> {
  const { loadPolicy } = await import('../policy/load.js');
  const { compilePolicy } = await import('../policy/compile.js');
  const loaded = loadPolicy(text, name);
  if (loaded.policy === undefined) throw rejected(name, loaded.diagnostics);
  const compiled = await compilePolicy(loaded.policy);
  if (compiled.image === undefined) throw rejected(name, compiled.diagnostics);
  return compiled.image;
}

function rejected(name: string, diagnostics: readonly Diagnostic[]): VirtshimError {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
  const lines = errors.map((diagnostic) => `  ${printable(formatDiagnostic(diagnostic))}`);
  const code = errors.some((diagnostic) => diagnostic.code === 'syntax')
    ? 'VIRTSHIM_POLICY_SYNTAX'
    : 'VIRTSHIM_POLICY_MEANING';
  return new VirtshimError(code, `policy \`${name}\` cannot be used\n${lines.join('\n')}`, {
    hint: `virtshim policy check ${name}`,
  });
}
