// docs/policy-xml-facts.md: the facts of native/api/xml.json for whoever writes policies.
import type { Api } from '../model.js';
import type { RawXmlFact, RawXmlSelection, xmlReadings } from '../xml.js';

const readAs: Readonly<Record<keyof typeof xmlReadings, string>> = {
  path: 'a path, in its simplest form',
  number: 'a whole number, not negative',
  signed: 'a whole number',
  kib: 'a size in KiB, by its `unit`',
  'kib-sum': 'a size in KiB, by its `unit`; one sum for all',
  bytes: 'a size in bytes, by its `unit`',
  address: 'an address of a device',
  qualified: 'the name, with the usual prefix',
};

const introduction = `# Facts of XML

Generated from native/api/xml.json by \`npm run generate\`. [policy-xml.md](policy-xml.md) says how rules ask for them.
"Read from" names the nodes, in XPath 1.0, and what is taken of each. A fact has a value for each node that is found,
and none where there is none.`;

export function emitXmlReference(api: Api): string {
  return `${[introduction, ...api.xml.facts.map(sectionOf), callsOf(api)].join('\n\n')}\n`;
}

function callsOf({ functions, xml }: Api): string {
  const rows = xml.arguments.map(({ function: name, arg, inParameters }) => {
    const argument = functions.find((fn) => fn.name === name)?.args[arg]?.name;
    return `- \`${name}\`: \`${argument}\`${inParameters ? ` (${xml.parameters.join(', ')})` : ''}`;
  });
  return `# Calls that bring XML

Each with its argument; of typed parameters, the fields that hold XML.

${rows.join('\n')}`;
}

function sectionOf({ name, type, description, example, values }: RawXmlFact): string {
  return `## ${name}

A ${type}: ${description}.

    "${name}": ${example}

Read from:

${values.map(sourceOf).join('\n')}`;
}

function sourceOf({ nodes, value, default: fallback, as }: RawXmlSelection): string {
  const parts = [
    `- \`${nodes}\``,
    value === undefined ? '' : `: \`${value}\``,
    as === undefined ? '' : `, ${readAs[as]}`,
    fallback === undefined ? '' : `; \`${fallback}\` where it is empty`,
  ];
  return parts.join('');
}
