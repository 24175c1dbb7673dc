// The text of native/api/libvirt.json: one fact a line, so that a new libvirt is a readable difference.
import type { RawFacts } from '../facts.js';

export function formatFacts(facts: RawFacts): string {
  const { libvirtVersion, functions, callbacks, structs, typedefs, enums, constants } = facts;
  const sections = [
    `"libvirtVersion":${JSON.stringify(libvirtVersion)}`,
    ...Object.entries({ functions, callbacks, structs, typedefs }).map(([name, list]) => listSection(name, list)),
    ...Object.entries({ enums, constants }).map(([name, record]) => recordSection(name, record)),
  ];
  return `{\n${sections.join(',\n')}\n}\n`;
}

function listSection(name: string, list: readonly unknown[]): string {
  return `"${name}":[\n${list.map((entry) => JSON.stringify(entry)).join(',\n')}\n]`;
}

function recordSection(name: string, record: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(record).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return `"${name}":{\n${lines.join(',\n')}\n}`;
}
