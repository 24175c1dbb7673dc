/** Sizes and spans of time as people write them. */
import { VirtshimError } from '../errors.js';

const SIZES: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const SPANS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** `64M` in bytes. Throws VIRTSHIM_USAGE. */
export function parseSize(text: string): number {
  const [, number, unit = ''] = /^(\d{1,9})([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const bytes = Number(number) * (SIZES[unit.toLowerCase()] ?? Number.NaN);
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new VirtshimError('VIRTSHIM_USAGE', `\`${text}\` is no size`, { hint: 'write 500K, 64M or 1G' });
}

/** `36h` in seconds. Throws VIRTSHIM_USAGE. */
export function parseSpan(text: string): number {
  const [, number, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const seconds = Number(number) * (SPANS[unit] ?? Number.NaN);
  if (seconds >= 1 && seconds < 2 ** 32) return seconds;
  throw new VirtshimError('VIRTSHIM_USAGE', `\`${text}\` is no span of time`, { hint: 'write 30m, 12h, 1d or 4w' });
}

/** A whole number from 0 on. Throws VIRTSHIM_USAGE. */
export function parseCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new VirtshimError('VIRTSHIM_USAGE', `\`${text}\` is no number of files`, { hint: 'write 0, 1, 2, ...' });
}
