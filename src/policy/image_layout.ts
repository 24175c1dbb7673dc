/** Numbers of the image format that native/policy/image.h has too; docs/policy-image.md describes them. */

export const magic = 'VSPOLICY';
export const imageVersion = 3;
export const none = 0xffffffff;
export const alignment = 8;
export const headerSize = 64;
export const bodySize = 152;

export const auditNetlink = 1;
export const auditFileAlways = 2;

/** Bytes of a literal that the index looks at. */
export const maxLiteral = 64;
/** Keys of a group. */
export const maxKeys = 8;

/** What rules are found by, in the order of the image's numbers. */
export const facts = [
  'uid',
  'name',
  'uuid',
  'driver',
  'uri',
  'argument',
  'auid',
  'executable',
  'command',
  'terminal',
  'label',
  'actor',
  'transport',
  'host',
  'monitor',
] as const;
export type Fact = (typeof facts)[number];

/** What a condition can be about, in the order of the image's numbers. */
export const conditionKinds = [
  'kinds',
  'argument',
  'uids',
  'names',
  'uuids',
  'readOnly',
  'drivers',
  'uris',
  'gids',
  'auids',
  'executables',
  'commands',
  'terminals',
  'labels',
  'actors',
  'transports',
  'hosts',
  'parameter',
  'monitor',
  'time',
  'xmlFact',
  'xpath',
  'reason',
  'rate',
] as const;
export type ConditionKind = (typeof conditionKinds)[number];

/** In the order of their offsets in the body. */
export const sectionNames = [
  'functions',
  'groups',
  'keys',
  'candidates',
  'slots',
  'rules',
  'ids',
  'globRefs',
  'globs',
  'arguments',
  'conditions',
  'parameters',
  'xmlTests',
  'windows',
  'transitions',
  'rates',
  'strings',
] as const;
export type SectionName = (typeof sectionNames)[number];

export const elementSizes: Readonly<Record<SectionName, number>> = {
  functions: 12,
  groups: 24,
  keys: 40,
  candidates: 12,
  slots: 8,
  rules: 76,
  ids: 4,
  globRefs: 4,
  globs: 20,
  arguments: 16,
  conditions: 12,
  parameters: 24,
  xmlTests: 16,
  windows: 16,
  transitions: 16,
  rates: 24,
  strings: 1,
};
