/** What the page is made of: the timeline as plain data, which the page's script draws. No text in it is markup. */

export interface PageData {
  readonly title: string;
  /** Milliseconds since 1970, as all times here. */
  readonly made: number;
  /** The first and the last moment of which the logs tell. */
  readonly from: number;
  readonly to: number;
  readonly guests: readonly PageGuest[];
  /** By time. */
  readonly entries: readonly PageEntry[];
}

export interface PageGuest {
  readonly name: string;
  readonly uuid?: string;
  readonly formerNames?: readonly string[];
  readonly sessions: readonly PageBar[];
  readonly suspensions: readonly PageBar[];
}

/** A period of a guest's lane. */
export interface PageBar {
  /** Left out: it began before the logs, or lasts. */
  readonly from?: number;
  readonly to?: number;
  /** For the pointer and for screen readers. */
  readonly label: string;
  /** When it ended is not known exactly. */
  readonly vague?: boolean;
}

export const ENTRY_KINDS = ['run', 'call', 'denial', 'failure', 'resource', 'security', 'host'] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

export interface PageEntry {
  readonly time: number;
  /** Index of the guest; left out where it is about none. */
  readonly guest?: number;
  readonly kind: EntryKind;
  /** One sentence without the guest's name. */
  readonly text: string;
  /** A stop or a start that nobody asked for through the shim. */
  readonly unattributed?: boolean;
  /** What is known of it, by name. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** What became different in the guest's XML. */
  readonly changes?: readonly PageChange[];
  /** Where to look it up: `audit 1700000000.123:456`, `record 5f3a...`. */
  readonly proof: readonly string[];
}

export interface PageChange {
  readonly path: string;
  readonly before?: string;
  readonly after?: string;
}
