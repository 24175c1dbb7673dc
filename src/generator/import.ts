// npm run api:import DIR: takes the facts of an installed libvirt-dev into native/api/libvirt.json.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FactsError, readInputs } from './facts.js';
import { buildFfi } from './ffi/model.js';
import { readApiFolder } from './import/api-xml.js';
import { formatFacts } from './import/format.js';
import { mergeFacts, type Summary } from './import/merge.js';
import { buildApi } from './model.js';

const apiFolder = fileURLToPath(new URL('../../native/api/', import.meta.url));

/** Returns the exit status. Throws FactsError. */
function main(folder: string | undefined): number {
  if (folder === undefined) {
    console.error('usage: npm run api:import DIR (the folder of libvirt-api.xml, as /usr/share/libvirt/api)');
    return 2;
  }
  const inputs = readInputs(apiFolder);
  const imported = readApiFolder(folder);
  const { facts, summary } = mergeFacts(inputs.facts, imported);
  writeFileSync(join(apiFolder, 'libvirt.json'), formatFacts(facts));
  console.log(`libvirt ${imported.libvirtVersion} into the facts of ${inputs.facts.libvirtVersion}:`);
  printSummary(summary);
  const all = { ...inputs, facts };
  buildFfi(buildApi(all), all);
  console.log('run `npm run generate` and commit the result');
  return 0;
}

function printSummary(summary: Summary): void {
  const meanings: Readonly<Record<keyof Summary, string>> = {
    added: 'added',
    changed: 'changed',
    differing: 'otherwise in the imported, older libvirt (not taken)',
    kept: 'kept, not in the imported libvirt',
  };
  for (const [key, meaning] of Object.entries(meanings) as [keyof Summary, string][]) {
    const names = summary[key];
    console.log(`  ${names.length} functions ${meaning}${names.map((name) => `\n    ${name}`).join('')}`);
  }
}

try {
  process.exitCode = main(process.argv[2]);
} catch (error) {
  if (!(error instanceof FactsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
