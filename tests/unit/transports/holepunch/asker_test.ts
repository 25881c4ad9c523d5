/** What is asked where peers fail: the DHT's records, and what they may answer. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { NetworkError, VerificationError } from "../../../../lib/common/errors.ts";
import { Asker } from "../../../../lib/transports/holepunch/asker.ts";
import { Exchange } from "../../../../lib/transports/holepunch/exchange/exchange.ts";
import type { HyperNode } from "../../../../lib/transports/holepunch/node.ts";
import { Offers } from "../../../../lib/transports/holepunch/offers.ts";
import { Records } from "../../../../lib/transports/holepunch/records.ts";
import type { PackRef, SignedManifest } from "../../../../lib/manifest/types.ts";
import type { Wait } from "../../../../lib/common/wait.ts";
import type { NetworkContext } from "../../../../lib/ports/network.ts";
import { signManifest } from "../../../../lib/manifest/manifest.ts";
import { key, manifest } from "../../manifest/fixture.ts";
import { openManifest } from "../../../fixtures/open_manifest.ts";

const content = randomBytes(5000);
const pack: PackRef = {
  sha256: createHash("sha256").update(content).digest("hex"),
  size: content.length,
  infohash: "0".repeat(40),
  objects: 1,
  tips: ["1".repeat(40)],
};
const HELLO = { id: key.id, name: "hello", publicKey: key.publicKeyHex };

interface Kept {
  /** What the DHT's records hold. */
  readonly pack?: () => Promise<Uint8Array | undefined>;
  readonly manifest?: () => Promise<SignedManifest | undefined>;
}

/** Somebody who finds no peer. */
function lonely(kept: Kept, { isolated = false, endpoints = [] as string[] } = {}) {
  const tried: string[] = [];
  const node = {
    key: "f".repeat(64),
    isolated: () => Promise.resolve(isolated),
    async *lookup() {},
    connect: ({ key }: { key: string }) => {
      tried.push(key);
      return Promise.reject(new NetworkError("no-live-peer", `${key} is away`));
    },
  } as unknown as HyperNode;
  const records = Object.assign(Object.create(Records.prototype), kept) as Records;
  const dropped: string[] = [];
  const context = {
    settings: { get: () => 1 },
    openManifest,
    dropped: (reason: string) => dropped.push(reason),
  } as unknown as NetworkContext;
  const stop = new AbortController();
  const exchange = new Exchange(new Offers());
  const asker = new Asker({
    context,
    node,
    records,
    exchange,
    meet: () => () => {},
    stop: stop.signal,
  });
  const signed = signManifest(
    manifest({ name: "hello", packs: [pack], endpoints: { holepunch: endpoints } }),
    key,
  );
  return { asker, signed, dropped, tried, [Symbol.dispose]: () => stop.abort() };
}

/** Fetches the pack to a file; what was told of it meanwhile. */
async function fetch({ asker, signed }: ReturnType<typeof lonely>, wait: Partial<Wait> = {}) {
  const folder = await Deno.makeTempDir({ prefix: "gtr-test-" });
  const into = join(folder, "pack");
  const told: unknown[] = [];
  try {
    await asker.fetch(pack, signed, into, {
      signal: AbortSignal.timeout(60_000),
      prefix: (bytes) => void told.push(bytes),
      progress: (...report) => void told.push(report),
      ...wait,
    });
    return { bytes: await Deno.readFile(into), told };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("asker: where no peer has a pack, the DHT's records may", async () => {
  using world = lonely({ pack: () => Promise.resolve(content) });
  const { bytes, told } = await fetch(world);
  assert.deepEqual(bytes, new Uint8Array(content));
  assert.deepEqual(told.slice(-2), [content.length, [content.length, content.length, "hello"]]);
});

Deno.test("asker: a pack from records that is another, or none, is no pack", async () => {
  const other = Uint8Array.from(content);
  other[17]! ^= 1;
  for (const found of [other, content.subarray(1), new Uint8Array(), undefined]) {
    using world = lonely({ pack: () => Promise.resolve(found) });
    await assert.rejects(fetch(world), { code: "no-peer" });
  }
});

Deno.test("asker: why no peer had a pack says more than why the records don't have it", async () => {
  const lie = new VerificationError("bad-record", "a lie");
  using world = lonely({ pack: () => Promise.reject(lie) });
  await assert.rejects(fetch(world), { code: "no-peer", hint: /must be online/ });
  assert.deepEqual(world.dropped, ["bad-record"]);
  using failing = lonely({ pack: () => Promise.reject(new Error("no network")) });
  await assert.rejects(fetch(failing), { code: "no-peer" });
  assert.deepEqual(failing.dropped, []);
});

Deno.test("asker: who has given up is told no other reason, and gets nothing", async () => {
  const leaving = new AbortController();
  const reason = new Error("enough");
  using world = lonely({
    pack: () => {
      leaving.abort(reason);
      return Promise.resolve(content);
    },
  });
  await assert.rejects(fetch(world, { signal: leaving.signal }), reason);
  const gone = AbortSignal.abort(reason);
  using asked = lonely({ pack: () => Promise.reject(new Error("asked in vain")) });
  await assert.rejects(fetch(asked, { signal: gone }), reason);
});

Deno.test("asker: a manifest from records is told, and one that is wrong counted", async () => {
  const resolve = ({ asker }: ReturnType<typeof lonely>) =>
    Array.fromAsync(asker.resolve(HELLO, [], AbortSignal.timeout(60_000)));
  const signed = signManifest(manifest({ name: "hello" }), key);
  using world = lonely({ manifest: () => Promise.resolve(signed) });
  assert.deepEqual(await resolve(world), [signed]);
  using empty = lonely({ manifest: () => Promise.resolve(undefined) });
  assert.deepEqual(await resolve(empty), []);
  const lie = new VerificationError("bad-signature", "a lie");
  using lying = lonely({ manifest: () => Promise.reject(lie) });
  assert.deepEqual(await resolve(lying), []);
  assert.deepEqual(lying.dropped, ["bad-signature"]);
  // Alone in the world, a node's own record proves nothing.
  using alone = lonely({ manifest: () => Promise.resolve(signed) }, { isolated: true });
  assert.deepEqual(await resolve(alone), []);
});

Deno.test("asker: of a stranger's endpoints eight are tried, each once, and nothing that is no key", async () => {
  const keys = Array.from({ length: 10 }, (_, i) => i.toString(16).repeat(64));
  const endpoints = [keys[0]!, keys[0]!, "nonsense", "f".repeat(64), ...keys.slice(1)];
  using world = lonely({ manifest: () => Promise.resolve(undefined) });
  const { asker, tried } = world;
  const found = await Array.fromAsync(
    asker.resolve(HELLO, endpoints, AbortSignal.timeout(60_000)),
  );
  assert.deepEqual(found, []);
  assert.deepEqual(tried.sort(), keys.slice(0, 5));
});

Deno.test("asker: where nobody serves it live, the reason is the last peer's", async () => {
  using world = lonely({}, { endpoints: ["a".repeat(64)] });
  await assert.rejects(world.asker.dial(world.signed, { signal: AbortSignal.timeout(60_000) }), {
    code: "no-live-peer",
    message: /can't fetch hello live: .* is away/,
  });
  using unknown = lonely({});
  await assert.rejects(
    unknown.asker.dial(unknown.signed, { signal: AbortSignal.timeout(60_000) }),
    {
      message: /no peer is known/,
    },
  );
});
