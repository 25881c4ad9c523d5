/**
 * From an address to the newest manifest that the DHT knows.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { Coalesce } from "../../common/coalesce.ts";
import { GtrError, NetworkError } from "../../common/errors.ts";
import type { Wait } from "../../common/wait.ts";
import type { RepoAddress } from "../../identity/address.ts";
import { decodeEnvelope } from "../../manifest/envelope.ts";
import type { Manifest, SignedManifest } from "../../manifest/types.ts";
import type { NetworkContext } from "../../ports/network.ts";
import type { Dht } from "./dht/dht.ts";
import { type MutableItem, type MutableName, mutableTarget } from "./dht/items.ts";
import { decodePackIndex, readItemTree } from "./dht_packs.ts";
import { fetchFile } from "./fetch_file.ts";
import type { ItemCache } from "./item_cache.ts";
import { MANIFEST_FILE, manifestTorrent } from "./manifest_torrent.ts";
import { decodeRepositoryRecord, type RepositoryRecord } from "./record.ts";
import type { Swarm } from "./swarm/swarm.ts";

/** Resolved records that are remembered, so that they can be announced again. */
const MAX_FOUND = 1000;

/** What the parts of this transport share. */
export interface TorrentParts {
  readonly context: NetworkContext;
  readonly dht: Dht;
  readonly swarm: Swarm;
  /** Signed items, kept from one run to the next. */
  readonly cache: ItemCache;
  /** Folder of manifests' envelopes, named by infohash. */
  readonly manifests: string;
}

/** The name of a repository's record. */
export function recordName(publicKey: string, name: string): Required<MutableName> {
  return { publicKey: Buffer.from(publicKey, "hex"), salt: Buffer.from(name) };
}

/** Looks for records, and remembers them. */
export class Resolver {
  readonly #parts: TorrentParts;
  /** Publisher's id -> public key, hex. */
  readonly #keys = new Map<string, string>();
  /** Target (hex) -> newest record whose manifest was verified. */
  readonly #found = new Map<string, MutableItem>();
  readonly #envelopes = new Coalesce<Uint8Array>();

  constructor(parts: TorrentParts) {
    this.#parts = parts;
    const { key } = parts.context;
    this.#keys.set(key.id, key.publicKeyHex);
  }

  /**
   * Each manifest yielded is newer than the one before, and verified.
   *
   * @throws {NetworkError} "unreachable" where no node of the DHT answers
   */
  async *resolve(address: RepoAddress, wait: Wait): AsyncGenerator<SignedManifest> {
    const publicKey = address.publicKey ?? await this.#findKey(address.id, wait);
    if (publicKey === undefined) return;
    const wanted = { id: address.id, publicKey, name: address.name };
    let newest = -1;
    let elsewhere: { item: MutableItem; record: TorrentRecord } | undefined;
    for await (
      const item of this.#parts.dht.mutableItems(recordName(publicKey, address.name), wait)
    ) {
      const record = this.#dropBad(() => decodeRepositoryRecord(item.value));
      if (record?.kind === "torrent") elsewhere = { item, record };
      if (record?.kind !== "inline") continue;
      const signed = this.#verify(record, item, wanted);
      if (!signed) continue;
      newest = item.seq;
      yield signed;
    }
    // Only the newest is worth a download: an older one's seeders may all have gone.
    if (!elsewhere || elsewhere.item.seq <= newest) return;
    const { item, record } = elsewhere;
    const envelope = await this.#envelope(record, wanted, wait);
    const parts = this.#dropBad(() => decodeEnvelope(envelope));
    const signed = parts && this.#verify(parts, item, wanted);
    if (signed) yield signed;
  }

  /** The publisher's signed record of exactly this manifest, or undefined where nobody has it. */
  async recordOf(manifest: Manifest, wait: Wait): Promise<MutableItem | undefined> {
    const name = recordName(manifest.publisher, manifest.name);
    const target = mutableTarget(name);
    const isThis = (item: MutableItem | undefined) => item?.seq === manifest.sequence;
    const known = [this.#found.get(target.toString("hex")), this.#parts.cache.get(target)];
    const here = known.find(isThis);
    if (here) return here;
    for await (const item of this.#parts.dht.mutableItems(name, wait)) {
      if (isThis(item)) return item;
    }
    return undefined;
  }

  async #findKey(id: string, wait: Wait): Promise<string | undefined> {
    const known = this.#keys.get(id) ?? this.#cachedKey(id);
    if (known) return known;
    // Any item that was signed with the key will do: its target proves the key to be this one.
    for await (const item of this.#parts.dht.mutableItems(Buffer.from(id, "hex"), wait)) {
      const publicKey = item.publicKey.toHex();
      this.#keys.set(id, publicKey);
      return publicKey;
    }
    return undefined;
  }

  #cachedKey(id: string): string | undefined {
    return this.#parts.cache.get(Buffer.from(id, "hex"))?.publicKey.toHex();
  }

  #verify(
    parts: { bytes: Uint8Array; signature: Uint8Array },
    item: MutableItem,
    wanted: { id: string; publicKey: string; name: string },
  ): SignedManifest | undefined {
    const signed = this.#dropBad(() => this.#parts.context.openManifest(parts, wanted));
    if (!signed) return undefined;
    if (signed.manifest.sequence !== item.seq) {
      this.#parts.context.dropped("wrong-sequence");
      return undefined;
    }
    const target = mutableTarget(item).toString("hex");
    this.#found.delete(target);
    this.#found.set(target, item);
    if (this.#found.size > MAX_FOUND) this.#found.delete(this.#found.keys().next().value!);
    return signed;
  }

  #dropBad<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof GtrError)) throw error;
      this.#parts.context.dropped(error.code);
      return undefined;
    }
  }

  /** The envelope that a record points at: from disk, else from peers or from the DHT. */
  #envelope(record: TorrentRecord, wanted: { publicKey: string; name: string }, wait: Wait) {
    const { infohash, size } = record.torrent;
    return this.#envelopes.run(infohash, async (joined) => {
      const path = join(this.#parts.manifests, infohash);
      const kept = await readFile(path).catch(() => undefined);
      if (kept && manifestTorrent(kept).infohash === infohash) return kept;
      const { dht, swarm, context } = this.#parts;
      const { packs } = record;
      try {
        await fetchFile({ dht, swarm, dropped: context.dropped }, {
          what: `the manifest of ${wanted.name}`,
          infohash,
          name: MANIFEST_FILE,
          size,
          known: [],
          targets: [mutableTarget(recordName(wanted.publicKey, wanted.name))],
          into: path,
          fromItems: packs && ((limit) => this.#envelopeFromItems(packs, infohash, size, limit)),
          timeoutMs: context.settings.get("network.timeout") * 1000,
        }, joined);
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      }
      return await readFile(path);
    }, wait);
  }

  async #envelopeFromItems(
    packs: Uint8Array,
    infohash: string,
    size: number,
    wait: Wait,
  ): Promise<Uint8Array> {
    const { dht } = this.#parts;
    const index = await dht.getImmutable(Buffer.from(packs), wait);
    const root = index && decodePackIndex(index).manifest;
    if (!root) throw new NetworkError("nobody-answered", "the manifest is not in the DHT");
    const envelope = await readItemTree(dht, root, size, wait);
    if (manifestTorrent(envelope).infohash === infohash) return envelope;
    throw new NetworkError("nobody-answered", "the DHT has another manifest");
  }
}

type TorrentRecord = Extract<RepositoryRecord, { kind: "torrent" }>;
