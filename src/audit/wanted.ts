import type { LineTest } from '../input/lines.js';

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

/** The SYSCALL record comes right after the AVC of its event; on many processors those of others may stand between. */
export const PATIENCE = 100;

/**
 * A test of a line's first bytes. What does not begin as a record of an audit log does passes as well: it shall be
 * reported. Of the SYSCALL records, which are most of many a log, only those after an AVC pass.
 */
export function lineTest(wanted: Wanted): LineTest {
  let syscalls = 0;
  const ofType = (block: Buffer, at: number): boolean => {
    const first = block[at];
    if (first === S) return block[at + 1] === Y && (block[at + 3] === T || (block[at + 3] === C && syscalls-- > 0));
    if (first === V) return isWantedVirt(wanted, block[at + HEAD]);
    if (first === A && wanted.security && (block[at + 1] === V || block[at + 1] === N)) {
      syscalls = PATIENCE;
      return true;
    }
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
