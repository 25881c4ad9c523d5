/**
 * Where a pack may be, as the events of its repository say.
 *
 * @module
 */
import type { PackRef } from "../../../manifest/types.ts";
import type { BlobSource } from "../blossom/sources.ts";
import { relaySource } from "../chunks/relay_source.ts";
import { mayAsk } from "../may_ask.ts";
import { distinctUrls, webUrl } from "../urls.ts";
import type { RepositoryEvents, RepositoryLookup } from "./lookup.ts";

const MAX_URLS = 16;
/** Most events that are believed to name the chunks of one pack. */
const MAX_CHUNKED_AS = 4;

/**
 * Its URLs: as its event says, then wherever a server is known.
 *
 * @param own the user's relays and Blossom servers
 */
export function packUrls(
  sha256: string,
  events: RepositoryEvents | undefined,
  own: { readonly relays: readonly string[]; readonly servers: readonly string[] },
): string[] {
  const chosen = events?.address.relays ?? own.relays;
  const told = events?.packs.filter(({ metadata }) => metadata.sha256 === sha256) ?? [];
  return distinctUrls(
    [
      ...told.flatMap(({ metadata }) => metadata.urls).filter((url) => mayAsk(url, chosen)),
      ...[...own.servers, ...events?.servers ?? []].map((server) => `${server}/${sha256}`),
    ],
    webUrl,
    MAX_URLS,
  );
}

/** Relays that may have it in events, as several events may say. */
export function packInEvents(
  { sha256, size }: PackRef,
  events: RepositoryEvents,
  lookup: RepositoryLookup,
  dropped: (reason: string) => void,
): BlobSource[] {
  const urls = lookup.relaysFor(events);
  const told = events.packs.filter(({ metadata }) =>
    metadata.sha256 === sha256 && metadata.size === size && metadata.chunks !== undefined
  );
  return told.slice(0, MAX_CHUNKED_AS).map(({ event: { pubkey }, metadata }) =>
    relaySource({ pubkey, size, chunks: metadata.chunks! }, lookup.relays, urls, dropped)
  );
}
