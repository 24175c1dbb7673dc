/** How a trail says that its oldest records were removed: a notice that holds the chain value of the last one. */

export const REMOVAL_NOTICE = 'records-removed';

/** `chain` is that of the record `last`, the last one of `file`. */
export const removalText = (file: string, last: number, chain: string): string =>
  `records up to ${last} were removed with ${file}; chain ${chain}`;

/** The number and the chain value in such a text. */
export const REMOVAL_TEXT = /^records up to (\d+) were removed with .*; chain ([0-9a-f]{64})$/s;
