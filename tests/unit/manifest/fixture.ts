import fc from "fast-check";
import { createHash } from "node:crypto";
import { keyFromSeed } from "../../../lib/identity/keys.ts";
import type { Manifest, PackRef } from "../../../lib/manifest/types.ts";

/** A key that is the same in every run. */
export const key = keyFromSeed(new Uint8Array(32).fill(1));

/** Hex of `digits` digits that depends on `text` only. */
export function hex(digits: 40 | 64, text: string): string {
  return createHash(digits === 40 ? "sha1" : "sha256").update(text).digest("hex");
}

export function pack(name: string, changes: Partial<PackRef> = {}): PackRef {
  return {
    sha256: hex(64, name),
    size: 1000,
    infohash: hex(40, name),
    objects: 3,
    tips: [hex(40, `tip of ${name}`)],
    ...changes,
  };
}

/** A manifest of `key` with one branch, one tag and two packs. */
export function manifest(changes: Record<string, unknown> = {}): Manifest {
  return {
    version: 1,
    publisher: key.publicKeyHex,
    name: "hello",
    sequence: 7,
    created: 1_700_000_000,
    description: "Greets the world \u{1f30d}",
    objectFormat: "sha1",
    head: "refs/heads/main",
    refs: { "refs/heads/main": hex(40, "main"), "refs/tags/v1.0": hex(40, "v1.0") },
    packs: [pack("base", { size: 5000 }), pack("more")],
    endpoints: { torrent: ["192.0.2.1:6881"] },
    ...changes,
  };
}

/** Lower-case hex of exactly `digits` digits, never all zero. */
export const anyHex = (digits: number) =>
  fc.stringMatching(new RegExp(`^[1-9a-f][0-9a-f]{${digits - 1}}$`));

const part = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,12}$/);

/** Valid manifests of `key`, with fields that no version knows yet. */
export const anyManifest: fc.Arbitrary<Manifest> = fc.constantFrom(
  "sha1" as const,
  "sha256" as const,
)
  .chain((objectFormat) => {
    const oid = anyHex(objectFormat === "sha1" ? 40 : 64);
    const anyPack = fc.record({
      sha256: anyHex(64),
      size: fc.integer({ min: 1, max: 2 ** 50 }),
      infohash: anyHex(40),
      objects: fc.integer({ min: 1, max: 1e9 }),
      tips: fc.array(oid, { minLength: 1, maxLength: 4 }),
    });
    return fc.record({
      version: fc.constant(1 as const),
      publisher: fc.constant(key.publicKeyHex),
      name: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/),
      sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      created: fc.nat(),
      objectFormat: fc.constant(objectFormat),
      head: part.map((name) => `refs/heads/${name}`),
      refs: fc.dictionary(
        fc.tuple(fc.constantFrom("refs/heads/", "refs/tags/"), part)
          .map(([prefix, name]) => prefix + name)
          .filter((name) => name !== "refs/heads/HEAD"),
        oid,
        { maxKeys: 6, noNullPrototype: true },
      ),
      packs: fc.uniqueArray(anyPack, { maxLength: 4, selector: ({ sha256 }) => sha256 }),
      endpoints: fc.dictionary(
        fc.constantFrom("torrent", "nostr"),
        fc.array(fc.string({ unit: "grapheme", maxLength: 20 }), { maxLength: 3 }),
        { noNullPrototype: true },
      ),
      "x-later": fc.jsonValue({ depthSize: "small" }),
    }).filter(({ head }) => head !== "refs/heads/HEAD") as fc.Arbitrary<Manifest>;
  });
