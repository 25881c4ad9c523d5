/** How long a manifest in an event may be, and what a blob of one is named by. */
import assert from "node:assert/strict";
import { deflateRawSync } from "node:zlib";
import { encodeEnvelope, MAX_ENVELOPE_BYTES } from "../../../../../lib/manifest/envelope.ts";
import { signManifest } from "../../../../../lib/manifest/manifest.ts";
import { chunkCount } from "../../../../../lib/transports/nostr/chunks/chunk.ts";
import {
  inlineManifest,
  manifestBlobOf,
  manifestBlobTags,
  manifestInContent,
  MAX_INLINE,
} from "../../../../../lib/transports/nostr/repositories/manifest_content.ts";
import { hex, key, manifest } from "../../../manifest/fixture.ts";
import { alice, mallory, signed } from "../fixture.ts";
import { openManifest } from "../../../../fixtures/open_manifest.ts";

const state = (tags: string[][], content = "") => signed(alice, { kind: 30618, tags, content });
const sha256 = hex(64, "x");
const urls = Array.from({ length: 20 }, (_, i) => `https://${i}.example/x`);

const whole = signManifest(manifest(), key);

Deno.test("manifest in an event: 24 KiB of base64 at most, raw DEFLATE", () => {
  assert.equal(MAX_INLINE, 24 * 1024);
  const digits = Array.from({ length: 700 }, (_, i) => hex(64, String(i))).join("");
  const lengths = new Set<number>();
  const fits = (count: number) => {
    const long = { ...whole, bytes: new TextEncoder().encode(digits.slice(0, count)) };
    const content = deflateRawSync(encodeEnvelope(long)).toString("base64");
    const isShort = content.length <= 24 * 1024;
    assert.equal(inlineManifest(long), isShort ? content : undefined);
    lengths.add(content.length);
    return isShort;
  };
  let count = 30_000;
  while (fits(count + 100)) count += 100;
  while (fits(count)) count++;
  for (const end = count + 10; count < end; count++) fits(count);
  assert.ok(lengths.has(24 * 1024) && lengths.has(24 * 1024 + 4));
});

Deno.test("manifest in an event: a name of another key's is refused, as is a bomb", () => {
  const content = inlineManifest(whole)!;
  const { publisher } = whole.manifest;
  assert.deepEqual(
    manifestInContent(state([], content), { publicKey: publisher }, openManifest),
    whole,
  );
  const other = { publicKey: mallory.pubkey };
  assert.throws(() => manifestInContent(state([], content), other, openManifest), {
    code: "wrong-key",
  });
  const bomb = (bytes: number) => deflateRawSync(new Uint8Array(bytes)).toString("base64");
  const message = (bytes: number) => {
    try {
      manifestInContent(state([], bomb(bytes)), {}, openManifest);
    } catch (error) {
      return String((error as Error).cause);
    }
  };
  assert.match(message(MAX_ENVELOPE_BYTES + 1)!, /ERR_BUFFER_TOO_LARGE|larger than/);
  assert.doesNotMatch(message(MAX_ENVELOPE_BYTES)!, /ERR_BUFFER_TOO_LARGE|larger than/);
});

Deno.test("manifest in a blob: named by its SHA-256, its size and sixteen servers", () => {
  const chunks = [hex(64, "1")];
  const tags = manifestBlobTags({ sha256, size: 10, urls, chunks });
  assert.deepEqual(tags, [["gtr-manifest", sha256, "10", ...urls.slice(0, 16)], [
    "chunk",
    ...chunks,
  ]]);
  assert.deepEqual(manifestBlobOf(state(tags)), {
    ...{ sha256, size: 10, chunks },
    urls: urls.slice(0, 16),
  });
  const many = ["gtr-manifest", sha256, "10", "x", ...urls];
  assert.deepEqual(manifestBlobOf(state([many])), { sha256, size: 10, urls: urls.slice(0, 16) });
  assert.deepEqual(manifestBlobOf(state([["gtr-manifest", sha256, "10"]])), {
    ...{ sha256, size: 10, urls: [] },
  });
  const [, ...other] = manifestBlobTags({ sha256, size: 10, urls: [], chunks: [...chunks, "x"] });
  assert.equal(manifestBlobOf(state([tags[0]!, ...other]))?.chunks, undefined);
});

Deno.test("manifest in a blob: as large as a manifest's file may be", () => {
  const read = (size: string, hash = sha256) =>
    manifestBlobOf(state([["gtr-manifest", hash, size]]))?.size;
  assert.equal(read(String(MAX_ENVELOPE_BYTES)), MAX_ENVELOPE_BYTES);
  for (const size of [String(MAX_ENVELOPE_BYTES + 1), "0", "-1", "1.5", "", "x"]) {
    assert.equal(read(size), undefined, size);
  }
  for (const hash of ["", "x", sha256.slice(1), sha256.toUpperCase()]) {
    assert.equal(read("10", hash), undefined, hash);
  }
  assert.equal(manifestBlobOf(state([])), undefined);
  assert.ok(chunkCount(MAX_ENVELOPE_BYTES) <= 512, "any fits into events");
});
