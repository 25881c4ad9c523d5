/** Manifests and their envelopes. */
import assert from "node:assert/strict";
import { keyFromSeed, verifySignature } from "../../../lib/identity/keys.ts";
import { canonicalJson } from "../../../lib/manifest/canonical_json.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  MAX_ENVELOPE_BYTES,
} from "../../../lib/manifest/envelope.ts";
import { canonicalBytes, signManifest, verifyManifest } from "../../../lib/manifest/manifest.ts";
import { MAX_MANIFEST_BYTES } from "../../../lib/manifest/schema.ts";
import { lsRefs } from "../../../lib/git_interface/ls_refs.ts";
import { packBytes } from "../../../lib/manifest/bundle.ts";
import { readNostrEndpoints } from "../../../lib/transports/nostr/repositories/binding.ts";
import { parseEndpoint } from "../../../lib/transports/default/endpoint.ts";
import { parseAddress } from "../../../lib/transports/torrent/address.ts";
import { accepted, simple, type Target } from "../target.ts";

const KEY = keyFromSeed(new Uint8Array(32).fill(1));
const ANY = () => true;

export const make = (): Target =>
  simple({
    form: "json",
    maxBytes: 256 * 1024,
    check,
  });

function check(input: Uint8Array): boolean {
  const file = accepted(() => decodeEnvelope(input));
  if (file) {
    assert.ok(file.bytes.length <= MAX_ENVELOPE_BYTES && file.signature.length === 64);
    const again = decodeEnvelope(encodeEnvelope(file));
    assert.deepEqual(again, file, "the file form is canonical");
    accepted(() => verifyManifest(file.bytes, file.signature, {}, verifySignature));
  }
  // What a publisher could sign: past the signature, everything else has to hold.
  const read = [file?.bytes, input].map((bytes) =>
    bytes && accepted(() => verifyManifest(bytes, new Uint8Array(64), {}, ANY))
  );
  for (const signed of read) {
    if (!signed) continue;
    const { manifest, bytes } = signed;
    assert.ok(bytes.length <= MAX_MANIFEST_BYTES);
    assert.deepEqual(canonicalBytes(manifest), bytes, "canonical");
    assert.equal(canonicalJson(JSON.parse(canonicalJson(manifest))), canonicalJson(manifest));
    lsRefs(manifest, ["peel", "symrefs", "unborn"]);
    assert.ok(Number.isSafeInteger(packBytes(manifest)), "sizes that can be added");
    readNostrEndpoints(manifest.endpoints.nostr);
    for (const text of manifest.endpoints.default ?? []) parseEndpoint(text);
    for (const text of manifest.endpoints.torrent ?? []) parseAddress(text);
    const own = { ...manifest, publisher: KEY.publicKeyHex };
    const resigned = signManifest(own, KEY);
    verifyManifest(resigned.bytes, resigned.signature, { id: KEY.id }, verifySignature);
  }
  return read.some((signed) => signed);
}
