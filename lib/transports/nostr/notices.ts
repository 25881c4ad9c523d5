/**
 * Hearing of publications when relays do.
 *
 * @module
 */
import type { Manifest } from "../../manifest/types.ts";
import { readNostrEndpoints } from "./binding.ts";
import { tagValue } from "./events/event.ts";
import { STATE } from "./events/kinds.ts";
import { mayAsk } from "./may_ask.ts";
import { SEQUENCE_TAG } from "./publication_events.ts";
import type { Relays } from "./relays/relays.ts";
import { distinctUrls, relayUrl } from "./urls.ts";

const MAX_RELAYS = 8;

/**
 * Subscribes to the states of a repository by the Nostr keys that its manifest names, until disposed.
 *
 * @param own the relays that the user set
 */
export function watchStates(
  relays: Relays,
  own: readonly string[],
  { name, endpoints }: Manifest,
  listener: (sequence: number) => void,
): Disposable {
  const named = readNostrEndpoints(endpoints.nostr);
  const theirs = [...named.values()].flat().filter((url) => mayAsk(url, own));
  const urls = distinctUrls([...own, ...theirs], relayUrl, MAX_RELAYS);
  if (named.size === 0 || urls.length === 0) return { [Symbol.dispose]() {} };
  const filter = { kinds: [STATE], authors: [...named.keys()], "#d": [name] };
  return relays.subscribe(urls, [filter], (event) => {
    const sequence = /^\d{1,15}$/.exec(tagValue(event, SEQUENCE_TAG) ?? "")?.[0];
    if (sequence !== undefined) listener(Number(sequence));
  });
}
