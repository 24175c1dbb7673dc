/** Numbers of the image format that native/policy/image.h has too; docs/policy-image.md describes them. */

export const magic = 'VSPOLICY';
export const imageVersion = 1;
export const none = 0xffffffff;
export const alignment = 8;
export const headerSize = 64;
export const bodySize = 96;

export const auditNetlink = 1;
export const auditFileAlways = 2;

export const maxPrefix = 64;
export const groupExactNames = 1;
export const groupUids = 2;
export const groupUuids = 4;

/** In the order of their offsets in the body. */
export const sectionNames = [
  'functions',
  'groups',
  'candidates',
  'slots',
  'rules',
  'ids',
  'globRefs',
  'globs',
  'arguments',
  'strings',
] as const;
export type SectionName = (typeof sectionNames)[number];

export const elementSizes: Readonly<Record<SectionName, number>> = {
  functions: 12,
  groups: 32,
  candidates: 12,
  slots: 8,
  rules: 68,
  ids: 4,
  globRefs: 4,
  globs: 20,
  arguments: 16,
  strings: 1,
};
