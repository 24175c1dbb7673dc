// The inputs of the generator: the JSON files in native/api/, read and checked for shape.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RawFfi } from './ffi/raw.js';
import type { ArgType, CallClass, Failure, Library, ObjectKind } from './vocabulary.js';
import type { RawXml } from './xml.js';

export interface RawArg {
  readonly name: string;
  readonly type: string;
}

/** One `<check>` of libvirt's API description; `flags` is the text of its condition. */
export interface RawCheck {
  readonly object: string;
  readonly perm: string;
  readonly flags?: string;
}

export interface RawFunction {
  readonly name: string;
  readonly library: Library;
  readonly group: string;
  readonly since: string;
  readonly returns: string;
  readonly args: readonly RawArg[];
  readonly aclChecks?: readonly RawCheck[];
  readonly aclFilters?: readonly RawCheck[];
}

export interface RawCallback {
  readonly name: string;
  readonly library: Library;
  readonly since?: string;
  readonly returns: string;
  readonly args: readonly RawArg[];
}

export interface RawStruct {
  readonly name: string;
  readonly library: Library;
  readonly type: string;
  readonly since?: string;
  readonly fields: readonly RawArg[];
}

export interface RawTypedef {
  readonly name: string;
  readonly library: Library;
  readonly type: string;
}

/** The value is another constant's name where libvirt defines it so. */
export interface RawEnumValue {
  readonly name: string;
  readonly value: number | string;
  readonly since?: string;
}

export interface RawEnum {
  readonly library: Library;
  readonly values: readonly RawEnumValue[];
}

export interface RawConstant {
  readonly library: Library;
  readonly since?: string;
  readonly raw?: string;
  readonly string?: string;
}

/** native/api/libvirt.json: what libvirt's own API description says. */
export interface RawFacts {
  readonly libvirtVersion: string;
  readonly functions: readonly RawFunction[];
  readonly callbacks: readonly RawCallback[];
  readonly structs: readonly RawStruct[];
  readonly typedefs: readonly RawTypedef[];
  readonly enums: Readonly<Record<string, RawEnum>>;
  readonly constants: Readonly<Record<string, RawConstant>>;
}

export interface RawClass {
  readonly class: CallClass;
  readonly readonlyConnection: boolean | string;
}

interface Reasoned {
  readonly functions: readonly string[];
  readonly reason: string;
}

/** A check that takes the place of, or adds to, libvirt's; `when` names another argument's value. */
export interface OverriddenCheck {
  readonly permission: string;
  readonly when?: { readonly arg: string; readonly equals: string };
}

/** native/api/overrides.json: what the API description lacks or has wrong, each entry with its reason. */
export interface RawOverrides {
  readonly stateChanging: readonly (Reasoned & { readonly value: boolean })[];
  readonly args: readonly (Reasoned & {
    readonly arg: string;
    readonly type?: ArgType;
    readonly count?: string;
    readonly secret?: boolean;
  })[];
  readonly checks: readonly (Reasoned & { readonly checks: readonly OverriddenCheck[] })[];
  readonly failure: readonly (Reasoned & { readonly value: Failure })[];
  readonly objects: readonly (Reasoned & { readonly object: ObjectKind })[];
}

export interface Inputs {
  readonly facts: RawFacts;
  readonly classes: Readonly<Record<string, RawClass>>;
  readonly overrides: RawOverrides;
  readonly ffi: RawFfi;
  readonly xml: RawXml;
}

/** What is wrong with the inputs, one problem a line. */
export class FactsError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'FactsError';
    this.problems = problems;
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new FactsError([`cannot read \`${path}\`: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

/** Reads the JSON files of `apiFolder`. Throws FactsError. */
export function readInputs(apiFolder: string): Inputs {
  return {
    facts: readJson(join(apiFolder, 'libvirt.json')) as RawFacts,
    classes: readJson(join(apiFolder, 'classes.json')) as Record<string, RawClass>,
    overrides: readJson(join(apiFolder, 'overrides.json')) as RawOverrides,
    ffi: readJson(join(apiFolder, 'ffi.json')) as RawFfi,
    xml: readJson(join(apiFolder, 'xml.json')) as RawXml,
  };
}
