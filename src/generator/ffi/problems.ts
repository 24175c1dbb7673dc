// Problems of single facts are gathered, so that a new libvirt is brought in with one look.

/** What `build` makes of each item. Where it throws, the problem is noted under the item's name and the item left out. */
export function buildEach<Item extends { readonly name: string }, Built>(
  items: readonly Item[],
  problems: string[],
  build: (item: Item, index: number) => Built,
): Built[] {
  return items.flatMap((item, index) => {
    try {
      return [build(item, index)];
    } catch (error) {
      problems.push(`${item.name}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  });
}
