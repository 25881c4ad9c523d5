/**
 * What relays are asked for (NIP-01).
 *
 * @module
 */
import type { NostrEvent } from "../events/event.ts";

/** All of its parts have to fit; of a list, one. */
export interface Filter {
  readonly ids?: readonly string[];
  readonly authors?: readonly string[];
  readonly kinds?: readonly number[];
  /** Seconds since 1970. */
  readonly since?: number;
  readonly until?: number;
  readonly limit?: number;
  readonly [tag: `#${string}`]: readonly string[] | undefined;
}

/** Whether one of the filters asks for `event`: relays may send anything. */
export function isAsked(filters: readonly Filter[], event: NostrEvent): boolean {
  return filters.some((filter) => fits(filter, event));
}

function fits(filter: Filter, event: NostrEvent): boolean {
  const { ids, authors, kinds, since = 0, until = Infinity } = filter;
  return (ids?.includes(event.id) ?? true) && (authors?.includes(event.pubkey) ?? true) &&
    (kinds?.includes(event.kind) ?? true) &&
    event.created_at >= since && event.created_at <= until &&
    Object.entries(filter).every(([key, values]) =>
      !key.startsWith("#") ||
      event.tags.some((tag) =>
        tag[0] === key.slice(1) && (values as string[]).includes(tag[1] ?? "")
      )
    );
}
