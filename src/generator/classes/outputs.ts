// All files of src/generated/classes/.
import type { Ffi, FfiFunction } from '../ffi/model.js';
import type { Api } from '../model.js';
import { emitClass, type NamedMethod, pathOf } from './emit.js';
import { type ClassFacts, classes } from './kinds.js';
import { leftOut } from './left-out.js';
import { methodOf } from './model.js';
import { placeOf } from './names.js';

/** Paths from the root of the repository and texts. Throws where two methods of a class have the same name. */
export function classOutputs(api: Api, ffi: Ffi): readonly (readonly [string, string])[] {
  const low = new Map(ffi.functions.map((fn) => [fn.name, fn]));
  return classes.map((each) => [`src/${pathOf(each)}`, emitClass(ffi, each, methodsOf(each, api, low))]);
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
