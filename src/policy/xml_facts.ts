/** The facts about XML that rules can ask for by name, and which functions take XML. */
import type { ApiFunction } from '../generated/api.js';
import { type XmlFactRow, xmlFactRows, xmlFunctions } from '../generated/xml_facts.js';

export type XmlFact = XmlFactRow;
export type XmlValueType = XmlFact['type'];

/** In the order of the image's numbers. */
export const xmlFacts: Readonly<Record<string, XmlFact>> = Object.fromEntries(
  xmlFactRows.map((fact) => [fact.name, fact]),
);

/** In the order of the image's numbers. */
export const xmlFactNames: readonly string[] = xmlFactRows.map((fact) => fact.name);

/** Whether the function takes XML that rules can ask about. */
export function hasXml(fn: ApiFunction): boolean {
  return xmlFunctions.has(fn.name);
}
