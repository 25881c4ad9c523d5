/** Signing the chunks of files: once, for as long as the repository has the file. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { ChunkedFiles } from "../../../../lib/transports/nostr/chunked_files.ts";
import type { NostrSigner } from "../../../../lib/transports/nostr/keys/signer.ts";
import type { Relays } from "../../../../lib/transports/nostr/relays/relays.ts";
import { CHUNK_BYTES } from "../../../../lib/transports/nostr/events/chunk.ts";
import { alice, bob, NOW } from "./fixture.ts";

const nobody = {} as Relays; // signing asks none
const { signal } = new AbortController();

function fileOf(size: number, fill: number) {
  const from = new Uint8Array(size).fill(fill);
  return { sha256: createHash("sha256").update(from).digest("hex"), size, from };
}

/** A signer that counts. */
function counting(signer: NostrSigner) {
  let signed = 0;
  const sign: NostrSigner["sign"] = (template, signal) => {
    signed++;
    return signer.sign(template, signal);
  };
  return { pubkey: signer.pubkey, sign, close: () => {}, count: () => signed };
}

Deno.test("chunked files: each chunk is signed once by each key and for each repository", async () => {
  const files = new ChunkedFiles(nobody, []);
  const [one, two] = [counting(alice), counting(bob)];
  const file = fileOf(CHUNK_BYTES + 1, 1);
  const first = await files.sign(file, "hello", NOW, one, signal);
  assert.equal(first.ids.length, 2);
  assert.notEqual(first.ids[0], first.ids[1]);
  const again = await files.sign({ ...file, from: "/moved" }, "hello", NOW + 9, one, signal);
  assert.deepEqual(again, { ...first, from: "/moved" });
  assert.equal(one.count(), 2);
  await files.sign(file, "other", NOW, one, signal);
  assert.equal(one.count(), 4);
  const other = await files.sign(file, "hello", NOW, two, signal);
  assert.deepEqual([two.count(), other.pubkey], [2, bob.pubkey]);
});

Deno.test("chunked files: what a repository has no more is forgotten, other repositories' not", async () => {
  const files = new ChunkedFiles(nobody, []);
  const signer = counting(alice);
  const [kept, gone] = [fileOf(10, 1), fileOf(10, 2)];
  const signed = await files.sign(kept, "hello", NOW, signer, signal);
  await files.sign(gone, "hello", NOW, signer, signal);
  await files.sign(gone, "other", NOW, signer, signal);
  files.keepOnly("hello", [signed]);
  assert.equal(signer.count(), 3);
  await files.sign(kept, "hello", NOW, signer, signal);
  await files.sign(gone, "other", NOW, signer, signal);
  assert.equal(signer.count(), 3);
  await files.sign(gone, "hello", NOW, signer, signal);
  assert.equal(signer.count(), 4);
});

Deno.test("chunked files: relays that have git's own get none, and don't count", () => {
  const files = new ChunkedFiles(nobody, ["wss://grasp"]);
  const file = {
    ...fileOf(1, 1),
    identifier: "x",
    created: NOW,
    ids: [],
    signatures: [],
    pubkey: "",
  };
  assert.equal(files.cargo([], ["wss://a"], 1), undefined);
  assert.equal(files.cargo([file], ["wss://a", "wss://grasp"], 2)?.quorum, 1);
  assert.equal(files.cargo([file], ["wss://a", "wss://b"], 1)?.quorum, 1);
  assert.equal(files.isOf(["wss://grasp"]), false);
  assert.equal(files.isOf(["wss://grasp", "wss://a"]), true);
});
