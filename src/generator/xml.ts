// native/api/xml.json: which arguments are XML, and what rules can ask about it by name.
import type { Arg } from './args.js';
import type { ApiFunction } from './model.js';

/** What the shim reads in an argument whose name does not say it. */
type Reads = 'xml' | 'parameters' | 'nothing';

export const xmlReadings = {
  path: 'Path',
  number: 'Number',
  signed: 'Signed',
  kib: 'Kib',
  'kib-sum': 'KibSum',
  bytes: 'Bytes',
  address: 'Address',
  qualified: 'Qualified',
} as const;

const valueTypes = ['string', 'number', 'boolean'] as const;

export interface RawXmlSelection {
  /** XPath of nodes, with shorthands. */
  readonly nodes: string;
  /** XPath from each of them; without it, the node's text. */
  readonly value?: string;
  readonly default?: string;
  readonly as?: keyof typeof xmlReadings;
}

export interface RawXmlFact {
  readonly name: string;
  readonly type: (typeof valueTypes)[number];
  readonly description: string;
  /** A comparison, as it stands in a policy. */
  readonly example: string;
  readonly values: readonly RawXmlSelection[];
}

export interface RawXml {
  readonly arguments: readonly {
    readonly functions: readonly string[];
    readonly arg: string;
    readonly reads: Reads;
    readonly reason: string;
  }[];
  readonly parameters: readonly string[];
  readonly namespaces: Readonly<Record<string, string>>;
  readonly shorthands: Readonly<Record<string, string>>;
  readonly facts: readonly RawXmlFact[];
}

export interface XmlArgument {
  readonly function: string;
  readonly arg: number;
  readonly inParameters: boolean;
}

export interface ApiXml {
  /** By function, in the order of their ids. */
  readonly arguments: readonly XmlArgument[];
  readonly parameters: readonly string[];
  readonly namespaces: Readonly<Record<string, string>>;
  /** Shorthands written out. */
  readonly facts: readonly RawXmlFact[];
}

/** Adds to `problems` what is wrong with the file. */
export function buildXml(raw: RawXml, functions: readonly ApiFunction[], problems: string[]): ApiXml {
  const say = (problem: string) => problems.push(`xml.json: ${problem}`);
  checkEntries(raw, functions, say);
  checkFacts(raw, say);
  return {
    arguments: functions.flatMap((fn) => xmlArguments(raw, fn, say)),
    parameters: raw.parameters,
    namespaces: raw.namespaces,
    facts: raw.facts.map((fact) => ({ ...fact, values: fact.values.map((one) => writeOut(one, raw.shorthands)) })),
  };
}

function xmlArguments(raw: RawXml, fn: ApiFunction, say: (problem: string) => void): XmlArgument[] {
  return fn.args.flatMap((arg, index) => {
    const reads = readsOf(raw, fn, arg);
    if (reads === undefined) say(`\`${fn.name}(${arg.name})\` looks like XML but is a ${arg.type}: say what to read`);
    if (reads === undefined || reads === 'nothing') return [];
    return [{ function: fn.name, arg: index, inParameters: reads === 'parameters' }];
  });
}

function readsOf(raw: RawXml, fn: ApiFunction, arg: Arg): Reads | undefined {
  const said = raw.arguments.find((entry) => entry.arg === arg.name && entry.functions.includes(fn.name));
  if (said !== undefined) return said.reads;
  if (!/xml/i.test(arg.name) || arg.type === 'Out') return 'nothing';
  return arg.type === 'String' ? 'xml' : undefined;
}

function checkEntries(raw: RawXml, functions: readonly ApiFunction[], say: (problem: string) => void): void {
  const wanted: Readonly<Record<Reads, string | undefined>> = {
    xml: 'String',
    parameters: 'TypedParams',
    nothing: undefined,
  };
  for (const entry of raw.arguments) {
    if (!entry.reason) say(`the entry of \`${entry.functions.join(', ')}\` has no reason`);
    for (const name of entry.functions) {
      const arg = functions.find((fn) => fn.name === name)?.args.find((each) => each.name === entry.arg);
      const type = wanted[entry.reads];
      if (arg === undefined) say(`\`${name}(${entry.arg})\` is unknown`);
      else if (type !== undefined && arg.type !== type) say(`\`${name}(${entry.arg})\` is not of type ${type}`);
    }
  }
}

function checkFacts(raw: RawXml, say: (problem: string) => void): void {
  const seen = new Set<string>();
  for (const { name, type, values } of raw.facts) {
    if (seen.has(name)) say(`fact \`${name}\` stands there twice`);
    seen.add(name);
    if (!valueTypes.includes(type)) say(`fact \`${name}\` has the unknown type \`${type}\``);
    for (const { as } of values) {
      if (as !== undefined && !(as in xmlReadings)) say(`fact \`${name}\` has the unknown reading \`${as}\``);
    }
  }
}

function writeOut(selection: RawXmlSelection, shorthands: Readonly<Record<string, string>>): RawXmlSelection {
  const nodes = Object.entries(shorthands).reduce((text, [name, full]) => text.replaceAll(name, full), selection.nodes);
  return { ...selection, nodes };
}
