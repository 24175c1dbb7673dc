// npm run generate, npm run generate:check
import { fileURLToPath } from 'node:url';
import { FactsError } from './facts.js';
import { generate, staleOutputs, writeOutputs } from './outputs.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

function main(check: boolean): number {
  const outputs = generate(root);
  const stale = check ? staleOutputs(root, outputs) : writeOutputs(root, outputs);
  for (const path of stale) console.log(check ? `not up to date: ${path}` : `written: ${path}`);
  if (check && stale.length > 0) console.log('run `npm run generate` and commit the result');
  return check && stale.length > 0 ? 1 : 0;
}

try {
  process.exitCode = main(process.argv.includes('--check'));
} catch (error) {
  if (!(error instanceof FactsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
