/** One thing that doctor looked at. */
export interface Finding {
  readonly topic: string;
  /** `note` is worth knowing but nothing to repair; `problem` makes doctor end with exit code 1. */
  readonly state: 'ok' | 'note' | 'problem';
  /** What was seen; lower case, no final period. */
  readonly seen: string;
  /** Problems: what would repair it. */
  readonly fix?: string;
}
