// What the shim's own code finds in XML: the values that an explanation gives for a rule on each fact.
import { type NativeActual, type NativeFailedCondition, native } from '../../src/native.js';
import type { RuleDocument } from '../../src/policy/document.js';
import { xmlFactNames, xmlFacts } from '../../src/policy/xml_facts.js';
import { compileImage } from './shim.js';

const never = { string: '\u{10ffff}', number: -987_654_321 };

// One that fails whatever the values are, so that the explanation tells them.
function probeOf(fact: string): RuleDocument {
  const type = xmlFacts[fact]?.type ?? 'string';
  const xml =
    type === 'boolean'
      ? { [fact]: { equal: true }, not: { [fact]: { equal: true } } }
      : { [fact]: { equal: never[type] } };
  return { id: fact, effect: 'allow', actions: ['*'], xml };
}

const images = new Map<readonly string[], Promise<Uint8Array>>();

function probes(facts: readonly string[]): Promise<Uint8Array> {
  const image =
    images.get(facts) ?? compileImage({ name: 'probes', defaults: { '*': 'allow' }, rules: facts.map(probeOf) });
  images.set(facts, image);
  return image;
}

export type CallArguments = Readonly<Record<string, string | number | Readonly<Record<string, string>>>>;

/** The condition that fails in a rule about each of the facts. All of them share the steps that a document is given. */
export async function probe(
  fn: string,
  args: CallArguments,
  facts: readonly string[] = xmlFactNames,
): Promise<Map<string, NativeFailedCondition>> {
  const { rules } = native().explain(await probes(facts), { function: fn, arguments: args });
  return new Map(rules.flatMap(({ rule, failed }) => (failed === null ? [] : [[rule, failed] as const])));
}

/** The values of one fact; null where it cannot be read. */
export async function valuesOf(fact: string, xml: string, fn = 'virDomainDefineXML'): Promise<NativeActual> {
  const argument = fn === 'virDomainDefineXML' ? 'xml' : 'xmlDesc';
  const failed = (await probe(fn, { [argument]: xml })).get(fact);
  if (failed === undefined) throw new Error(`no rule asks for ${fact}`);
  return failed.actual;
}

const cheapest = ['secret-private'];

/** Whether the XML can be read at all, by a fact that takes few steps. */
export async function isReadable(xml: string): Promise<boolean> {
  const failed = (await probe('virDomainDefineXML', { xml }, cheapest)).get('secret-private');
  return failed !== undefined && failed.actual !== null;
}
