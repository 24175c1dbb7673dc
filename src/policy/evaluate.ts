/** Judges calls with the native evaluator, the one that the shim uses. */
import { type NativeDecision, type NativeExplanation, type NativeRequest, native } from '../native.js';

export type Request = NativeRequest;
export type Decision = NativeDecision;

/** Judges one call. Throws TypeError for an image that cannot be used and for words that do not exist. */
export function evaluate(image: Uint8Array, request: Request): Decision {
  return native().decide(image, request);
}

/** Judges one call and says how far each rule came. Throws as `evaluate` does. */
export function explainCall(image: Uint8Array, request: Request): NativeExplanation {
  return native().explain(image, request);
}

/** Judges many calls; the image is checked once. */
export function evaluateAll(image: Uint8Array, requests: readonly Request[]): Decision[] {
  return native().decideAll(image, requests);
}
