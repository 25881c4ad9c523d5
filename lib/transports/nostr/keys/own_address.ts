/**
 * The address of one's own repositories, without joining the network.
 *
 * @module
 */
import { RequestError } from "../../../common/errors.ts";
import type { Wait } from "../../../common/wait.ts";
import type { NetworkContext } from "../../../ports/network.ts";
import { formatNostrAddress } from "../names/address.ts";
import { distinctUrls, relayUrl } from "../urls.ts";
import { OwnKey } from "./own_key.ts";

/** Formats an address with the first relay in it; undefined where no relay is set, or no key known. */
export async function ownAddress(
  context: Pick<NetworkContext, "settings" | "key" | "gitConfig">,
  { signal }: Wait,
): Promise<((name: string) => string) | undefined> {
  const relays = distinctUrls(context.settings.get("nostr.relays") ?? [], relayUrl, 1);
  if (relays.length === 0) return undefined;
  using key = new OwnKey(context, () => {
    throw new RequestError(
      "bunker",
      "can't ask the bunker now: nobody is contacted for an address",
    );
  });
  const pubkey = await key.look(signal);
  return pubkey === undefined
    ? undefined
    : (name) => formatNostrAddress({ pubkey, identifier: name, relays });
}
