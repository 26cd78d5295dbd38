/** Does the work of all items, at most `most` at a time; results in the order of the items. */
export async function mapBounded<T, R>(items: readonly T[], most: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const rest = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of rest) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  return results;
}

/** One piece of work for all items with the same key, also while the first still goes on. */
export function sharing<T, R>(keyOf: (item: T) => string, work: (item: T) => Promise<R>): (item: T) => Promise<R> {
  const begun = new Map<string, Promise<R>>();
  return (item) => {
    const key = keyOf(item);
    const known = begun.get(key) ?? work(item);
    begun.set(key, known);
    return known;
  };
}
