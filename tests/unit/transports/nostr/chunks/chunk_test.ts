import assert from "node:assert/strict";
import fc from "fast-check";
import {
  CHUNK_BYTES,
  chunkCount,
  chunkSize,
  chunksTag,
  decodeChunk,
  encodeChunk,
  MAX_CHUNKED,
  MAX_CHUNKS,
  readChunksTag,
} from "../../../../../lib/transports/nostr/chunks/chunk.ts";
import { encodeDeletions } from "../../../../../lib/transports/nostr/events/deletion.ts";
import {
  encodePack,
  MAX_PACK_TIPS,
} from "../../../../../lib/transports/nostr/repositories/pack_event.ts";
import { alice, NOW, signed } from "../fixture.ts";

const repository = { pubkey: alice.pubkey, identifier: "hello" };
const RELAYS_TAKE = 65_536;
const id = (n: number) => n.toString(16).padStart(64, "0");
const anyBytes = fc.uint8Array({ minLength: 1, maxLength: 300 });

Deno.test("chunks: read as written, and by no other size", () => {
  fc.assert(
    fc.property(anyBytes, fc.integer({ min: 1, max: 400 }), (bytes, size) => {
      const event = signed(alice, encodeChunk(bytes, repository, NOW));
      assert.deepEqual(decodeChunk(event, bytes.length), bytes);
      if (size !== bytes.length) assert.equal(decodeChunk(event, size), undefined);
    }),
    { numRuns: 30 },
  );
});

Deno.test("chunks: any text is bytes or none", () => {
  fc.assert(fc.property(fc.string({ maxLength: 40 }), fc.nat(40), (content, size) => {
    const bytes = decodeChunk({ ...signed(alice, { kind: 1064 }), content }, size);
    assert.ok(bytes === undefined || bytes.length === size);
  }));
  const event = signed(alice, encodeChunk(new Uint8Array(3), repository, NOW));
  assert.equal(decodeChunk({ ...event, kind: 1 }, 3), undefined);
  assert.equal(decodeChunk({ ...event, content: "****" }, 3), undefined);
  assert.equal(decodeChunk({ ...event, content: "AAA=" }, 3), undefined, "as long, but for two");
  assert.equal(decodeChunk({ ...event, content: "AAAA\n" }, 3), undefined);
});

Deno.test("chunks: as the draft of NIP-95 has them", () => {
  assert.deepEqual(encodeChunk(new Uint8Array([1, 2]), repository, NOW), {
    kind: 1064,
    created_at: NOW,
    tags: [["a", `30617:${alice.pubkey}:hello`]],
    content: "AQI=",
  });
  assert.equal(CHUNK_BYTES, 48 * 1024 / 4 * 3, "48 KiB of base64");
  assert.equal(MAX_CHUNKED, 18 * 1024 * 1024);
});

Deno.test("chunks: a file is cut without a gap", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 10 * CHUNK_BYTES }), (size) => {
    const sizes = Array.from({ length: chunkCount(size) }, (_, i) => chunkSize(i, size));
    assert.equal(sizes.reduce((sum, one) => sum + one, 0), size);
    assert.ok(sizes.every((one) => one > 0 && one <= CHUNK_BYTES));
    assert.ok(sizes.slice(0, -1).every((one) => one === CHUNK_BYTES));
  }));
});

Deno.test("chunks: named all, or the file is not in events", () => {
  const ids = [id(1), id(2), id(3)];
  const read = (tag: string[], size: number) =>
    readChunksTag(signed(alice, { kind: 1063, tags: [tag] }), size);
  assert.deepEqual(read(chunksTag(ids), 3 * CHUNK_BYTES), ids);
  assert.deepEqual(read(chunksTag(ids), 2 * CHUNK_BYTES + 1), ids);
  assert.equal(read(chunksTag(ids), 2 * CHUNK_BYTES), undefined);
  assert.equal(read(chunksTag(ids), 3 * CHUNK_BYTES + 1), undefined);
  assert.equal(read(chunksTag([id(1), "x"]), 2 * CHUNK_BYTES), undefined);
  assert.deepEqual(read(chunksTag([id(1)]), 1), [id(1)]);
  assert.equal(read(["chunk"], 0), undefined);
  assert.equal(read(["other", id(1)], 1), undefined);
  assert.equal(MAX_CHUNKS, 512, "as many as every reader takes");
  const many = Array.from({ length: MAX_CHUNKS + 1 }, (_, i) => id(i));
  assert.equal(read(chunksTag(many), many.length * CHUNK_BYTES), undefined);
  const most = many.slice(1);
  assert.deepEqual(read(chunksTag(most), most.length * CHUNK_BYTES), most);
});

Deno.test("chunks: every event is one that common relays take", () => {
  const length = (template: Parameters<typeof signed>[1]) =>
    JSON.stringify(["EVENT", signed(alice, template)]).length;
  const whole = encodeChunk(new Uint8Array(CHUNK_BYTES), repository, NOW);
  assert.ok(length(whole) < RELAYS_TAKE, String(length(whole)));
  const chunks = Array.from({ length: MAX_CHUNKS }, (_, i) => id(i));
  const oids = Array.from({ length: MAX_PACK_TIPS }, (_, i) => id(i).slice(24));
  const pack = { repository, sha256: id(1), urls: [], tips: oids, prerequisites: [], chunks };
  const longest = length(encodePack({ ...pack, size: MAX_CHUNKS * CHUNK_BYTES }, NOW));
  assert.ok(longest < RELAYS_TAKE, String(longest));
  const requests = encodeDeletions([], [...chunks, ...chunks], NOW);
  assert.equal(requests.length, 3);
  for (const request of requests) assert.ok(length(request) < RELAYS_TAKE);
  const named = requests.flatMap(({ tags }) => tags.filter(([name]) => name === "e"));
  assert.deepEqual(named.map(([, value]) => value), [...chunks, ...chunks]);
  assert.deepEqual(encodeDeletions([], [], NOW), []);
});
