/**
 * What is built on hyperdht, for a peer in Deno. Loaded when it is used.
 *
 * @module
 */

export async function hyperswarm(): Promise<unknown> {
  return (await import("hyperswarm")).default;
}

/** The last major version that needs no native addon. */
export async function hypercore(): Promise<unknown> {
  return (await import("hypercore")).default;
}

/** Where a hypercore has its data: in memory. */
export async function memory(): Promise<unknown> {
  return (await import("random-access-memory")).default;
}
