/** What a reader of the log is after. Starts, stops and the calls that virtshim saw are always wanted. */
export interface Wanted {
  /** VIRT_RESOURCE and VIRT_MACHINE_ID. */
  readonly resources: boolean;
  /** AVC and ANOM_*, which have to be tied to guests by VIRT_MACHINE_ID. */
  readonly security: boolean;
}

export const EVERYTHING: Wanted = { resources: true, security: true };

/** The SYSCALL record comes right after the AVC of its event; on many processors those of others may stand between. */
export const PATIENCE = 100;
