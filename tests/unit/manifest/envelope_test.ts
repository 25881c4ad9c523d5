import fc from "fast-check";
import assert from "node:assert/strict";
import { verifySignature } from "../../../lib/identity/keys.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  MAX_ENVELOPE_BYTES,
} from "../../../lib/manifest/envelope.ts";
import { signManifest, verifyManifest } from "../../../lib/manifest/manifest.ts";
import { anyManifest, key, manifest } from "./fixture.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("an envelope gives back the signed bytes", () => {
  fc.assert(
    fc.property(anyManifest, (value) => {
      const { bytes, signature } = signManifest(value, key);
      assert.deepEqual(decodeEnvelope(encodeEnvelope({ bytes, signature })), { bytes, signature });
    }),
    { numRuns: 50 },
  );
});

Deno.test("an envelope survives other programs' formatting", () => {
  const signed = signManifest(manifest(), key);
  const { version, manifest: inner, signature } = JSON.parse(decode(encodeEnvelope(signed)));
  assert.equal(version, 1);
  const shuffled = { signature, manifest: Object.fromEntries(Object.entries(inner).reverse()) };
  const text = JSON.stringify({ ...shuffled, version, later: 1 }, null, "\t");
  const read = decodeEnvelope(encode("\ufeff" + text.replaceAll("\n", "\r\n")));
  const verified = verifyManifest(read.bytes, read.signature, { id: key.id }, verifySignature);
  assert.deepEqual(verified.manifest, manifest());
});

Deno.test("damaged envelopes are refused", () => {
  const good = decode(encodeEnvelope(signManifest(manifest(), key)));
  const signature = JSON.parse(good).signature as string;
  for (
    const text of [
      "",
      "{}",
      "null",
      "[]",
      good.slice(0, -3),
      good.replace('{"version":1', '{"version":2'),
      good.replace(signature, signature.slice(4)),
      good.replace(signature, signature.slice(0, -2) + "AA"),
      good.replace(signature, "*".repeat(88)),
      `{"version":1,"signature":"${signature}"}`,
      `{"version":1,"manifest":1e999,"signature":"${signature}"}`,
      `{"version":1,"manifest":${"[".repeat(1e5)}${"]".repeat(1e5)},"signature":"${signature}"}`,
    ]
  ) {
    assert.throws(
      () => decodeEnvelope(encode(text)),
      { name: "VerificationError", code: "bad-manifest" },
      text.slice(0, 80),
    );
  }
  const padded = new Uint8Array(16 * 1024 * 1024).fill(0x20);
  padded.set(encode(good));
  assert.deepEqual(decodeEnvelope(padded), decodeEnvelope(encode(good)));
  assert.throws(() => decodeEnvelope(new Uint8Array([0xff])), { code: "bad-manifest" });
  assert.throws(() => decodeEnvelope(new Uint8Array(MAX_ENVELOPE_BYTES + 1)), {
    code: "oversized-manifest",
  });
});
