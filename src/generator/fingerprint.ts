// Identifies the tables that a policy image is compiled against.
import { createHash } from 'node:crypto';
import type { ApiFunction } from './model.js';
import type { ApiXml } from './xml.js';

/**
 * The first 8 bytes, big-endian, of a SHA-256 over all that an image refers to by number or that the compiler
 * worked into it: function ids, arguments, permissions and their conditions, classes, facts of XML.
 */
export function fingerprintOf(
  functions: readonly ApiFunction[],
  argNames: readonly string[],
  permissions: readonly string[],
  xml: ApiXml,
): bigint {
  const rows = functions.map((fn) => [
    fn.name,
    fn.class,
    fn.stateChanging,
    fn.args.map((arg) => [arg.name, arg.type, arg.object, arg.count]),
    fn.checks.map((check) => [check.permission, check.condition, check.mask, check.arg]),
  ]);
  const factNames = xml.facts.map((fact) => [fact.name, fact.type]);
  const canonical = JSON.stringify([rows, argNames, permissions, factNames]);
  return createHash('sha256').update(canonical, 'utf8').digest().readBigUInt64BE(0);
}
