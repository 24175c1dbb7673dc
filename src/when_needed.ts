/** Packages that few programs need: loaded at their first use, because each costs an import of virtshim milliseconds. */
import { createRequire } from 'node:module';

type Packages = {
  acorn: typeof import('acorn');
  'ajv/dist/2020.js': typeof import('ajv/dist/2020.js');
  'jsonc-parser': typeof import('jsonc-parser');
  saxes: typeof import('saxes');
};

const load = createRequire(import.meta.url);

export function whenNeeded<Name extends keyof Packages>(name: Name): Packages[Name] {
  return load(name) as Packages[Name];
}
