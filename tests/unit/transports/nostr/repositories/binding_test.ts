import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { keyFromSeed, verifySignature } from "../../../../../lib/identity/keys.ts";
import { decodeEnvelope, encodeEnvelope } from "../../../../../lib/manifest/envelope.ts";
import { signManifest, verifyManifest } from "../../../../../lib/manifest/manifest.ts";
import {
  BINDING_TAG,
  bindingTag,
  boundPublisher,
  isBound,
  nostrEndpoints,
  readNostrEndpoints,
} from "../../../../../lib/transports/nostr/repositories/binding.ts";
import {
  inlineManifest,
  manifestBlobOf,
  manifestBlobTags,
  manifestInContent,
} from "../../../../../lib/transports/nostr/repositories/manifest_content.ts";
import { hex, key, manifest } from "../../../manifest/fixture.ts";
import { alice, mallory, signed } from "../fixture.ts";
import { openManifest } from "../../../../fixtures/open_manifest.ts";

const relays = ["wss://a.example", "wss://b.example"];
const bound = manifest({ endpoints: { nostr: nostrEndpoints(alice.pubkey, relays) } });
const stateBy = (author: typeof alice, tag: string[], content = "") =>
  signed(author, { kind: 30618, tags: [["d", "hello"], tag], content });

Deno.test("binding: holds where the event and the manifest each name the other's key", () => {
  const event = stateBy(alice, bindingTag(key, alice.pubkey, "hello"));
  assert.equal(boundPublisher(event, "hello"), key.publicKeyHex);
  assert(isBound(event, "hello", bound));
});

Deno.test("binding: a copied tag, another repository or a damaged tag is a forgery", () => {
  const tag = bindingTag(key, alice.pubkey, "hello");
  const copied = stateBy(mallory, tag);
  assert.equal(boundPublisher(copied, "hello"), "forged");
  assert.equal(isBound(copied, "hello", bound), false);
  assert.equal(boundPublisher(stateBy(alice, tag), "other"), "forged");
  for (const wrong of [[tag[0]!, tag[1]!], [tag[0]!, "x", tag[2]!], [tag[0]!, tag[1]!, "00"]]) {
    assert.equal(boundPublisher(stateBy(alice, wrong), "hello"), "forged");
  }
  assert.equal(boundPublisher(stateBy(alice, ["x"]), "hello"), undefined);
});

Deno.test("binding: a Nostr key that a manifest names has to be named by a tag as well", () => {
  const another = keyFromSeed(new Uint8Array(32).fill(2));
  const tags = [["x"], [BINDING_TAG, "", ""], bindingTag(another, alice.pubkey, "hello")];
  for (const tag of tags) assert.equal(isBound(stateBy(alice, tag), "hello", bound), false);
});

Deno.test("binding: a manifest that doesn't name the Nostr key, or has another name, is not bound", () => {
  const event = stateBy(alice, bindingTag(key, alice.pubkey, "hello"));
  const others = manifest({ endpoints: { nostr: nostrEndpoints(mallory.pubkey, relays) } });
  assert.equal(isBound(event, "hello", others), false);
  assert.equal(isBound(event, "hello", manifest()), false);
  assert.equal(isBound(event, "hello", { ...bound, name: "other" }), false);
});

Deno.test("binding: endpoints of a manifest are read with care", () => {
  const endpoints = [...nostrEndpoints(alice.pubkey, relays), mallory.pubkey];
  assert.deepEqual([...readNostrEndpoints(endpoints)], [[alice.pubkey, relays], [
    mallory.pubkey,
    [],
  ]]);
  const wrong = ["x", `${alice.pubkey}@http://x`, "@wss://a.example", alice.pubkey.slice(1)];
  assert.deepEqual([...readNostrEndpoints(wrong)], [[alice.pubkey, []]]);
  assert.deepEqual([...readNostrEndpoints(undefined)], []);
});

Deno.test("binding: a manifest names the key, with eight relays at most", () => {
  const { pubkey } = alice;
  assert.deepEqual(nostrEndpoints(pubkey, []), [pubkey]);
  assert.deepEqual(nostrEndpoints(pubkey, ["wss://a.example"]), [`${pubkey}@wss://a.example`]);
  const many = Array.from({ length: 10 }, (_, i) => `wss://${i}.example`);
  const first = many.slice(0, 8);
  assert.deepEqual(nostrEndpoints(pubkey, many), first.map((url) => `${pubkey}@${url}`));
  const read = readNostrEndpoints([pubkey, ...many.map((url) => `${pubkey}@${url}`)]);
  assert.deepEqual([...read], [[pubkey, first]]);
});

Deno.test("binding: what is signed is the use, the Nostr key and the identifier", () => {
  const [name, publicKey, signature] = bindingTag(key, alice.pubkey, "hello");
  assert.deepEqual([name, publicKey], ["gtr", key.publicKeyHex]);
  const message = new TextEncoder().encode(`gtr-nostr-v1\0${alice.pubkey}hello`);
  const bytes = (hex: string) => Uint8Array.fromHex(hex);
  assert(verifySignature(bytes(publicKey!), message, bytes(signature!)));
});

Deno.test("manifest in an event: comes back as it was signed", () => {
  const signedManifest = signManifest(bound, key);
  const content = inlineManifest(signedManifest)!;
  const read = manifestInContent(
    stateBy(alice, ["x"], content),
    { publicKey: key.publicKeyHex },
    openManifest,
  );
  assert.deepEqual(read, signedManifest);
  assert.equal(manifestInContent(stateBy(alice, ["x"]), {}, openManifest), undefined);
});

Deno.test("manifest in an event: other contents, other keys and bombs are refused", async () => {
  const content = inlineManifest(signManifest(bound, key))!;
  const read = (text: string, expect = {}) => () =>
    manifestInContent(stateBy(alice, ["x"], text), expect, openManifest);
  assert.throws(read("hello, I am a text"), { code: "bad-manifest" });
  assert.throws(read(randomBytes(90).toString("base64")), { code: "bad-manifest" });
  assert.throws(read(content.slice(0, -8)), { code: "bad-manifest" });
  assert.throws(read(content, { publicKey: "0".repeat(64) }), { code: "wrong-key" });
  const { deflateRawSync } = await import("node:zlib");
  const bomb = deflateRawSync(new Uint8Array(64 * 2 ** 20)).toString("base64");
  assert.throws(read(bomb), { code: "bad-manifest" });
});

Deno.test("manifest in an event: a long one becomes a blob that a tag names", () => {
  const refs: Record<string, string> = { "refs/heads/main": hex(40, "main") };
  for (let i = 0; i < 2000; i++) refs[`refs/heads/${i}`] = hex(40, String(i));
  const long = signManifest({ ...bound, refs }, key);
  assert.equal(inlineManifest(long), undefined);
  const file = encodeEnvelope(long);
  const { bytes, signature } = decodeEnvelope(file);
  assert.deepEqual(verifyManifest(bytes, signature, {}, verifySignature), long);

  const blob = { sha256: hex(64, "x"), size: file.length, urls: ["https://b.example/x"] };
  assert.deepEqual(manifestBlobOf(stateBy(alice, manifestBlobTags(blob)[0]!)), blob);
  for (
    const tag of [["gtr-manifest"], ["gtr-manifest", "x", "1"], [
      "gtr-manifest",
      hex(64, "x"),
      "999999999",
    ]]
  ) {
    assert.equal(manifestBlobOf(stateBy(alice, tag)), undefined);
  }
});
