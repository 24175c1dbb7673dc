// libvirt's API description (libvirt-api.xml and its siblings) as the facts of native/api/libvirt.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  FactsError,
  type RawArg,
  type RawCallback,
  type RawCheck,
  type RawConstant,
  type RawEnum,
  type RawEnumValue,
  type RawFacts,
  type RawFunction,
  type RawStruct,
  type RawTypedef,
} from '../facts.js';
import { type Library, libraries } from '../vocabulary.js';
import { attribute, childrenOf, type Element, parseXml } from './xml-tree.js';

/**
 * Reads `<library>-api.xml` of each library in `folder` (usually /usr/share/libvirt/api).
 * Throws FactsError where one is missing or not in the known format.
 */
export function readApiFolder(folder: string): RawFacts {
  const parts = libraries.map((library) => {
    const path = join(folder, `${library}-api.xml`);
    try {
      return parseApiXml(readFileSync(path, 'utf8'), library);
    } catch (error) {
      throw new FactsError([`cannot read \`${path}\`: ${error instanceof Error ? error.message : String(error)}`]);
    }
  });
  return {
    libvirtVersion: parts.map((part) => part.libvirtVersion).join(''),
    functions: parts.flatMap((part) => part.functions),
    callbacks: parts.flatMap((part) => part.callbacks),
    structs: parts.flatMap((part) => part.structs),
    typedefs: parts.flatMap((part) => part.typedefs),
    enums: Object.assign({}, ...parts.map((part) => part.enums)),
    constants: Object.assign({}, ...parts.map((part) => part.constants)),
  };
}

/** `text` is the description of one library. Throws where it is not in the known format. */
export function parseApiXml(text: string, library: Library): RawFacts {
  const root = parseXml(text);
  const symbols = childrenOf(root, 'symbols')[0];
  if (root.name !== 'api' || !symbols) throw new Error('no API description');
  return {
    libvirtVersion: readVersion(symbols),
    functions: childrenOf(symbols, 'function').map((element) => readFunction(element, library)),
    callbacks: childrenOf(symbols, 'functype').map((element) => readCallback(element, library)),
    structs: childrenOf(symbols, 'struct').map((element) => readStruct(element, library)),
    typedefs: childrenOf(symbols, 'typedef').map((element) => readTypedef(element, library)),
    enums: readEnums(symbols, library),
    constants: readConstants(symbols, library),
  };
}

/** "9.0.0", or "" for the smaller libraries, whose descriptions do not say. */
function readVersion(symbols: Element): string {
  const macro = childrenOf(symbols, 'macro').find(({ attributes }) => attributes.name === 'LIBVIR_VERSION_NUMBER');
  if (!macro) return '';
  const number = Number(attribute(macro, 'raw'));
  return `${Math.floor(number / 1_000_000)}.${Math.floor(number / 1000) % 1000}.${number % 1000}`;
}

function readFunction(element: Element, library: Library): RawFunction {
  const acls = childrenOf(element, 'acls')[0];
  const checks = childrenOf(acls, 'check').map(readCheck);
  const filters = childrenOf(acls, 'filter').map(readCheck);
  return {
    name: attribute(element, 'name'),
    library,
    group: attribute(element, 'file'),
    since: attribute(element, 'version'),
    returns: readReturn(element),
    args: childrenOf(element, 'arg').map(readArg),
    ...(checks.length > 0 && { aclChecks: checks }),
    ...(filters.length > 0 && { aclFilters: filters }),
  };
}

function readCheck(element: Element): RawCheck {
  const { flags } = element.attributes;
  const check = { object: attribute(element, 'object'), perm: attribute(element, 'perm') };
  return flags === undefined ? check : { ...check, flags };
}

function readCallback(element: Element, library: Library): RawCallback {
  const [name, since] = [attribute(element, 'name'), attribute(element, 'version')];
  return { name, library, since, returns: readReturn(element), args: childrenOf(element, 'arg').map(readArg) };
}

function readReturn(element: Element): string {
  const [result] = childrenOf(element, 'return');
  return result ? attribute(result, 'type') : 'void';
}

function readArg(element: Element): RawArg {
  return { name: attribute(element, 'name'), type: attribute(element, 'type') };
}

function readStruct(element: Element, library: Library): RawStruct {
  const [name, type, since] = [attribute(element, 'name'), attribute(element, 'type'), attribute(element, 'version')];
  return { name, library, type, since, fields: childrenOf(element, 'field').map(readField) };
}

function readField(element: Element): RawArg {
  const members = childrenOf(childrenOf(element, 'union')[0], 'field').map(readArg);
  return { ...readArg(element), ...(members.length > 0 && { union: members }) };
}

function readTypedef(element: Element, library: Library): RawTypedef {
  return { name: attribute(element, 'name'), library, type: attribute(element, 'type') };
}

function readEnums(symbols: Element, library: Library): Record<string, RawEnum> {
  const enums = new Map<string, RawEnumValue[]>();
  for (const element of childrenOf(symbols, 'enum')) {
    const type = attribute(element, 'type');
    const text = attribute(element, 'value');
    const value = /^-?\d+$/.test(text) ? Number(text) : text;
    const values = enums.get(type) ?? [];
    values.push({ name: attribute(element, 'name'), value, since: attribute(element, 'version') });
    enums.set(type, values);
  }
  return Object.fromEntries([...enums].map(([name, values]) => [name, { library, values }]));
}

/** Macros that take arguments are code, not constants. */
function readConstants(symbols: Element, library: Library): Record<string, RawConstant> {
  const macros = childrenOf(symbols, 'macro').filter((macro) => macro.attributes.params === undefined);
  return Object.fromEntries(macros.map((macro) => [attribute(macro, 'name'), readConstant(macro, library)]));
}

function readConstant(macro: Element, library: Library): RawConstant {
  const since = attribute(macro, 'version');
  const { string, raw = '' } = macro.attributes;
  return string === undefined ? { library, since, raw } : { library, since, string };
}
