import fc from "fast-check";
import assert from "node:assert/strict";
import { keyFromSeed, verifySignature } from "../../../lib/identity/keys.ts";
import { canonicalJson } from "../../../lib/manifest/canonical_json.ts";
import { signManifest, verifyManifest } from "../../../lib/manifest/manifest.ts";
import { MAX_MANIFEST_BYTES, MAX_REFS } from "../../../lib/manifest/schema.ts";
import type { Manifest } from "../../../lib/manifest/types.ts";
import { anyManifest, hex, key, manifest } from "./fixture.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const failure = (code: string) => ({ name: "VerificationError", code });

/** `text` as somebody who holds the key would sign it, valid or not. */
function signText(text: string | Uint8Array): { bytes: Uint8Array; signature: Uint8Array } {
  const bytes = typeof text === "string" ? encode(text) : text;
  const message = new Uint8Array([...encode("gtr-manifest-v1\0"), ...bytes]);
  return { bytes, signature: key.sign("manifest", message) };
}

function verifyText(text: string | Uint8Array): Manifest {
  const { bytes, signature } = signText(text);
  return verifyManifest(bytes, signature, {}, verifySignature).manifest;
}

Deno.test("what is signed verifies, unknown fields included", () => {
  fc.assert(
    fc.property(anyManifest, (original) => {
      const { bytes, signature } = signManifest(original, key);
      const expect = { id: key.id, publicKey: key.publicKeyHex, name: original.name };
      const verified = verifyManifest(bytes, signature, expect, verifySignature);
      assert.equal(canonicalJson(verified.manifest), canonicalJson(original));
      assert.equal(new TextDecoder().decode(verified.bytes), canonicalJson(original));
      assert.deepEqual(signManifest(verified.manifest, key).signature, signature);
    }),
    { numRuns: 50 },
  );
});

Deno.test("the signature is over the domain tag and the canonical bytes", () => {
  const signed = signManifest(manifest(), key);
  assert.deepEqual(signText(canonicalJson(manifest())), {
    bytes: signed.bytes,
    signature: signed.signature,
  });
  assert.equal(verifySignature(key.publicKey, signed.bytes, signed.signature), false);
});

Deno.test("any changed byte is found, of the manifest and of the signature", () => {
  const { bytes, signature } = signManifest(manifest(), key);
  const total = bytes.length + signature.length;
  fc.assert(
    fc.property(fc.nat(total - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = new Uint8Array([...bytes, ...signature]);
      changed[at]! ^= change;
      assert.throws(
        () =>
          verifyManifest(
            changed.subarray(0, bytes.length),
            changed.subarray(bytes.length),
            { id: key.id },
            verifySignature,
          ),
        { name: "VerificationError", code: /^(?:bad-signature|bad-manifest|wrong-key)$/ },
      );
    }),
    { numRuns: 200 },
  );
});

Deno.test("bytes cut short or made longer are refused", () => {
  const { bytes, signature } = signManifest(manifest(), key);
  for (const length of [0, 1, bytes.length - 1]) {
    assert.throws(
      () => verifyManifest(bytes.subarray(0, length), signature, {}, verifySignature),
      failure("bad-manifest"),
    );
  }
  const longer = new Uint8Array([...bytes, 0x20]);
  assert.throws(
    () => verifyManifest(longer, signature, {}, verifySignature),
    failure("bad-signature"),
  );
  for (const length of [0, 63, 65]) {
    assert.throws(
      () => verifyManifest(bytes, new Uint8Array(length), {}, verifySignature),
      failure("bad-signature"),
    );
  }
});

Deno.test("another publisher's manifest is the wrong key", () => {
  const other = keyFromSeed(new Uint8Array(32).fill(2));
  const { bytes, signature } = signManifest(
    { ...manifest(), publisher: other.publicKeyHex },
    other,
  );
  for (const expect of [{ id: key.id }, { publicKey: key.publicKeyHex }]) {
    assert.throws(
      () => verifyManifest(bytes, signature, expect, verifySignature),
      failure("wrong-key"),
    );
  }
  assert.throws(() => signManifest(manifest(), other), failure("wrong-key"));
});

Deno.test("the manifest of another repository is not taken for the one asked for", () => {
  const { bytes, signature } = signManifest(manifest(), key);
  assert.throws(
    () => verifyManifest(bytes, signature, { name: "other" }, verifySignature),
    failure("wrong-name"),
  );
});

Deno.test("a signed text that is not canonical is refused", () => {
  const text = canonicalJson(manifest());
  assert.equal(verifyText(text).name, "hello");
  for (
    const variant of [
      text + "\n",
      " " + text,
      "\ufeff" + text,
      text.replace(":7,", ":7.0,"),
      text.replace(`"name":"hello"`, `"name":"h\\u0065llo"`),
      text.replace(`"name":"hello"`, `"name":"evil","name":"hello"`),
      text.replace("{", '{"zzz":1,'),
    ]
  ) assert.throws(() => verifyText(variant), failure("bad-manifest"), variant);
});

Deno.test("hostile signed bytes are refused without a crash", () => {
  const text = canonicalJson(manifest());
  const withField = (json: string) => text.replace(/}$/, `,"zz":${json}}`);
  assert.equal(verifyText(withField("1")).zz, 1);
  for (
    const hostile of [
      "",
      "null",
      "[]",
      '"text"',
      "{}",
      `{"publisher":"${key.publicKeyHex}"}`,
      `{"publisher":${"[".repeat(100_000)}`,
      withField("[".repeat(100_000) + "]".repeat(100_000)),
      withField('{"a":'.repeat(1000) + "1" + "}".repeat(1000)),
      withField("1e999"),
      withField('"\\ud800"'),
      withField("12345678901234567890"),
      new Uint8Array([0x7b, 0xff, 0x7d]),
      new Uint8Array([...encode(withField('"')), 0xc3, 0x28, 0x22, 0x7d]),
    ]
  ) assert.throws(() => verifyText(hostile), failure("bad-manifest"), String(hostile).slice(0, 80));
});

Deno.test("any signed JSON is either refused or a manifest", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(manifest())), (junk, at) => {
    const text = canonicalJson({ ...manifest(), [at]: junk });
    try {
      assert.equal(canonicalJson(verifyText(text)), text);
    } catch (error) {
      assert.ok(error instanceof Error);
      assert.equal((error as { code?: string }).code, "bad-manifest", error.stack);
    }
  }));
});

Deno.test("a key called __proto__ neither passes for a field nor gets lost", () => {
  const kept = canonicalJson(manifest()).replace("{", '{"__proto__":{"name":"evil"},');
  const verified = verifyText(kept);
  assert.equal(verified.name, "hello");
  assert.equal(canonicalJson(verified), kept);
  const { name: _name, ...nameless } = manifest();
  const borrowed = canonicalJson(nameless).replace("{", '{"__proto__":{"name":"evil"},');
  assert.throws(() => verifyText(borrowed), failure("bad-manifest"));
});

Deno.test("an oversized manifest is refused on both sides, before it is parsed", () => {
  const rest = signManifest(manifest({ later: "" }), key).bytes.length;
  const largest = signManifest(manifest({ later: "x".repeat(MAX_MANIFEST_BYTES - rest) }), key);
  assert.equal(largest.bytes.length, 8 * 1024 * 1024);
  assert.ok(verifyManifest(largest.bytes, largest.signature, {}, verifySignature));
  const large = manifest({ later: "x".repeat(MAX_MANIFEST_BYTES - rest + 1) });
  assert.throws(() => signManifest(large, key), failure("oversized-manifest"));
  assert.throws(
    () =>
      verifyManifest(new Uint8Array(MAX_MANIFEST_BYTES + 1), new Uint8Array(64), {}, () => true),
    failure("oversized-manifest"),
  );
});

Deno.test("a manifest with the most refs fits", () => {
  const refs = Object.fromEntries(
    Array.from({ length: MAX_REFS }, (_, i) => [`refs/heads/topic/${i}`, hex(40, "main")]),
  );
  const signed = signManifest(manifest({ refs }), key);
  const verified = verifyManifest(signed.bytes, signed.signature, {}, verifySignature);
  assert.equal(Object.keys(verified.manifest.refs).length, MAX_REFS);
  const more = { ...refs, "refs/tags/one": hex(40, "main") };
  assert.throws(() => signManifest(manifest({ refs: more }), key), failure("bad-manifest"));
});
