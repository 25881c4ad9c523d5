/**
 * The one-file torrent that holds a manifest's envelope, for manifests too long for the DHT.
 *
 * @module
 */
import { createHash } from "node:crypto";
// @ts-types="../../types/bencode.d.ts"
import bencode from "bencode";
import { infohashOf, pieceLength } from "../../manifest/pack_torrent.ts";

/** The file's name in its torrent: fixed, so that everyone derives the same infohash. */
export const MANIFEST_FILE = "manifest.json";

/** The infohash (hex) and bencoded info dictionary of the torrent of these bytes. */
export function manifestTorrent(envelope: Uint8Array): { infohash: string; info: Uint8Array } {
  const length = pieceLength(envelope.length);
  const count = Math.ceil(envelope.length / length);
  const pieces = new Uint8Array(count * 20);
  for (let i = 0; i < count; i++) {
    const piece = envelope.subarray(i * length, (i + 1) * length);
    pieces.set(createHash("sha1").update(piece).digest(), i * 20);
  }
  const info = bencode.encode({
    length: envelope.length,
    name: MANIFEST_FILE,
    "piece length": length,
    pieces,
  });
  return { infohash: infohashOf(info), info };
}
