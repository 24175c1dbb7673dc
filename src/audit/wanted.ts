import type { LineTest } from './scan.js';

/** What a reader of the log is after. Starts, stops and the calls that virtshim saw are always wanted. */
export interface Wanted {
  /** VIRT_RESOURCE and VIRT_MACHINE_ID. */
  readonly resources: boolean;
  /** AVC and ANOM_*, which have to be tied to guests by VIRT_MACHINE_ID. */
  readonly security: boolean;
}

export const EVERYTHING: Wanted = { resources: true, security: true };

const code = (character: string) => character.charCodeAt(0);
const [A, C, D, E, M, N, R, S, T, V, Y] = [...'ACDEMNRSTVY'].map(code) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];
const EQUALS = code('=');
const SMALL_T = code('t');
const SMALL_N = code('n');
/** Length of `type=`. */
const HEAD = 5;

/**
 * A test of a line's first bytes. What does not begin as a record of an audit log does passes as well: it shall be
 * reported. `pending`: whether an AVC waits for the SYSCALL record of its event.
 */
export function lineTest(wanted: Wanted, pending: () => boolean): LineTest {
  const ofType = (block: Buffer, at: number): boolean => {
    const first = block[at];
    if (first === S) return block[at + 1] === Y && (block[at + 3] === T || (block[at + 3] === C && pending()));
    if (first === V) return isWantedVirt(wanted, block[at + HEAD]);
    if (first === A) return wanted.security && (block[at + 1] === V || block[at + 1] === N);
    return first === D && block[at + 1] === A && block[at + 2] === E;
  };
  return (block, from, end) => {
    const first = block[from];
    if (first === SMALL_T && block[from + HEAD - 1] === EQUALS) return ofType(block, from + HEAD);
    if (first !== SMALL_N) return true;
    const at = block.indexOf(' type=', from, 'latin1');
    return at === -1 || at >= end || ofType(block, at + 1 + HEAD);
  };
}

/** `VIRT_C`ONTROL, `VIRT_R`ESOURCE, `VIRT_M`ACHINE_ID. */
function isWantedVirt({ resources, security }: Wanted, byte: number | undefined): boolean {
  return byte === C || (byte === R && resources) || (byte === M && (resources || security));
}
