/** Bundles: as files from anywhere, and as a publisher could sign them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { keyFromSeed } from "../../../lib/identity/keys.ts";
import { decodeBundleLine, encodeBundleHead } from "../../../lib/manifest/bundle.ts";
import { canonicalBytes, signManifest } from "../../../lib/manifest/manifest.ts";
import type { Manifest } from "../../../lib/manifest/types.ts";
import { BundleReader } from "../../../lib/store/read_bundle.ts";
import { accepted, acceptedLater, simple, type Target } from "../target.ts";

const KEY = keyFromSeed(new Uint8Array(32).fill(1));
const NEWLINE = 0x0a;

/** An input is a bundle, or the JSON of a manifest in one line and the packs that follow. */
export const make = (folder: string): Target => {
  const [file, into] = [join(folder, "file"), join(folder, "pack")];
  return simple({
    form: "json",
    maxBytes: 64 * 1024,
    check: async (input) => {
      const line = accepted(() => decodeBundleLine(input));
      if (line) assert.ok(line.offset > 0 && line.length > 0);
      const plain = await open(input);
      const signed = signedBundle(input);
      return (signed ? await open(signed) : false) || plain;
    },
  });

  async function open(bytes: Uint8Array): Promise<boolean> {
    await Deno.writeFile(file, bytes);
    using reader = await acceptedLater(() => BundleReader.open(file));
    if (!reader) return false;
    const { signal } = new AbortController();
    for (const pack of reader.signed.manifest.packs) {
      const done = await acceptedLater(async () => {
        await reader.extract(pack, into, signal);
        return true;
      });
      const content = await Deno.readFile(into).catch(() => undefined);
      if (!done) {
        assert.equal(content, undefined, "nothing is left of a wrong pack");
        continue;
      }
      assert.equal(content!.length, pack.size);
      assert.equal(createHash("sha256").update(content!).digest("hex"), pack.sha256);
      await Deno.remove(into);
    }
    return true;
  }
};

function signedBundle(input: Uint8Array): Uint8Array | undefined {
  const end = input.indexOf(NEWLINE);
  const head = input.subarray(0, Math.max(0, end));
  let manifest: Manifest;
  try {
    manifest = { ...JSON.parse(new TextDecoder().decode(head)), publisher: KEY.publicKeyHex };
  } catch {
    return undefined; // it is no manifest
  }
  return accepted(() => {
    canonicalBytes(manifest);
    const start = encodeBundleHead(signManifest(manifest, KEY));
    const packs = input.subarray(end + 1);
    const bytes = new Uint8Array(start.length + packs.length);
    bytes.set(start);
    bytes.set(packs, start.length);
    return bytes;
  });
}
