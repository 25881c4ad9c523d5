/**
 * Where repositories were found, and what relays told of them.
 *
 * @module
 */
import { toGtrError } from "../../../common/errors.ts";
import { publisherId } from "../../../identity/keys.ts";
import type { Manifest, SignedManifest } from "../../../manifest/types.ts";
import { mayAsk } from "../may_ask.ts";
import type { NostrAddress } from "../names/address.ts";
import { readNostrEndpoints } from "./binding.ts";
import { BoundedCache } from "./bounded_cache.ts";
import { type RepositoryEvents, type RepositoryLookup, sizeOfEvents } from "./lookup.ts";

/** With which events a manifest came. */
interface FoundEvents {
  readonly sequence: number;
  readonly events: RepositoryEvents;
}

type Named = Pick<Manifest, "publisher" | "name">;

const MAX_PLACES = 1_000;
/** Followed repositories are looked for more often than that. */
const EVENTS = { entries: MAX_PLACES, bytes: 16 * 1024 * 1024, age: 3_600_000 };

/** The repositories of gtr's that this node came across. */
export class KnownRepositories {
  /** "<id>/<name>" -> where it was found. */
  readonly #places = new Map<string, NostrAddress>();
  readonly #events = new BoundedCache<FoundEvents>(EVENTS);

  /** @param log is told why relays can't be asked */
  constructor(readonly lookup: RepositoryLookup, readonly log: (message: string) => void) {}

  /** Where a repository was found; `id` is gtr's id of its publisher. */
  place(id: string, name: string): NostrAddress | undefined {
    return this.#places.get(`${id}/${name}`);
  }

  /** Remembers where it is. */
  foundAt(repository: Named, address: NostrAddress): void {
    const key = keyOf(repository);
    this.#places.delete(key);
    this.#places.set(key, address);
    const [oldest] = this.#places.keys();
    if (this.#places.size > MAX_PLACES) this.#places.delete(oldest!);
  }

  /** Remembers the newest manifest of it, and with which events it came. */
  found({ manifest }: SignedManifest, events: RepositoryEvents): void {
    this.foundAt(manifest, events.address);
    const { sequence } = manifest;
    this.#events.set(keyOf(manifest), { sequence, events }, sizeOfEvents(events));
  }

  forget(repository: Named): void {
    this.#places.delete(keyOf(repository));
    this.#events.delete(keyOf(repository));
  }

  /** The events that were found with a manifest, or with another of the repository. */
  events(repository: Named): FoundEvents | undefined {
    return this.#events.get(keyOf(repository));
  }

  /**
   * What relays tell of a repository; undefined where that can't be found out.
   *
   * @param pack what is remembered from before it was published doesn't do
   */
  async ask(
    manifest: Manifest,
    signal: AbortSignal,
    pack?: string,
  ): Promise<RepositoryEvents | undefined> {
    const { name, endpoints } = manifest;
    const { lookup } = this;
    const found = this.#places.get(keyOf(manifest));
    const places = found ? [found] : [];
    const used = lookup.own.length > 0; // else nobody asked for this network
    for (const [pubkey, named] of used ? readNostrEndpoints(endpoints.nostr) : []) {
      const relays = named.filter((url) => mayAsk(url, lookup.own));
      places.push({ pubkey, identifier: name, relays });
    }
    for (const place of places) {
      const recent = lookup.remembered(place);
      const does = pack === undefined ||
        recent?.packs.some(({ metadata }) => metadata.sha256 === pack);
      const events = recent && does ? recent : await lookup.ask(place, signal).catch((error) => {
        this.log(`nostr: ${toGtrError(error).message}`);
        return recent;
      });
      signal.throwIfAborted();
      if (events && events.packs.length > 0) return events;
    }
    return undefined;
  }
}

function keyOf({ publisher, name }: Named): string {
  return `${publisherId(Uint8Array.fromHex(publisher))}/${name}`;
}
