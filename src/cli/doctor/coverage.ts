/** Which public functions of the installed libvirt go through the shim. */
import { readFileSync } from 'node:fs';
import { functions } from '../../generated/api.js';
import { exportedFunctions } from '../elf.js';
import type { Finding } from './finding.js';
import type { InstalledLibrary } from './libraries.js';

export interface Coverage {
  /** Functions that the shim stands in front of. */
  readonly interposed: number;
  /** Interposed, but the installed libvirt is too old to have them: calling one fails as libvirt would. */
  readonly missingInLibvirt: readonly string[];
  /** Public in the installed libvirt, but not known to the shim: calls of these are not seen. */
  readonly unknownToShim: readonly string[];
  /** Known to the shim's tables, but not exported by its file: the file is broken. */
  readonly notExported: readonly string[];
}

/** Version nodes of libvirt's public API are named after releases; private symbols have nodes of their own. */
const PUBLIC_NODE = /^LIBVIRT(_QEMU|_LXC|_ADMIN)?_\d/;

export function measureCoverage(shim: string, libraries: readonly InstalledLibrary[]): Coverage {
  const known = functions.map((fn) => fn.name);
  const exported = new Set(exportedFunctions(readFileSync(shim)).map((fn) => fn.name));
  const installed = new Set(libraries.flatMap(({ path }) => publicFunctions(path)));
  const knownSet = new Set<string>(known);
  return {
    interposed: known.filter((name) => exported.has(name)).length,
    missingInLibvirt: known.filter((name) => !installed.has(name)),
    unknownToShim: [...installed].filter((name) => !knownSet.has(name)).sort(),
    notExported: known.filter((name) => !exported.has(name)),
  };
}

function publicFunctions(path: string): string[] {
  return exportedFunctions(readFileSync(path))
    .filter((fn) => PUBLIC_NODE.test(fn.version) && fn.name.startsWith('vir'))
    .map((fn) => fn.name);
}

export function coverageFindings(coverage: Coverage): Finding[] {
  const { interposed, notExported, unknownToShim } = coverage;
  const topic = 'functions';
  const findings: Finding[] = [];
  if (notExported.length > 0) {
    findings.push({
      topic,
      state: 'problem',
      seen: `${notExported.length} functions of the API are missing in the shim: ${sample(notExported)}`,
      fix: 'the shim is broken: install virtshim again',
    });
  } else {
    findings.push({ topic, state: 'ok', seen: `${interposed} functions of libvirt's API are interposed` });
  }
  if (unknownToShim.length > 0) {
    findings.push({
      topic,
      state: 'problem',
      seen: `the installed libvirt has ${unknownToShim.length} functions that the shim does not know: ${sample(unknownToShim)}`,
      fix: "update virtshim; until then the policy's `unknownApi` decides what happens to programs on this libvirt",
    });
  }
  if (coverage.missingInLibvirt.length > 0) {
    findings.push({
      topic,
      state: 'note',
      seen: `the installed libvirt lacks ${coverage.missingInLibvirt.length} newer functions: ${sample(coverage.missingInLibvirt)}`,
    });
  }
  return findings;
}

function sample(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown}, ...` : shown;
}
