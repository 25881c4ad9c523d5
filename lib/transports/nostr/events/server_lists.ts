/**
 * Where a user's events (NIP-65, kind 10002) and blobs (BUD-03, kind 10063) are.
 *
 * @module
 */
import { distinctUrls, relayUrl, webUrl } from "../urls.ts";
import { allTagValues, type NostrEvent } from "./event.ts";
import { BLOSSOM_LIST, RELAY_LIST } from "./kinds.ts";

/** The relays of a user. */
export interface RelayList {
  /** Where the user's own events are. */
  readonly write: readonly string[];
  /** Where the user looks for what others write to them. */
  readonly read: readonly string[];
}

const MAX_SERVERS = 16;

/** The relays that an authentic event lists; undefined where it is no list. */
export function decodeRelayList(event: NostrEvent): RelayList | undefined {
  if (event.kind !== RELAY_LIST) return undefined;
  const listed = (not: string) =>
    distinctUrls(
      event.tags.filter(([name, , use]) => name === "r" && use !== not).map((tag) => tag[1] ?? ""),
      relayUrl,
      MAX_SERVERS,
    );
  return { write: listed("read"), read: listed("write") };
}

/** The servers that an authentic event lists; undefined where it is no list. */
export function decodeBlossomList(event: NostrEvent): string[] | undefined {
  if (event.kind !== BLOSSOM_LIST) return undefined;
  return distinctUrls(allTagValues(event, "server"), webUrl, MAX_SERVERS);
}
