import assert from "node:assert/strict";
import { keyFromSeed } from "../../../../lib/identity/keys.ts";
import { signManifest } from "../../../../lib/manifest/manifest.ts";
import type { PackRef } from "../../../../lib/manifest/types.ts";
import { Offers } from "../../../../lib/transports/default/offers.ts";

const key = keyFromSeed(new Uint8Array(32).fill(1));

function pack(digit: string, tips: readonly string[] = [digit.repeat(40)]): PackRef {
  return { sha256: digit.repeat(64), size: 1, infohash: digit.repeat(40), objects: 1, tips };
}

/** The packs that are offered as bundles after a publication of `packs`. */
function announce(offers: Offers, sequence: number, packs: readonly PackRef[]): string[] {
  offers.announce(signManifest({
    version: 1,
    publisher: key.publicKeyHex,
    name: "hello",
    sequence,
    created: 0,
    objectFormat: "sha1",
    head: "refs/heads/main",
    refs: {},
    packs,
    endpoints: {},
  }, key));
  return offers.repository(key.id, "hello")!.bases.map(({ sha256 }) => sha256[0]!);
}

Deno.test("the first pack is offered as a bundle, and the one before it", () => {
  const offers = new Offers();
  assert.deepEqual(announce(offers, 1, [pack("1"), pack("2")]), ["1"]);
  assert.deepEqual(announce(offers, 2, [pack("3")]), ["3", "1"]);
  assert.deepEqual(announce(offers, 3, [pack("4")]), ["4", "3"]);
  assert.deepEqual(announce(offers, 2, [pack("5")]), ["4", "3"]);
});

Deno.test("a pack that others were made as one with is no bundle", () => {
  const offers = new Offers();
  assert.deepEqual(announce(offers, 1, [pack("1")]), ["1"]);
  assert.deepEqual(announce(offers, 2, [pack("2", []), pack("3")]), ["1"]);
  assert.deepEqual(announce(new Offers(), 1, [pack("2", []), pack("3")]), []);
});
