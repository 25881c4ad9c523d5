/** Whom strangers can point at: nobody inside of this machine's network, unless the user is there too. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { NetworkError } from "../../../../lib/common/errors.ts";
import { abortable } from "../../../../lib/common/wait.ts";
import { encodeEnvelope } from "../../../../lib/manifest/envelope.ts";
import { signManifest } from "../../../../lib/manifest/manifest.ts";
import {
  bindingTag,
  nostrEndpoints,
} from "../../../../lib/transports/nostr/repositories/binding.ts";
import { encodeAnnouncement } from "../../../../lib/transports/nostr/repositories/announcement.ts";
import type { NostrEvent } from "../../../../lib/transports/nostr/events/event.ts";
import { encodePack } from "../../../../lib/transports/nostr/repositories/pack_event.ts";
import { encodeState } from "../../../../lib/transports/nostr/repositories/state.ts";
import { KnownRepositories } from "../../../../lib/transports/nostr/repositories/known.ts";
import { locate } from "../../../../lib/transports/nostr/repositories/locate.ts";
import { manifestBlobTags } from "../../../../lib/transports/nostr/repositories/manifest_content.ts";
import { nip05Names } from "../../../../lib/transports/nostr/names/nip05.ts";
import { Notices } from "../../../../lib/transports/nostr/repositories/notices.ts";
import { packUrls } from "../../../../lib/transports/nostr/repositories/pack_sources.ts";
import type { Relays } from "../../../../lib/transports/nostr/relays/relays.ts";
import {
  readEvents,
  RepositoryLookup,
} from "../../../../lib/transports/nostr/repositories/lookup.ts";
import { resolveManifests } from "../../../../lib/transports/nostr/repositories/resolve.ts";
import { publisherId } from "../../../../lib/identity/keys.ts";
import { key, manifest } from "../../manifest/fixture.ts";
import { alice, blossomList, counting, NOW, relayList, signed } from "./fixture.ts";
import { openManifest } from "../../../fixtures/open_manifest.ts";

const signal = () => AbortSignal.timeout(100_000);
const OWN = "wss://relay.example.org";
const OTHER = "wss://other.example.org";
const SERVER = "https://blossom.example.org";
const INSIDE = ["127.0.0.1:1", "[::1]", "localhost.", "10.0.0.1", "router", "x.local"];
const wss = INSIDE.map((host) => `wss://${host}`);
const https = INSIDE.map((host) => `https://${host}`);

/** Relays that have these events, and the URLs of those that were asked. */
function relaysWith(events: readonly NostrEvent[]) {
  const asked: string[] = [];
  const relays = {
    options: counting(),
    query: (urls: readonly string[]) => {
      asked.push(...urls);
      return Promise.resolve({ events, answered: urls, failed: new Map() });
    },
  } as unknown as Relays;
  return { lookup: new RepositoryLookup(relays, [OWN]), asked };
}

const announcement = signed(
  alice,
  encodeAnnouncement({
    identifier: "hello",
    ...{ clone: [], web: [], maintainers: [] },
    relays: [...wss, OTHER],
    blossoms: [...https, SERVER],
  }, NOW),
);

Deno.test("strangers: neither announcements nor lists lead to relays and servers inside", async () => {
  const { lookup, asked } = relaysWith([
    announcement,
    signed(alice, relayList({ write: wss, read: [] })),
    signed(alice, blossomList(https)),
  ]);
  const address = { pubkey: alice.pubkey, identifier: "hello", relays: [] };
  const { servers } = await lookup.ask(address, signal());
  assert.deepEqual(asked, [OWN, OTHER]);
  assert.deepEqual(servers, [SERVER]);
});

Deno.test("strangers: a domain doesn't lead to relays inside", async () => {
  const { lookup, asked } = relaysWith([]);
  const folder = await Deno.makeTempDir();
  const answer = { names: { dan: alice.pubkey }, relays: { [alice.pubkey]: [...wss, OTHER] } };
  const ask = () => Promise.resolve(new TextEncoder().encode(JSON.stringify(answer)));
  try {
    const parts = {
      ...{ lookup, publicKey: key.publicKeyHex, found: () => {}, publishes: () => false },
      names: () => Promise.resolve(nip05Names(join(folder, "registry.json"), 1000, ask)),
      ownPubkey: () => Promise.resolve(undefined),
    };
    await assert.rejects(locate(parts, "nostr://dan@example.org/hello", { signal: signal() }), {
      code: "nobody-answered",
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  assert.deepEqual(asked, [OTHER, OWN]);
});

Deno.test("strangers: a state doesn't lead to a server inside for its manifest", async () => {
  let hits = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    hits++;
    return new Response(null, { status: 404 });
  });
  const folder = await Deno.makeTempDir();
  try {
    const whole = signManifest(
      manifest({ endpoints: { nostr: nostrEndpoints(alice.pubkey, [OWN]) } }),
      key,
    );
    const { name, refs, head } = whole.manifest;
    const file = encodeEnvelope(whole);
    const sha256 = createHash("sha256").update(file).digest("hex");
    const url = `http://127.0.0.1:${server.addr.port}/${sha256}`;
    const blob = manifestBlobTags({ sha256, size: file.length, urls: [url] });
    const state = encodeState(
      { identifier: name, refs: new Map(Object.entries(refs)), peeled: new Map(), head },
      NOW,
      { tags: [bindingTag(key, alice.pubkey, name), ...blob], content: "" },
    );
    const { lookup } = relaysWith([signed(alice, state)]);
    const id = publisherId(Uint8Array.fromHex(key.publicKeyHex));
    const found = resolveManifests(
      {
        ...{ lookup, servers: [], known: () => [], found: () => {} },
        sources: { folder, timeout: 1000, openManifest, dropped: () => {} },
      },
      { scheme: "nostr", id, name },
      { signal: signal(), known: nostrEndpoints(alice.pubkey, [OWN]) },
    );
    await assert.rejects(Array.fromAsync(found), (error: NetworkError) => {
      assert.match(error.message, /no server is known that could have it/);
      return true;
    });
    assert.equal(hits, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
    await server.shutdown();
  }
});

Deno.test("strangers: a pack's event doesn't lead to a server inside", () => {
  const sha256 = "ab".repeat(32);
  const pack = encodePack({
    repository: { pubkey: alice.pubkey, identifier: "hello" },
    ...{ sha256, size: 1, tips: [], prerequisites: [] },
    urls: [...https, SERVER].map((server) => `${server}/${sha256}`),
  }, NOW);
  const address = { pubkey: alice.pubkey, identifier: "hello", relays: [] };
  const outside = readEvents([signed(alice, pack)], address, [OWN]);
  assert.equal(outside.packs[0]!.metadata.urls.length, INSIDE.length + 1);
  const own = { relays: [OWN], servers: [] };
  assert.deepEqual(packUrls(sha256, outside, own), [`${SERVER}/${sha256}`]);
  const inside = readEvents([signed(alice, pack)], address, ["ws://127.0.0.1:7"]);
  assert.equal(packUrls(sha256, inside, own).length, INSIDE.length + 1);
});

Deno.test("strangers: a manifest doesn't lead to relays inside", async () => {
  const named = nostrEndpoints(alice.pubkey, [...wss, OTHER]);
  const whole = signManifest(manifest({ endpoints: { nostr: named } }), key).manifest;
  const { name, publisher } = whole;
  const id = publisherId(Uint8Array.fromHex(publisher));
  {
    const { lookup, asked } = relaysWith([]);
    const parts = {
      ...{ lookup, servers: [], known: () => [], found: () => {} },
      sources: { folder: "/nowhere", timeout: 1000, openManifest, dropped: () => {} },
    };
    const found = resolveManifests(parts, { scheme: "nostr", id, name }, {
      signal: signal(),
      known: named,
    });
    assert.deepEqual(await Array.fromAsync(found), []);
    assert.deepEqual([...new Set(asked)], [OTHER, OWN], "to resolve it");
  }
  {
    const { lookup, asked } = relaysWith([]);
    await new KnownRepositories(lookup, () => {}).ask(whole, signal());
    assert.deepEqual(asked, [OTHER, OWN], "to fetch its packs");
  }
  const asked: string[] = [];
  const both = Promise.withResolvers<void>();
  const relays = {
    subscribe: (urls: readonly string[]) => {
      if (asked.push(...urls) === 2) both.resolve();
      return { [Symbol.dispose]() {} };
    },
  } as unknown as Relays;
  using notices = new Notices(relays, [OWN]);
  using _ = notices.watch(whole, () => {});
  await abortable(both.promise, signal());
  assert.deepEqual(asked.sort(), [OTHER, OWN], "to hear of news");
});
