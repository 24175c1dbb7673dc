/** A policy as the user names it -> the path of a compiled image. */
import { realpathSync } from 'node:fs';
import { systemReason, VirtshimError } from '../errors.js';
import { cacheFolder } from '../folders.js';
import { printable } from '../printable.js';
import { compilePolicySync } from './compile.js';
import { type Diagnostic, formatDiagnostic } from './diagnostic.js';
import { storeImage } from './image_cache.js';
import { loadPolicy, readText } from './load.js';

/** Compiles JSON into the cache; takes an image (`*.img`) as it is. Throws where the policy cannot be used. */
export function imageOf(file: string): string {
  return file.endsWith('.img') ? existingImage(file) : storeImage(imageOfText(readText(file), file), cacheFolder());
}

function existingImage(file: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${file}\`: ${systemReason(error)}`, { cause: error });
  }
}

/** Compiles the text of a policy; `name` stands for it in error messages. */
export function imageOfText(text: string, name: string): Uint8Array {
  const loaded = loadPolicy(text, name);
  if (loaded.policy === undefined) throw rejected(name, loaded.diagnostics);
  const compiled = compilePolicySync(loaded.policy);
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
