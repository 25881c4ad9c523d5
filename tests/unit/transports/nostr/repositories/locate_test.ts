import assert from "node:assert/strict";
import { keyFromSeed } from "../../../../../lib/identity/keys.ts";
import { formatNostrAddress } from "../../../../../lib/transports/nostr/names/address.ts";
import { bindingTag } from "../../../../../lib/transports/nostr/repositories/binding.ts";
import { encodeAnnouncement } from "../../../../../lib/transports/nostr/repositories/announcement.ts";
import type { NostrEvent } from "../../../../../lib/transports/nostr/events/event.ts";
import { encodeState } from "../../../../../lib/transports/nostr/repositories/state.ts";
import { locate } from "../../../../../lib/transports/nostr/repositories/locate.ts";
import type { Relays } from "../../../../../lib/transports/nostr/relays/relays.ts";
import { RepositoryLookup } from "../../../../../lib/transports/nostr/repositories/lookup.ts";
import { hex, key } from "../../../manifest/fixture.ts";
import { alice, counting, NOW, signed } from "../fixture.ts";

const RELAY = "wss://relay.example.org";
const another = keyFromSeed(new Uint8Array(32).fill(2));
const ours = bindingTag(key, alice.pubkey, "hello");
const theirs = bindingTag(another, alice.pubkey, "hello");

const announced = (...tags: string[][]) => {
  const none = { clone: [], web: [], relays: [], blossoms: [], maintainers: [] };
  return signed(alice, encodeAnnouncement({ identifier: "hello", ...none }, NOW, tags));
};
const stated = (...tags: string[][]) => {
  const refs = new Map([["refs/heads/main", hex(40, "one")]]);
  const state = { identifier: "hello", refs, peeled: new Map() };
  return signed(alice, encodeState(state, NOW, { tags, content: "" }));
};

/** Whose repository the address leads to where a relay has these events. */
async function located(...events: NostrEvent[]) {
  const relays = {
    options: counting(),
    query: (urls: readonly string[]) =>
      Promise.resolve({ events, answered: urls, failed: new Map() }),
  } as unknown as Relays;
  const parts = {
    lookup: new RepositoryLookup(relays, [RELAY]),
    names: () => Promise.reject(new Error("no name is in the address")),
    ...{ publicKey: another.publicKeyHex, found: () => {}, publishes: () => false },
    ownPubkey: () => Promise.resolve(undefined),
  };
  const url = formatNostrAddress({ pubkey: alice.pubkey, identifier: "hello", relays: [] });
  const found = await locate(parts, url, { signal: AbortSignal.timeout(60_000) });
  return "foreign" in found
    ? { foreign: found.foreign.publisher }
    : { publisher: found.address.publicKey };
}

Deno.test("locate: an announcement or a state that is bound leads to its publisher", async () => {
  for (
    const events of [[announced(ours), stated(ours)], [announced(ours)], [
      announced(),
      stated(ours),
    ], [announced(ours), stated()]]
  ) {
    assert.deepEqual(await located(...events), { publisher: key.publicKeyHex });
  }
});

Deno.test("locate: of two publishers that are claimed neither is believed", async () => {
  await assert.rejects(located(announced(ours), stated(theirs)), { code: "wrong-key" });
  const [tag, publicKey, signature] = ours;
  const forged = [tag!, publicKey!, signature!.replace(/^../, "00")];
  await assert.rejects(located(announced(ours), stated(forged)), { code: "wrong-key" });
});

Deno.test("locate: what is bound to no key is another program's", async () => {
  assert.deepEqual(await located(announced(), stated()), { foreign: alice.pubkey });
});
