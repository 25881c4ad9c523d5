import assert from "node:assert/strict";
import { keyFromSeed, publisherId } from "../../../../../lib/identity/keys.ts";
import { signManifest } from "../../../../../lib/manifest/manifest.ts";
import {
  bindingTag,
  nostrEndpoints,
} from "../../../../../lib/transports/nostr/repositories/binding.ts";
import type { NostrEvent } from "../../../../../lib/transports/nostr/events/event.ts";
import { encodeAnnouncement } from "../../../../../lib/transports/nostr/repositories/announcement.ts";
import { encodeState } from "../../../../../lib/transports/nostr/repositories/state.ts";
import { localSigner } from "../../../../../lib/transports/nostr/events/signer.ts";
import { inlineManifest } from "../../../../../lib/transports/nostr/repositories/manifest_content.ts";
import { type Filter, isAsked } from "../../../../../lib/transports/nostr/relays/filter.ts";
import type { Relays } from "../../../../../lib/transports/nostr/relays/relays.ts";
import {
  RepositoryLookup,
  repositoryTag,
} from "../../../../../lib/transports/nostr/repositories/lookup.ts";
import { resolveManifests } from "../../../../../lib/transports/nostr/repositories/resolve.ts";
import { key, manifest } from "../../../manifest/fixture.ts";
import { alice, counting, NOW, secret, signed } from "../fixture.ts";
import { openManifest } from "../../../../fixtures/open_manifest.ts";

const RELAY = "wss://relay.example.org";
const signal = () => AbortSignal.timeout(100_000);
const id = publisherId(Uint8Array.fromHex(key.publicKeyHex));
const NAME = manifest().name;

const announcement = (created: number, bound: string[]) => {
  const none = { clone: [], web: [], relays: [], blossoms: [], maintainers: [] };
  const tags = [["i", repositoryTag(id, NAME)], bound];
  return encodeAnnouncement({ identifier: NAME, ...none }, created, tags);
};

Deno.test("resolve: many wrong announcements of an id don't hide the right one", async () => {
  const whole = signManifest(
    manifest({ endpoints: { nostr: nostrEndpoints(alice.pubkey, [RELAY]) } }),
    key,
  );
  const { refs, head } = whole.manifest;
  const bound = bindingTag(key, alice.pubkey, NAME);
  const events: NostrEvent[] = [
    signed(alice, announcement(NOW, bound)),
    signed(
      alice,
      encodeState(
        { identifier: NAME, refs: new Map(Object.entries(refs)), peeled: new Map(), head },
        NOW,
        { tags: [bound], content: inlineManifest(whole)! },
      ),
    ),
  ];
  // Newer, and each bound to a publisher: but to its author's own.
  for (let i = 100; i < 110; i++) {
    const eve = localSigner(secret(i));
    const own = keyFromSeed(secret(i));
    const template = announcement(NOW + i, bindingTag(own, eve.pubkey, NAME));
    events.push(await eve.sign(template, signal()));
  }
  const relays = {
    options: counting(),
    query: (urls: readonly string[], filters: readonly Filter[]) =>
      Promise.resolve({
        events: events.filter((event) => isAsked(filters, event)),
        ...{ answered: urls, failed: new Map() },
      }),
  } as unknown as Relays;
  const { dropped, counts } = counting();
  const found = resolveManifests(
    {
      lookup: new RepositoryLookup(relays, [RELAY]),
      ...{ servers: [], known: () => [], found: () => {} },
      sources: { folder: "/nowhere", timeout: 1000, openManifest, dropped },
    },
    { scheme: "nostr", id, name: NAME },
    { signal: signal(), known: [] },
  );
  assert.deepEqual(await Array.fromAsync(found), [whole]);
  assert.deepEqual(counts, { "unbound-announcement": 10 });
});
