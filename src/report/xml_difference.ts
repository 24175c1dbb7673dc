/** One difference between two XML documents. */
export interface XmlChange {
  readonly kind: 'added' | 'removed' | 'changed';
  /** `devices/disk[vda]/source/@file`: elements by what identifies them, the root left out. */
  readonly path: string;
  /** The text or attribute's value; of whole elements their XML. undefined where it was not there. */
  readonly before?: string;
  readonly after?: string;
}
