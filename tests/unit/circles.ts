/**
 * Circles in a graph of imports.
 *
 * @module
 */

/** What imports what, by paths. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/**
 * All that import themselves, by way of others or at once: the strongly connected components (Tarjan
 * 1972). Paths in a circle, and circles, are sorted.
 */
export function circles(graph: Graph): string[][] {
  const order = new Map<string, number>();
  const open: string[] = [];
  const found: string[][] = [];

  /** Returns the oldest open path that can be reached from here. */
  function visit(path: string): number {
    const number = order.size;
    order.set(path, number);
    open.push(path);
    let oldest = number;
    for (const next of graph.get(path) ?? []) {
      if (!order.has(next)) oldest = Math.min(oldest, visit(next));
      else if (open.includes(next)) oldest = Math.min(oldest, order.get(next)!);
    }
    if (oldest < number) return oldest;
    const members = open.splice(open.indexOf(path));
    if (members.length > 1 || graph.get(path)?.includes(path)) found.push(members.sort());
    return Infinity;
  }

  for (const path of graph.keys()) if (!order.has(path)) visit(path);
  return found.sort((a, b) => a[0]! < b[0]! ? -1 : 1);
}
