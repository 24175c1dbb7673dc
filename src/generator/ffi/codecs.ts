// Which codecs pass a function's arguments: those that ffi.json chooses, those that follow from types and names.
import type { Arg } from '../args.js';
import type { ApiFunction } from '../model.js';
import { chosenCodec } from './chosen-codecs.js';
import { asOptional, type Codec, type CodecContext, type Place } from './codec.js';
import { derivedCodec } from './derived-codecs.js';

/** The codecs of a function in the order of its arguments. Throws where one would be left out or filled twice. */
export function codecsOf(fn: ApiFunction, context: CodecContext): readonly Codec[] {
  const candidates = fn.args.map((arg, index) => codecOf({ fn, arg, index, context }));
  const filledByOthers = new Set(candidates.flatMap((codec) => codec?.fills.slice(1) ?? []));
  const codecs = candidates.flatMap((codec, i) => (filledByOthers.has(i) ? [] : (codec ?? noCodec(fn.args[i]))));
  const filled = codecs.flatMap((codec) => codec.fills).sort((a, b) => a - b);
  if (filled.join() !== fn.args.map((_, i) => i).join()) throw new Error('the codecs do not fill each argument once');
  return codecs;
}

function codecOf(place: Place): Codec | undefined {
  const { fn, arg, context } = place;
  const choice = context.overrides.codec(fn.name, arg.name);
  const codec = choice ? chosenCodec(place, choice) : derivedCodec(place);
  return codec && context.overrides.isOptional(fn.name, arg.name) ? asOptional(codec) : codec;
}

function noCodec(arg: Arg | undefined): never {
  throw new Error(`no codec is known for \`${arg?.name}\` of type \`${arg?.cType}\`: see native/api/ffi.json`);
}
