import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { manifestTorrent } from "../../../../lib/transports/torrent/manifest_torrent.ts";
import { parseInfo } from "../../../../lib/transports/torrent/swarm/metainfo.ts";

const sha1 = (bytes: Uint8Array) => createHash("sha1").update(bytes).digest();

Deno.test("manifest torrent: a file named manifest.json, in pieces of 16 KiB, as BEP 3 has it", () => {
  for (const [size, count] of [[1, 1], [16384, 1], [40_000, 3]] as const) {
    const envelope = new Uint8Array(randomBytes(size));
    const { infohash, info } = manifestTorrent(envelope);
    assert.equal(infohash, sha1(info).toString("hex"));
    const { name, length, pieceLength, pieces, hashes } = parseInfo(info, size);
    assert.deepEqual([name, length, pieceLength], ["manifest.json", size, 16384]);
    assert.equal(pieces, count);
    for (let i = 0; i < count; i++) {
      const piece = envelope.subarray(i * 16384, (i + 1) * 16384);
      assert.deepEqual(Buffer.from(hashes.subarray(i * 20, i * 20 + 20)), sha1(piece));
    }
  }
});
