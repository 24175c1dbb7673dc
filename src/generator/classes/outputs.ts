// All files of src/generated/classes/.
import { FactsError } from '../facts.js';
import type { Ffi, FfiFunction } from '../ffi/model.js';
import type { Api } from '../model.js';
import { emitClass, type NamedMethod, pathOf } from './emit.js';
import { type ClassFacts, classes } from './kinds.js';
import { idleReasons, leftOut } from './left-out.js';
import { measuredParams } from './measured.js';
import { methodOf } from './model.js';
import { exceptions, placeOf } from './names.js';

/** Paths from the root of the repository and texts. Throws FactsError where a table is wrong. */
export function classOutputs(api: Api, ffi: Ffi): readonly (readonly [string, string])[] {
  const low = new Map(ffi.functions.map((fn) => [fn.name, fn]));
  const problems = deadEntries(api, low);
  if (problems.length > 0) throw new FactsError(problems);
  return classes.map((each) => [`src/${pathOf(each)}`, emitClass(ffi, each, methodsOf(each, api, low))]);
}

/** What src/generator/classes/ says about functions and parameters that are not there. */
function deadEntries(api: Api, low: ReadonlyMap<string, FfiFunction>): readonly string[] {
  const hasParam = (fn: string, param: string) => low.get(fn)?.jsParams.some(({ name }) => name === param);
  return [
    ...exceptions.filter((name) => !low.has(name)).map((name) => `names.ts: unknown function \`${name}\``),
    ...measuredParams()
      .filter(([fn, param]) => !hasParam(fn, param))
      .map(([fn, param]) => `measured.ts: \`${fn}\` has no parameter \`${param}\``),
    ...idleReasons(api.functions).map((reason) => `left-out.ts: no function is left out because \`${reason}\``),
  ];
}

function methodsOf(each: ClassFacts, api: Api, low: ReadonlyMap<string, FfiFunction>): readonly NamedMethod[] {
  const methods = new Map<string, NamedMethod>();
  for (const fn of api.functions) {
    const place = leftOut(fn) === undefined ? placeOf(fn) : undefined;
    const lowFunction = low.get(fn.name);
    if (place?.class !== each || !lowFunction) continue;
    if (methods.has(place.method)) throw new Error(`two methods \`${each.name}.${place.method}\``);
    methods.set(place.method, { name: place.method, wrapper: methodOf(each, lowFunction) });
  }
  return [...methods.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
