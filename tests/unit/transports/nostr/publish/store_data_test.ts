/** Where the bytes of a publication go: servers first, events where none has them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type GtrError, NetworkError, RequestError } from "../../../../../lib/common/errors.ts";
import { encodeEnvelope } from "../../../../../lib/manifest/envelope.ts";
import { signManifest } from "../../../../../lib/manifest/manifest.ts";
import type { BlobStore } from "../../../../../lib/transports/nostr/blossom/servers.ts";
import type { BlobFile } from "../../../../../lib/transports/nostr/blossom/upload.ts";
import type { ChunkedFiles } from "../../../../../lib/transports/nostr/chunks/chunked_files.ts";
import { MAX_CHUNKED } from "../../../../../lib/transports/nostr/chunks/chunk.ts";
import {
  storeData,
  type WantedData,
} from "../../../../../lib/transports/nostr/publish/store_data.ts";
import { tempDir } from "../../../git_interface/fixture.ts";
import { hex, key, manifest, pack } from "../../../manifest/fixture.ts";
import { alice, NOW, signed } from "../fixture.ts";

const signal = AbortSignal.timeout(100_000);
const RELAY = "wss://relay.example";
const SERVER = "https://blossom.example";
const REFUSED = new RequestError("not-allowed", "refuses: no", { hint: "pay" });
const DOWN = new NetworkError("unreachable", "can't reach it");

const short = signManifest(manifest({ created: 1_700_000_123 }), key);
const refs: Record<string, string> = { "refs/heads/main": hex(40, "main") };
for (let i = 0; i < 1500; i++) refs[`refs/heads/${i}`] = hex(40, String(i));
const long = signManifest(manifest({ created: 1_700_000_123, refs }), key);

const packs = (...sizes: number[]) =>
  sizes.map((size, i) => ({ pack: pack(String(i), { size }), path: `/packs/${i}` }));

interface World {
  /** What the servers say to each blob. */
  readonly store?: (blob: BlobFile) => { urls: string[]; failures: GtrError[] };
  readonly servers?: readonly string[];
  /** Whether some relay is given files. */
  readonly takes?: boolean;
  readonly eventPacks?: number;
  readonly folder?: string;
}

/** Stores data with servers and relays as told, and what was asked of them. */
async function stored(world: World, wanted: Partial<WantedData> = {}) {
  const { store = () => ({ urls: [], failures: [] }), servers = [SERVER] } = world;
  const blobs: (BlobFile & { text?: string })[] = [];
  const chunked: { size: number; from: string | Uint8Array; name: string; date: number }[] = [];
  const logged: string[] = [];
  const parts = {
    blobs: {
      parts: { servers },
      store: async (blob: BlobFile, handed: AbortSignal) => {
        assert.equal(handed, signal);
        const text = world.folder && blob.path.startsWith(world.folder)
          ? await Deno.readTextFile(blob.path)
          : undefined;
        blobs.push(text === undefined ? blob : { ...blob, text });
        return store(blob);
      },
    } as unknown as BlobStore,
    chunked: {
      isOf: (relays: readonly string[]) => {
        assert.deepEqual(relays, [RELAY]);
        return world.takes ?? true;
      },
      sign: (file, name, date, signer, handed) => {
        assert.equal(signer, alice);
        assert.equal(handed, signal);
        chunked.push({ size: file.size, from: file.from, name, date });
        const { pubkey } = signer;
        const ids = [`chunk of ${file.sha256}`];
        const rest = { identifier: name, created: date, ids, signatures: [], pubkey };
        return Promise.resolve({ ...file, ...rest });
      },
    } as Pick<ChunkedFiles, "isOf" | "sign"> as ChunkedFiles,
    relays: [RELAY],
    eventPacks: world.eventPacks ?? 0,
    folder: world.folder ?? "/nowhere",
    log: (message: string) => void logged.push(message),
  };
  const data = { signed: short, packs: [], before: { packs: [] }, floor: NOW, ...wanted };
  const result = await storeData(parts, data, alice, signal).then(
    (data) => ({ data }),
    (error: GtrError) => ({ error }),
  );
  const found = { data: undefined, error: undefined, ...result };
  return { ...found, blobs, chunked, logged };
}

Deno.test("data: packs are on the servers that take them", async () => {
  const url = (sha256: string) => `${SERVER}/${sha256}`;
  const [first, second] = packs(10, 20);
  const { data, blobs, chunked, logged } = await stored({
    store: ({ sha256, size }) => ({
      ...{ urls: [url(sha256)], failures: size === 10 ? [REFUSED] : [] },
    }),
    eventPacks: 100,
  }, { packs: [first!, second!] });
  const { sha256, objects } = first!.pack;
  assert.deepEqual(
    [...data!.sources],
    [first!, second!].map(({ pack }) => [
      ...[pack.sha256, { urls: [url(pack.sha256)] }],
    ]),
  );
  assert.deepEqual(blobs[0], {
    ...{ path: "/packs/0", sha256, size: 10, objects, type: "application/x-git-packed-objects" },
  });
  assert.deepEqual([data!.files, data!.manifest, chunked, logged], [[], undefined, [], []]);
  assert.equal(data!.lacking, true, "one server refused one");
});

Deno.test("data: nothing is lacking where no server refuses", async () => {
  const store = () => ({ urls: ["https://b.example/x"], failures: [] });
  assert.equal((await stored({ store }, { packs: packs(1) })).data!.lacking, false);
  const none = await stored({}, { packs: packs(1) });
  assert.deepEqual([...none.data!.sources.values()], [{ urls: [] }]);
  assert.deepEqual([none.data!.lacking, none.logged], [false, []]);
});

Deno.test("data: a pack that no server takes, and no event may have, is an error", async () => {
  const store = () => ({ urls: [], failures: [REFUSED, DOWN] });
  const { error } = await stored({ store }, { packs: packs(10) });
  assert.equal(error!.code, "not-allowed");
  assert.equal(error!.hint, "pay");
  assert.equal(error!.cause, REFUSED);
  const what = `pack ${packs(1)[0]!.pack.sha256.slice(0, 12)}`;
  const why = "refuses: no; can't reach it";
  assert.equal(error!.message, `can't publish: no server takes ${what}: ${why}`);
  const one = await stored({ store: () => ({ urls: [], failures: [DOWN] }) }, { packs: packs(1) });
  assert.equal(one.error!.code, "unreachable");
  const inEvents = await stored({ store, eventPacks: 10 }, { packs: packs(10) });
  assert.equal(inEvents.data!.lacking, true);
  assert.equal(inEvents.data!.files.length, 1);
});

Deno.test("data: packs go into events as far as there is room", async () => {
  const all = packs(60, 41, 40, 1);
  const { data, chunked, logged } = await stored({ eventPacks: 100 }, { packs: all });
  assert.deepEqual(chunked.map(({ size, from }) => [size, from]), [[60, "/packs/0"], [
    40,
    "/packs/2",
  ]]);
  assert.deepEqual(chunked.map(({ name }) => name), ["hello", "hello"]);
  assert.deepEqual(data!.files.map(({ size }) => size), [60, 40]);
  const [first, left] = all.map(({ pack: { sha256 } }) => data!.sources.get(sha256)!);
  assert.deepEqual(first, { urls: [], chunked: data!.files[0]! });
  assert.deepEqual(left, { urls: [] });
  assert.deepEqual(
    logged,
    [41, 1].map((size) => {
      const { sha256 } = all.find(({ pack }) => pack.size === size)!.pack;
      const told = `pack ${sha256.slice(0, 12)} of hello is in no event`;
      return `${told}: of its ${size} bytes only ${size === 41 ? 40 : 0} may be`;
    }),
  );
});

Deno.test("data: no pack is put into events that is longer than these can be", async () => {
  const most = await stored({ eventPacks: 10 * MAX_CHUNKED }, { packs: packs(MAX_CHUNKED) });
  assert.equal(most.chunked.length, 1);
  assert.equal((await stored({ eventPacks: 1 }, { packs: packs(2) })).logged.length, 1);
  const over = await stored({ eventPacks: 10 * MAX_CHUNKED }, { packs: packs(MAX_CHUNKED + 1) });
  assert.equal(over.chunked.length, 0);
  assert.match(over.logged[0]!, new RegExp(`only ${MAX_CHUNKED} may be$`));
});

Deno.test("data: where no relay is given files there are none in events", async () => {
  const { data, chunked, logged } = await stored(
    ...[{ takes: false, eventPacks: 100 }, { packs: packs(10, 1) }] as const,
  );
  assert.deepEqual([chunked, logged, data!.files], [[], [], []]);
});

Deno.test("data: what is in events already stays there, with its date", async () => {
  const all = packs(10, 20, 30, 40);
  const event = (created_at: number) => signed(alice, { kind: 1063, created_at });
  const told = (i: number, created: number, chunks?: string[]) => {
    const { sha256, size } = all[i]!.pack;
    const repository = { pubkey: alice.pubkey, identifier: "hello" };
    const rest = { urls: [], tips: [], prerequisites: [], chunks };
    return { event: event(created), metadata: { repository, sha256, size, ...rest } };
  };
  const before = {
    packs: [
      told(0, NOW + 5, ["x"]),
      told(1, NOW - 1, ["x"]), // it was withdrawn since
      told(2, NOW + 5),
      told(3, NOW, ["x"]),
    ],
  };
  const urls = [`${SERVER}/x`];
  const store = () => ({ urls, failures: [] });
  const { data, chunked } = await stored({ store, eventPacks: 100 }, { packs: all, before });
  assert.deepEqual(chunked.map(({ size, date }) => [size, date]), [[10, NOW + 5], [40, NOW]]);
  assert.deepEqual(data!.sources.get(all[0]!.pack.sha256), { urls, chunked: data!.files[0]! });
  assert.deepEqual(data!.sources.get(all[1]!.pack.sha256), { urls });
});

Deno.test("data: chunks are dated now, and never before the floor", async () => {
  const real = Date.now;
  const date = async (now: number, floor: number) => {
    Date.now = () => now;
    try {
      const { chunked } = await stored({ eventPacks: 100 }, { packs: packs(10), floor });
      return chunked[0]!.date;
    } finally {
      Date.now = real;
    }
  };
  assert.equal(await date(NOW * 1000 + 900, NOW - 5), NOW);
  assert.equal(await date(NOW * 1000 + 900, NOW + 5), NOW + 5);
});

Deno.test("data: a long manifest is a blob, by way of a file that is removed", async () => {
  await using temp = await tempDir();
  const file = encodeEnvelope(long);
  const text = new TextDecoder().decode(file);
  const sha256 = createHash("sha256").update(file).digest("hex");
  const size = file.length;
  const urls = [`${SERVER}/${sha256}`];
  const world = { folder: temp.path, store: () => ({ urls, failures: [] }), eventPacks: 1e6 };
  const { data, blobs, chunked } = await stored(world, { signed: long });
  assert.deepEqual(data!.manifest, { sha256, size, urls });
  const [{ path, ...blob }] = blobs as [BlobFile];
  assert.deepEqual(blob, { sha256, size, type: "application/json", text });
  assert.match(path, /manifest-[0-9a-f]{12}\.tmp$/);
  assert.deepEqual(chunked, []);
  assert.deepEqual([data!.files, data!.lacking], [[], false]);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(temp.path)), []);
});

Deno.test("data: a long manifest that no server takes is in events, dated as it is", async () => {
  await using temp = await tempDir();
  const file = encodeEnvelope(long);
  const sha256 = createHash("sha256").update(file).digest("hex");
  const refusing = { folder: temp.path, store: () => ({ urls: [], failures: [REFUSED] }) };
  for (const world of [refusing, { folder: temp.path, servers: [] }]) {
    const { data, blobs, chunked } = await stored(world, { signed: long });
    assert.equal(blobs.length, world === refusing ? 1 : 0);
    const date = long.manifest.created;
    assert.deepEqual(chunked, [{ size: file.length, from: file, name: "hello", date }]);
    const ids = [`chunk of ${sha256}`];
    assert.deepEqual(data!.manifest, { sha256, size: file.length, urls: [], chunks: ids });
    assert.deepEqual(data!.files.map(({ ids }) => ids), [ids]);
  }
  assert.deepEqual(await Array.fromAsync(Deno.readDir(temp.path)), []);
});

Deno.test("data: a long manifest that has no place is an error", async () => {
  await using temp = await tempDir();
  const world = { folder: temp.path, takes: false };
  const none = await stored({ ...world, servers: [] }, { signed: long });
  assert.equal(none.error!.code, "no-blossom");
  assert.match(none.error!.message, /the list of refs, too long for an event, needs a Blossom/);
  assert.match(none.error!.hint!, /^gtr config nostr\.blossom/);
  const store = () => ({ urls: [], failures: [DOWN] });
  const down = await stored({ ...world, store }, { signed: long });
  assert.equal(down.error!.code, "unreachable");
  const thrown = await stored({
    ...world,
    store: () => {
      throw DOWN;
    },
  }, { signed: long });
  assert.equal(thrown.error, DOWN);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(temp.path)), []);
  const gone = join(temp.path, "gone");
  const nowhere = await stored({ ...world, folder: gone }, { signed: long });
  assert.notEqual(nowhere.error, undefined, "the file can't be written");
});
