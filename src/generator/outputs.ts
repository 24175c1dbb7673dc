// What is generated and where it goes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { classOutputs } from './classes/outputs.js';
import { emitCallbacksHeader, emitCallbacksSource, emitCallbackTypes } from './emit/callbacks.js';
import { emitFunctionIds } from './emit/function-ids.js';
import { emitTables } from './emit/tables.js';
import { emitThunks } from './emit/thunks.js';
import { emitTypeScript } from './emit/typescript.js';
import { emitWrappers } from './emit/wrappers.js';
import { emitXmlTables, emitXmlTypeScript } from './emit/xml.js';
import { emitXmlReference } from './emit/xml-reference.js';
import { type Inputs, readInputs } from './facts.js';
import { buildFfi } from './ffi/model.js';
import { renderFfi } from './ffi/outputs.js';
import { type Api, buildApi } from './model.js';
import { emitTrailJsonSchema } from './trail/json-schema.js';
import { emitTrailXsd } from './trail/xsd.js';
import { libraries } from './vocabulary.js';

/** Path from the root of the repository -> text. */
export type Outputs = ReadonlyMap<string, string>;

export function renderOutputs(api: Api, inputs: Inputs): Outputs {
  const ffi = buildFfi(api, inputs);
  return new Map([
    ['native/generated/function_ids.h', emitFunctionIds(api)],
    ['native/generated/facts.cc', emitTables(api)],
    ['native/generated/thunks.cc', emitThunks(api)],
    ['native/generated/xml_facts.cc', emitXmlTables(api)],
    ...libraries.map(
      (library) =>
        [`native/generated/wrappers_${library.replaceAll('-', '_')}.cc`, emitWrappers(api, library)] as const,
    ),
    ['native/generated/callbacks.h', emitCallbacksHeader(api.callbacks)],
    ['native/generated/callbacks.cc', emitCallbacksSource(api.callbacks)],
    ['src/generated/api.ts', emitTypeScript(api)],
    ['src/generated/xml_facts.ts', emitXmlTypeScript(api)],
    ['docs/policy-xml-facts.md', emitXmlReference(api)],
    ['src/generated/trail.xsd', emitTrailXsd(api)],
    ['src/generated/trail.schema.json', emitTrailJsonSchema()],
    ['src/generated/ffi/callbacks.ts', emitCallbackTypes(api.callbacks)],
    ...renderFfi(api, ffi, inputs.facts),
    ...classOutputs(api, ffi),
  ]);
}

/** Generates in memory from native/api/ of the repository at `root`. Throws FactsError. */
export function generate(root: string): Outputs {
  const inputs = readInputs(join(root, 'native/api'));
  return renderOutputs(buildApi(inputs), inputs);
}

/** Writes the files that differ; returns their paths. */
export function writeOutputs(root: string, outputs: Outputs): readonly string[] {
  const stale = staleOutputs(root, outputs);
  for (const path of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), outputs.get(path) ?? '');
  }
  return stale;
}

/** Paths whose file is missing or has another text. */
export function staleOutputs(root: string, outputs: Outputs): readonly string[] {
  return [...outputs].filter(([path, text]) => readText(join(root, path)) !== text).map(([path]) => path);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
