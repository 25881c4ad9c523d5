/**
 * What of a manifest and its packs goes into the DHT.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import { encodeEnvelope } from "../../manifest/envelope.ts";
import type { SignedManifest } from "../../manifest/types.ts";
import type { PackFile } from "../../manifest/pack_file.ts";
import { immutableTarget } from "./dht/items.ts";
import { encodePackIndex, itemTree } from "./dht_packs.ts";
import { manifestTorrent } from "./manifest_torrent.ts";
import { encodeInlineRecord, encodeTorrentRecord, type RepositoryRecord } from "./record.ts";

/** The torrent of a manifest's envelope. */
export interface EnvelopeTorrent {
  /** 40 hex digits. */
  readonly infohash: string;
  /** The bencoded info dictionary. */
  readonly info: Uint8Array;
  readonly envelope: Uint8Array;
}

/** The parts of a publication, beside the record itself. */
export interface Publication {
  /** Set where the record doesn't hold the manifest. */
  readonly torrent?: EnvelopeTorrent;
  /** Immutable items: packs and their index, where those are small enough. */
  readonly items: readonly Uint8Array[];
}

/**
 * A publisher's publication, with the value of its record.
 *
 * @param maxBytes how many bytes of packs may go into the DHT
 */
export async function planPublication(
  signed: SignedManifest,
  packs: readonly PackFile[],
  maxBytes: number,
): Promise<Publication & { readonly value: Uint8Array }> {
  const inlined = await packItems(signed, packs, maxBytes);
  const value = encodeInlineRecord(signed, inlined?.target);
  if (value) return { value, items: inlined?.items ?? [] };
  const torrent = envelopeTorrent(signed);
  const indexed = await packItems(signed, packs, maxBytes, torrent.envelope);
  return {
    value: encodeTorrentRecord({
      infohash: torrent.infohash,
      size: torrent.envelope.length,
      created: signed.manifest.created,
    }, indexed?.target),
    torrent,
    items: indexed?.items ?? [],
  };
}

/** The same parts, made again by a follower, as far as they are what the publisher's record names. */
export async function planAgain(
  record: RepositoryRecord,
  signed: SignedManifest,
  packs: readonly PackFile[],
  maxBytes: number,
): Promise<Publication> {
  const made = record.kind === "torrent" ? envelopeTorrent(signed) : undefined;
  const torrent = record.kind === "torrent" && made?.infohash === record.torrent.infohash
    ? made
    : undefined;
  const indexed = record.packs && await packItems(signed, packs, maxBytes, made?.envelope);
  const same = indexed && Buffer.from(record.packs!).equals(indexed.target);
  return { torrent, items: same ? indexed.items : [] };
}

function envelopeTorrent(signed: SignedManifest): EnvelopeTorrent {
  const envelope = encodeEnvelope(signed);
  return { ...manifestTorrent(envelope), envelope };
}

/** All packs as items, and the target of their index; undefined where they are too large. */
async function packItems(
  signed: SignedManifest,
  files: readonly PackFile[],
  maxBytes: number,
  envelope?: Uint8Array,
): Promise<{ target: Buffer; items: Uint8Array[] } | undefined> {
  const { packs } = signed.manifest;
  const total = packs.reduce((sum, pack) => sum + pack.size, envelope?.length ?? 0);
  if (total > maxBytes || packs.length === 0) return undefined;
  const paths = new Map(files.map(({ pack, path }) => [pack.sha256, path]));
  const items: Uint8Array[] = [];
  const roots: Buffer[] = [];
  for (const pack of packs) {
    const path = paths.get(pack.sha256);
    if (!path) return undefined;
    const tree = await itemTree(await readFile(path));
    items.push(...tree.items);
    roots.push(tree.root);
  }
  const manifest = envelope && await itemTree(envelope);
  if (manifest) items.push(...manifest.items);
  const index = encodePackIndex({ manifest: manifest?.root, packs: roots });
  if (!index) return undefined;
  items.push(index);
  return { target: immutableTarget(index), items };
}
