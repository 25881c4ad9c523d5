/** Signing the chunks of files: once, for as long as the repository has the file. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { ChunkedFiles } from "../../../../../lib/transports/nostr/chunks/chunked_files.ts";
import { NetworkError } from "../../../../../lib/common/errors.ts";
import { isAuthentic, type NostrEvent } from "../../../../../lib/transports/nostr/events/event.ts";
import type { NostrSigner } from "../../../../../lib/transports/nostr/events/signer.ts";
import type { Relays } from "../../../../../lib/transports/nostr/relays/relays.ts";
import { CHUNK_BYTES } from "../../../../../lib/transports/nostr/chunks/chunk.ts";
import { tempDir } from "../../../git_interface/fixture.ts";
import { alice, bob, NOW } from "../fixture.ts";

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

const [A, B] = ["wss://a.example", "wss://b.example"];

/** Relays that take all but what `refuse` refuses, and what they were handed, when. */
function taking(refuse: (event: NostrEvent) => NetworkError | undefined = () => undefined) {
  const taken: { readonly url: string; readonly event: NostrEvent }[] = [];
  let [now, most] = [0, 0];
  const relays = {
    publish: async (
      [url, ...others]: readonly string[],
      event: NostrEvent,
      quorum: number,
      handed: AbortSignal,
    ) => {
      assert.deepEqual([others, quorum, handed], [[], 0, signal]);
      const alone = taken.length === 0;
      most = Math.max(most, ++now);
      if (alone) assert.equal(now, 1);
      await Promise.resolve();
      const fault = refuse(event);
      if (!fault) taken.push({ url: url!, event });
      now--;
      return { answered: [], failed: new Map(fault ? [[url!, fault]] : []) };
    },
  } as unknown as Relays;
  return { relays, taken, most: () => most };
}

/** Random enough that no two chunks are alike. */
function bytesOf(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i += 4) new DataView(bytes.buffer).setUint8(i, (i * 2654435761) >>> 24);
  return bytes;
}

Deno.test("chunked files: a relay is handed each chunk once, one first, then four at a time", async () => {
  await using temp = await tempDir();
  const { relays, taken, most } = taking();
  const files = new ChunkedFiles(relays, []);
  const bytes = bytesOf(9 * CHUNK_BYTES + 5);
  const path = `${temp.path}/pack`;
  await Deno.writeFile(path, bytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  for (const [url, from] of [[A, bytes], [B, path]] as const) {
    const file = await files.sign(
      { sha256, size: bytes.length, from },
      "hello",
      NOW,
      url === A ? alice : bob,
      signal,
    );
    const { hand } = files.cargo([file], [url], 1)!;
    await hand(url, signal);
    const events = taken.filter((one) => one.url === url).map(({ event }) => event);
    assert.deepEqual(new Set(events.map(({ id }) => id)), new Set(file.ids));
    assert.ok(events.every(isAuthentic));
    const sent = file.ids.map((id) => events.find((event) => event.id === id)!.content);
    assert.deepEqual(
      new Uint8Array(Buffer.concat(sent.map((content) => Buffer.from(content, "base64")))),
      bytes,
    );
    assert.deepEqual(new Set(events.map(({ created_at }) => created_at)), new Set([NOW]));
    assert.equal(events[0]!.id, file.ids[0]);
    await hand(url, signal);
    assert.equal(taken.filter((one) => one.url === url).length, 10, "it has them all");
  }
  assert.equal(most(), 4);
});

Deno.test("chunked files: what a relay refused is handed to it again, and after a doubt all", async () => {
  let left = 3;
  const fault = new NetworkError("refused", "no room");
  const { relays, taken } = taking(() => left-- > 0 ? undefined : fault);
  const files = new ChunkedFiles(relays, []);
  const from = bytesOf(2 * CHUNK_BYTES);
  const two = await files.sign(
    ...[{ sha256: "x", size: from.length, from }, "hello", NOW, alice, signal] as const,
  );
  const three = await files.sign(
    ...[{ sha256: "y", size: from.length, from }, "other", NOW, alice, signal] as const,
  );
  const hand = (url: string) => files.cargo([two, three], [url], 1)!.hand(url, signal);
  await assert.rejects(hand(A), fault);
  assert.equal(taken.length, 3);
  left = 9;
  await hand(A);
  assert.equal(taken.length, 4);
  await hand(B);
  assert.equal(taken.length, 8, "another relay has none");
  files.doubt();
  await hand(A);
  assert.equal(taken.length, 12);
});

Deno.test("chunked files: chunks that are alike are one event", async () => {
  const { relays, taken } = taking();
  const files = new ChunkedFiles(relays, []);
  const file = await files.sign(fileOf(2 * CHUNK_BYTES, 0), "hello", NOW, alice, signal);
  assert.equal(file.ids[0], file.ids[1]);
  await files.cargo([file], [A], 1)!.hand(A, signal);
  assert.equal(taken.length, 1);
});

Deno.test("chunked files: a relay that has git's own is handed none", async () => {
  const { relays, taken } = taking();
  const files = new ChunkedFiles(relays, [A]);
  const file = await files.sign(fileOf(1, 1), "hello", NOW, alice, signal);
  await assert.rejects(files.cargo([file], [A, B], 1)!.hand(A, signal), { code: "refused" });
  assert.equal(taken.length, 0);
});

Deno.test("chunked files: a file that is gone, or cut short, is an error", async () => {
  await using temp = await tempDir();
  const files = new ChunkedFiles(nobody, []);
  const from = `${temp.path}/pack`;
  const sign = () => files.sign({ sha256: "x", size: 10, from }, "hello", NOW, alice, signal);
  await assert.rejects(sign(), { name: "StoreError", message: /^can't read / });
  await Deno.writeFile(from, new Uint8Array(9));
  await assert.rejects(sign(), { code: "damaged" });
  await Deno.writeFile(from, new Uint8Array(10));
  assert.equal((await sign()).ids.length, 1);
});
