/** Offsets into the text, in UTF-16 units: `[from, to)`. */
export type Span = readonly [from: number, to: number];

/** A value of the file together with where it stands. Maps are Maps, so that a key such as `__proto__` is only a key. */
export interface Located {
  readonly at: Span;
  /** Where its key stands; null in lists and at the top. */
  readonly key: Span | null;
  readonly node:
    | {
        readonly kind: 'scalar';
        readonly value: string | number | boolean | null;
        /** Nothing at all was written. */ readonly empty: boolean;
      }
    | { readonly kind: 'map'; readonly members: ReadonlyMap<string, Located> }
    | { readonly kind: 'list'; readonly items: readonly Located[] };
}

/** The member of a map, or the item of a list; undefined if there is none. */
export function child(located: Located | undefined, key: string): Located | undefined {
  if (located?.node.kind === 'map') return located.node.members.get(key);
  return located?.node.kind === 'list' ? located.node.items[Number(key)] : undefined;
}

/** What stands at a path. */
export function find(root: Located | undefined, ...path: readonly string[]): Located | undefined {
  return path.reduce(child, root);
}

/** Entries of a map; nothing for anything else. */
export function entries(located: Located | undefined): readonly (readonly [string, Located])[] {
  return located?.node.kind === 'map' ? [...located.node.members] : [];
}

/** Items of a list; nothing for anything else. */
export function items(located: Located | undefined): readonly Located[] {
  return located?.node.kind === 'list' ? located.node.items : [];
}

/** A scalar's value; undefined for anything else. */
export function scalar(located: Located | undefined): string | number | boolean | null | undefined {
  return located?.node.kind === 'scalar' ? located.node.value : undefined;
}

/** A text; undefined for anything else. */
export function text(located: Located | undefined): string | undefined {
  const value = scalar(located);
  return typeof value === 'string' ? value : undefined;
}

/** Where a person looks for it: the key of a map or list, the value of a scalar. */
export function spot(located: Located): Span {
  return located.node.kind === 'scalar' && !located.node.empty ? located.at : (located.key ?? located.at);
}

/** Plain data. Objects have no prototype, so that no key has a meaning of its own. */
export function plain(located: Located): unknown {
  if (located.node.kind === 'scalar') return located.node.value;
  if (located.node.kind === 'list') return located.node.items.map(plain);
  const result = Object.create(null) as Record<string, unknown>;
  for (const [key, member] of located.node.members) result[key] = plain(member);
  return result;
}

/** How many values there are, itself included. */
export function size(located: Located): number {
  if (located.node.kind === 'scalar') return 1;
  const children = located.node.kind === 'list' ? located.node.items : located.node.members.values();
  let total = 1;
  for (const member of children) total += size(member);
  return total;
}
