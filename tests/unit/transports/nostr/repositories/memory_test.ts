/** How much of what relays send is kept, and for how long. */
import assert from "node:assert/strict";
import { KnownRepositories } from "../../../../../lib/transports/nostr/repositories/known.ts";
import { BoundedCache } from "../../../../../lib/transports/nostr/repositories/bounded_cache.ts";
import { Budget } from "../../../../../lib/transports/nostr/relays/budget.ts";
import { Relays } from "../../../../../lib/transports/nostr/relays/relays.ts";
import {
  readEvents,
  type RepositoryLookup,
} from "../../../../../lib/transports/nostr/repositories/lookup.ts";
import { encodePack } from "../../../../../lib/transports/nostr/repositories/pack_event.ts";
import { signManifest } from "../../../../../lib/manifest/manifest.ts";
import { liar } from "../../../../fixtures/nostr/liar.ts";
import { hex, key, manifest } from "../../../manifest/fixture.ts";
import { alice, counting, NOW, signed } from "../fixture.ts";

const MIB = 1024 * 1024;
const signal = () => AbortSignal.timeout(100_000);

Deno.test("memory: all relays of a look-up share what is kept; a flood hides nothing small", async () => {
  const flooded = Promise.withResolvers<void>();
  const flood = (from: string) => {
    const events = Array.from(
      { length: 30 },
      (_, i) => signed(alice, { content: `${from}${i}`.padEnd(500_000, "x") }),
    );
    return liar(([type, id], send, socket) => {
      if (type !== "REQ") return;
      socket.onclose = () => flooded.resolve();
      for (const event of events) send(["EVENT", id, event]);
      send(["EOSE", id]);
    });
  };
  await using one = flood("one");
  await using two = flood("two");
  const small = signed(alice, { content: "small" });
  await using late = liar(async ([type, id], send) => {
    if (type !== "REQ") return;
    await flooded.promise;
    send(["EVENT", id, small]);
    send(["EOSE", id]);
  });
  const { dropped, counts } = counting();
  using relays = new Relays({ dropped, times: { grace: 60_000, answer: 60_000 } });
  const urls = [one.url, two.url, late.url];
  const { events, failed } = await relays.query(urls, [{ authors: [alice.pubkey] }], signal());
  const kept = events.reduce((sum, { content }) => sum + content.length, 0);
  assert(kept > 14 * MIB && kept < 17 * MIB, `${kept} bytes`);
  assert(events.some(({ id }) => id === small.id));
  assert([...failed.values()].some(({ code }) => code === "flooding"));
  assert(!failed.has(late.url));
  assert(counts["flooding-relay"]! > 0);
});

Deno.test("memory: queries that share a budget share it", async () => {
  const events = Array.from(
    { length: 20 },
    (_, i) => signed(alice, { content: String(i).padEnd(500_000, "x") }),
  );
  await using relay = liar(([type, id], send) => {
    if (type !== "REQ") return;
    for (const event of events) send(["EVENT", id, event]);
    send(["EOSE", id]);
  });
  using relays = new Relays(counting());
  const ask = (budget?: Budget) =>
    relays.query([relay.url], [{ authors: [alice.pubkey] }], signal(), { budget });
  const budget = new Budget();
  assert.equal((await ask(budget)).events.length, 20);
  assert.equal((await ask()).events.length, 20);
  await assert.rejects(ask(budget), { code: "unreachable", message: /sends more than/ });
});

Deno.test("memory: what is remembered has so many entries and bytes, and an age", () => {
  let now = 0;
  const recent = new BoundedCache<string>({ entries: 3, bytes: 100, age: 1000 }, () => now);
  const held = () => ["a", "b", "c", "d"].filter((name) => recent.get(name) !== undefined).join("");
  for (const name of ["a", "b", "c", "d"]) recent.set(name, name, 1);
  assert.equal(held(), "bcd", "so many");
  recent.set("a", "a", 99);
  assert.equal(held(), "ad", "so many bytes");
  recent.set("b", "b", 500);
  assert.equal(held(), "b", "the last one is kept in any case");
  recent.set("b", "b", 1);
  recent.set("c", "c", 99);
  assert.equal(held(), "bc", "what is replaced counts no more");
  recent.delete("c");
  now = 999;
  recent.set("d", "d", 99);
  assert.equal(held(), "bd", "nor what is deleted");
  assert.equal(recent.get("b", 999), undefined, "not recent enough for who asks");
  now = 1000;
  assert.equal(held(), "d", "so old");
});

Deno.test("memory: of many large repositories only the last ones' events are kept, and all places", () => {
  const known = new KnownRepositories(undefined as unknown as RepositoryLookup, () => {});
  const address = { pubkey: alice.pubkey, identifier: "x", relays: [] };
  const packs = Array.from({ length: 60 }, (_, i) =>
    signed(
      alice,
      encodePack({
        repository: address,
        ...{ sha256: hex(64, String(i)), size: 1, urls: ["https://b.example/x"] },
        ...{ tips: Array.from({ length: 256 }, (_, t) => hex(64, `${i} ${t}`)), prerequisites: [] },
      }, NOW),
    ));
  const events = readEvents(packs, address, []);
  assert.equal(events.packs.length, 60);
  const found = Array.from(
    { length: 30 },
    (_, i) => signManifest(manifest({ name: `r${i}` }), key),
  );
  for (const one of found) known.found(one, events);
  const kept = found.map(({ manifest }) => known.events(manifest) !== undefined);
  assert.deepEqual([kept[0], kept.at(-1)], [false, true]);
  const bytes = kept.filter(Boolean).length * JSON.stringify(packs).length;
  assert(bytes > 12 * MIB && bytes <= 16 * MIB, `${bytes} bytes`);
  const { publisher } = found[0]!.manifest;
  known.forget({ publisher, name: "r29" });
  assert.equal(known.events({ publisher, name: "r29" }), undefined);
});
