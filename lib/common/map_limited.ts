/**
 * Much of the same work, a little of it at a time.
 *
 * @module
 */

/**
 * What `work` makes of each of `items`, in their order, with no more than `most` under way at once.
 * After a failure nothing more is begun.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  most: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await work(items[i]!).catch((error) => {
        next = items.length;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: most }, worker));
  return results;
}
