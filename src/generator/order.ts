/** The order of strcmp: all of libvirt's names are ASCII. */
export function byteOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
