/** A repository that the real gtd shares, and its packs as other programs see them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { verifySignature } from "../../lib/identity/keys.ts";
import { decodeEnvelope } from "../../lib/manifest/envelope.ts";
import { verifyManifest } from "../../lib/manifest/manifest.ts";
import { PackHasher, packInfo, pieceLength, torrentName } from "../../lib/manifest/pack_torrent.ts";
import type { Manifest } from "../../lib/manifest/types.ts";
import { Node } from "../e2e/node.ts";
import type { TestTorrent } from "../unit/transports/torrent/swarm/fixture.ts";

/** Characters of incompressible text: the pack that holds them has several pieces. */
const NOISE = 300_000;

/** What a stranger's program may know of a pack. */
export interface SharedPack {
  readonly sha256: string;
  readonly infohash: string;
  readonly size: number;
  readonly objects: number;
  readonly magnet: string;
}

/** Nothing but BitTorrent delivers packs: no small pack is in the DHT. */
export const SWARM_ONLY = { GTR_TORRENT_DHTPACKS: "0" };

/** The repository "hello" in two packs, published. */
export interface Shared {
  readonly url: string;
  /** What HEAD names. */
  readonly oid: string;
  /** As `gtr pack --json` lists them. */
  readonly packs: readonly SharedPack[];
}

/** Shares "hello": a large pack first, then a small one that keeps it. */
export async function shareTwoPacks(node: Node): Promise<Shared> {
  const hello = node.path("hello");
  await node.git("init", "-q", "hello");
  const first = await node.commit("hello", "noise.txt", noise(NOISE));
  const url = await node.gtrIn(hello, "init");
  await node.untilPublished(url, "refs/heads/main", first);
  const oid = await node.commit("hello", "readme.txt", "hello\n");
  await node.untilPublished(url, "refs/heads/main", oid);
  const packs: SharedPack[] = JSON.parse(await node.gtrIn(hello, "pack", "--json"));
  const { packs: published } = await publishedManifest(node);
  assert.deepEqual(packs.map(identify), published.map(identify));
  assert.equal(packs.length, 2);
  return { url, oid, packs };
}

const identify = ({ sha256, infohash, size, objects }: Omit<SharedPack, "magnet">) => ({
  sha256,
  infohash,
  size,
  objects,
});

function noise(length: number): string {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 65_536) crypto.getRandomValues(bytes.subarray(i, i + 65_536));
  return bytes.toBase64().slice(0, length);
}

/** The manifest of "hello" in its publisher's store, its signature checked. */
async function publishedManifest(node: Node): Promise<Manifest> {
  const file = join(await node.stored("hello"), "gtr", "manifest.json");
  const { bytes, signature } = decodeEnvelope(await Deno.readFile(file));
  return verifyManifest(bytes, signature, { name: "hello" }, verifySignature).manifest;
}

/** The torrent of one of the publisher's packs, made from the pack's bytes alone. */
export async function packTorrent(node: Node, pack: SharedPack): Promise<TestTorrent> {
  const path = join(await node.stored("hello"), "objects", "pack", `pack-${pack.sha256}.pack`);
  const bytes = await Deno.readFile(path);
  const hasher = new PackHasher(bytes.length);
  hasher.update(bytes);
  const { sha256, infohash, pieces } = hasher.digest();
  assert.deepEqual({ sha256, infohash }, { sha256: pack.sha256, infohash: pack.infohash });
  return {
    name: torrentName(sha256),
    bytes,
    pieceLength: pieceLength(bytes.length),
    info: packInfo(sha256, bytes.length, pieces),
    infohash,
  };
}

/** Fails unless the files in `folder` are the packs, and make up the whole repository. */
export async function assertPacks(folder: string, shared: Shared): Promise<void> {
  await using reader = await Node.make("none");
  await reader.git("init", "-q", "--bare", "copy.git");
  const copy = reader.path("copy.git");
  for (const { sha256, objects } of shared.packs) {
    const bytes = await Deno.readFile(join(folder, torrentName(sha256)));
    assert.equal(createHash("sha256").update(bytes).digest("hex"), sha256);
    assert.equal(new DataView(bytes.buffer).getUint32(8), objects); // gitformat-pack
    const path = join(copy, "objects", "pack", `pack-${sha256}.pack`);
    await Deno.writeFile(path, bytes);
    await reader.gitIn(copy, "index-pack", "--strict", path);
  }
  await reader.gitIn(copy, "update-ref", "refs/heads/main", shared.oid);
  await reader.gitIn(copy, "fsck", "--full", "--strict");
}
