// native/generated/xml_facts.cc and src/generated/xml_facts.ts: native/api/xml.json for the shim and for the compiler.
import type { Api } from '../model.js';
import { type RawXmlFact, type RawXmlSelection, xmlReadings } from '../xml.js';
import { banner } from './banner.js';

export function emitXmlTables(api: Api): string {
  const { arguments: args, parameters, namespaces, facts } = api.xml;
  const argRows = args.map((arg) => `    {FunctionId::${arg.function}, ${arg.arg}, ${arg.inParameters}},\n`);
  const names = Object.entries(namespaces).map(([prefix, uri]) => `    {${quote(prefix)}, ${quote(uri)}},\n`);
  let first = 0;
  const factRows = facts.map(({ name, type, values }) => {
    const row = `    {${quote(name)}, kSelections + ${first}, ${values.length}, ${type === 'boolean'}},\n`;
    first += values.length;
    return row;
  });
  return `${banner}
#include "api/xml_facts.h"

namespace virtshim {

namespace {

constexpr XmlSelection kSelections[] = {
${facts.flatMap(selectionRows).join('')}};

}  // namespace

const XmlFact kXmlFacts[] = {
${factRows.join('')}};
const uint16_t kXmlFactCount = ${facts.length};

const XmlNamespace kXmlNamespaces[] = {
${names.join('')}};
const int kXmlNamespaceCount = ${names.length};

const XmlArgument kXmlArguments[] = {
${argRows.join('')}};
const int kXmlArgumentCount = ${args.length};

const char *const kXmlParameters[] = {${parameters.map(quote).join(', ')}};
const int kXmlParameterCount = ${parameters.length};

}  // namespace virtshim
`;
}

export function emitXmlTypeScript(api: Api): string {
  const { arguments: args, parameters, namespaces, facts } = api.xml;
  const functions = [...new Set(args.map((arg) => arg.function))];
  return `${banner}

export interface XmlSelection {
  /** XPath of nodes. */
  readonly nodes: string;
  /** XPath from each of them; without it, the node's text. */
  readonly value?: string;
  /** In the place of an empty text. */
  readonly default?: string;
  readonly as?: string;
}

export interface XmlFactRow {
  readonly name: string;
  readonly type: 'string' | 'number' | 'boolean';
  readonly description: string;
  readonly example: string;
  readonly values: readonly XmlSelection[];
}

/** In the order of the image's numbers. */
export const xmlFactRows: readonly XmlFactRow[] = [
${facts.map((fact) => `  ${JSON.stringify(fact)},\n`).join('')}];

/** Prefixes in XPath expressions. */
export const xmlNamespaces: Readonly<Record<string, string>> = ${JSON.stringify(namespaces)};

/** Functions that take XML. */
export const xmlFunctions: ReadonlySet<string> = new Set(${JSON.stringify(functions)});

/** Fields of typed parameters that hold XML. */
export const xmlParameters: readonly string[] = ${JSON.stringify(parameters)};
`;
}

function selectionRows(fact: RawXmlFact): string[] {
  return fact.values.map((selection) => `    ${selectionRow(selection)},  // ${fact.name}\n`);
}

function selectionRow({ nodes, value, default: fallback, as }: RawXmlSelection): string {
  const reading = as === undefined ? 'Value' : xmlReadings[as];
  return `{${[quote(nodes), quoteOrNull(value), quoteOrNull(fallback), `XmlReading::${reading}`].join(', ')}}`;
}

function quoteOrNull(text: string | undefined): string {
  return text === undefined ? 'nullptr' : quote(text);
}

function quote(text: string): string {
  return JSON.stringify(text);
}
