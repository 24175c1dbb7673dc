// The generated files of the JavaScript API's low level.
import type { RawFacts } from '../facts.js';
import type { Api } from '../model.js';
import { emitByHand } from './emit/by-hand.js';
import { emitConstants } from './emit/constants.js';
import { emitEvents } from './emit/events.js';
import { emitFunctions } from './emit/functions.js';
import { emitStructs } from './emit/structs.js';
import { emitTypes } from './emit/types.js';
import type { Ffi } from './model.js';

/** Path from the root of the repository -> text. */
export function renderFfi(api: Api, ffi: Ffi, facts: RawFacts): readonly (readonly [string, string])[] {
  const files = [
    ...emitFunctions(ffi),
    emitTypes(ffi),
    emitEvents(api, ffi),
    emitByHand(ffi),
    emitStructs(ffi),
    emitConstants(api, ffi, facts),
  ];
  return files.map(([path, text]) => [`src/${path}`, text]);
}
