/**
 * Manifests and small packs in HyperDHT itself, for when nobody who has them is there.
 *
 * A mutable record under the publisher's own key names an index of its repositories, which is a tree
 * of immutable items, and that names the trees of manifests and packs. Where an address has only the
 * publisher's id, the key is in another record whose key pair follows from the id: anybody can write
 * that one, so it is of use only where the key in it has that id.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import HyperDHT from "../../hyperdht/mod.ts";
import * as v from "valibot";
import { VerificationError } from "../../common/errors.ts";
import { Mutex } from "../../common/mutex.ts";
import { abortable } from "../../common/wait.ts";
import { publisherId, type PublisherKey } from "../../identity/keys.ts";
import { decodeEnvelope, encodeEnvelope } from "../../manifest/envelope.ts";
import type { ExpectedManifest, OpenManifest } from "../../manifest/manifest.ts";
import type { Manifest, PackRef, SignedManifest } from "../../manifest/types.ts";
import type { KeyPair, MutableRecord } from "../../types/hyperdht.d.ts";
import type { PackFile } from "../../manifest/pack_file.ts";
import { getTree, putTree } from "../shared/item_tree.ts";

/** Longest manifest that is kept there, in bytes. */
const MAX_ENVELOPE = 32 * 1024;
/** Longest index: about 300 repositories. */
const MAX_INDEX = 64 * 1024;
/** Bytes of packs of one repository that are read at all. */
const MAX_PACKS = 1_000_000;
/** Highest sequence number of a record that is answered with a higher one. */
const MAX_SEQUENCE = 2 ** 48;

/** An item of 896 bytes stays in one packet with its header. Hashes are BLAKE2b-256. */
const FORM = { itemBytes: 896, hashBytes: 32, atOnce: 8 };

/** Content that is in the DHT. */
const TreeRoot = v.object({
  /** Of the root item, 64 hex digits. */
  hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** Bytes of the content. */
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
});
type TreeRoot = v.InferOutput<typeof TreeRoot>;
const Pointer = v.object({ version: v.literal(1), index: TreeRoot });
const Entry = v.object({
  /** The manifest's envelope. */
  manifest: TreeRoot,
  /** The packs in the manifest's order; absent where they are too large. */
  packs: v.optional(v.array(TreeRoot)),
});
type Entry = v.InferOutput<typeof Entry>;
type Repositories = Readonly<Record<string, Entry>>;
const Index = v.object({ version: v.literal(1), repositories: v.record(v.string(), Entry) });

/** What {@linkcode Records} are made from. */
export interface RecordsOptions {
  /** The user's. */
  readonly key: PublisherKey;
  readonly openManifest: OpenManifest;
  /** Bytes of a repository's packs that are put into the DHT. */
  readonly maxPacks: number;
}

/** Reads and writes what one node knows of. */
export class Records {
  readonly #dht: HyperDHT;
  readonly #key: PublisherKey;
  readonly #openManifest: OpenManifest;
  readonly #maxPacks: number;
  readonly #turns = new Mutex();
  /** Of this user's repositories: name -> entry. Undefined if the DHT's record isn't this node's. */
  #own: Map<string, Entry> | undefined;
  #sequence = 0;

  constructor(dht: HyperDHT, { key, openManifest, maxPacks }: RecordsOptions) {
    this.#dht = dht;
    this.#key = key;
    this.#openManifest = openManifest;
    this.#maxPacks = maxPacks;
  }

  /**
   * Puts a publication of one's own into the DHT, as far as it is small enough, unless another machine
   * has put a newer one.
   */
  async publish(signed: SignedManifest, packs: readonly PackFile[]): Promise<void> {
    const { name } = signed.manifest;
    await this.#turns.run("own", async () => {
      const entry = await this.#put(signed, packs);
      const own = await this.#load();
      const there = own.get(name);
      if (there !== this.#own?.get(name) && await this.#isNewer(there, signed)) return;
      if (entry) own.set(name, entry);
      else own.delete(name); // an old state would be taken for the newest
      await this.#write(own);
    });
  }

  /** Takes a repository of one's own out of the index. */
  async forget(name: string): Promise<void> {
    await this.#turns.run("own", async () => {
      const own = await this.#load();
      if (own.delete(name)) await this.#write(own);
    });
  }

  /** Puts another's publication again, unchanged and signed by its publisher, where it is in the DHT. */
  async refresh(signed: SignedManifest, packs: readonly PackFile[]): Promise<void> {
    const { publisher, name } = signed.manifest;
    const publicKey = Buffer.from(publisher, "hex");
    const index = await this.#index(publicKey, true);
    if (!index || !Object.hasOwn(index, name)) return;
    await this.#writeIndex(index);
    await this.#put(signed, packs);
    await this.#putKey(publicKey);
  }

  /** The manifest that the DHT holds, verified; undefined where it holds none. */
  async manifest(
    wanted: { readonly id: string; readonly name: string; readonly publicKey?: string },
    signal: AbortSignal,
  ): Promise<SignedManifest | undefined> {
    const { id, name } = wanted;
    const publicKey = wanted.publicKey
      ? Buffer.from(wanted.publicKey, "hex")
      : await abortable(this.#keyOf(id), signal);
    const entry = publicKey && await abortable(this.#entry(publicKey, name), signal);
    return entry && await abortable(this.#manifest(entry, { id, name }), signal);
  }

  /** A pack of the manifest, not yet verified; undefined where the DHT doesn't have it. */
  async pack(
    { publisher, name, packs }: Manifest,
    { sha256, size }: PackRef,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const entry = await abortable(this.#entry(Buffer.from(publisher, "hex"), name), signal);
    const root = entry?.packs?.[packs.findIndex((pack) => pack.sha256 === sha256)];
    if (root?.size !== size) return undefined;
    return await abortable(this.#get(root, MAX_PACKS), signal);
  }

  async #manifest(entry: Entry, expect: ExpectedManifest): Promise<SignedManifest | undefined> {
    const file = await this.#get(entry.manifest, MAX_ENVELOPE);
    return file && this.#openManifest(decodeEnvelope(file), expect);
  }

  async #put(signed: SignedManifest, files: readonly PackFile[]): Promise<Entry | undefined> {
    const envelope = encodeEnvelope(signed);
    if (envelope.length > MAX_ENVELOPE) return undefined;
    const manifest = await this.#putTree(envelope);
    const { packs } = signed.manifest;
    const paths = new Map(files.map(({ pack, path }) => [pack.sha256, path]));
    const total = packs.reduce((sum, { size }) => sum + size, 0);
    const whole = packs.every(({ sha256 }) => paths.has(sha256));
    if (total === 0 || total > this.#maxPacks || !whole) return { manifest };
    const roots: TreeRoot[] = [];
    for (const { sha256 } of packs) {
      roots.push(await this.#putTree(await readFile(paths.get(sha256)!)));
    }
    return { manifest, packs: roots };
  }

  /**
   * A copy of what the DHT holds of this user's repositories: those of an earlier run, and of other
   * machines, stay in it. HyperDHT has no compare-and-swap: it is read before each write.
   */
  async #load(): Promise<Map<string, Entry>> {
    const record = await this.#dht.mutableGet(Buffer.from(this.#key.publicKey));
    if (this.#own && (record?.seq ?? 0) <= this.#sequence) return new Map(this.#own);
    this.#own = undefined; // until it is written: another machine's may be left alone
    this.#sequence = record?.seq ?? 0; // ahead of this clock, perhaps
    const repositories = await this.#read(record).catch((error) => {
      if (error instanceof VerificationError) return undefined; // another version's
      throw error;
    });
    return new Map(Object.entries(repositories ?? {}));
  }

  /** Whether what the DHT holds of a repository is newer. What can't be read is not. */
  async #isNewer(entry: Entry | undefined, { manifest }: SignedManifest): Promise<boolean> {
    const { name, publisher } = manifest;
    const there = entry && await this.#manifest(entry, { name, publicKey: publisher })
      .catch((error) => {
        if (error instanceof VerificationError) return undefined;
        throw error;
      });
    return there !== undefined && there.manifest.sequence > manifest.sequence;
  }

  async #write(own: Map<string, Entry>): Promise<void> {
    const index = await this.#writeIndex(Object.fromEntries(own));
    const publicKey = Buffer.from(this.#key.publicKey);
    const sign = (message: Uint8Array) => this.#key.sign("hyperdhtRecord", message);
    this.#sequence = Math.max(this.#sequence + 1, Date.now());
    const value = Buffer.from(JSON.stringify({ version: 1, index }));
    await this.#dht.mutablePut({ publicKey, sign }, value, { seq: this.#sequence });
    this.#own = own; // not before: where nobody answers, nothing is found either
    await this.#putKey(publicKey);
  }

  async #writeIndex(repositories: Repositories): Promise<TreeRoot> {
    const content = Buffer.from(JSON.stringify({ version: 1, repositories }));
    if (content.length > MAX_INDEX) {
      throw new VerificationError("too-large", "can't keep so many repositories in HyperDHT");
    }
    return await this.#putTree(content);
  }

  async #entry(publicKey: Buffer, name: string): Promise<Entry | undefined> {
    const index = await this.#index(publicKey);
    return index && Object.hasOwn(index, name) ? index[name] : undefined;
  }

  /** @param refresh whether to put the record again that was found */
  async #index(publicKey: Buffer, refresh = false): Promise<Repositories | undefined> {
    const options = refresh ? { refresh: () => true } : {};
    return await this.#read(await this.#dht.mutableGet(publicKey, options));
  }

  async #read(record: MutableRecord | null): Promise<Repositories | undefined> {
    const file = record && await this.#get(decode(Pointer, record.value).index, MAX_INDEX);
    return file ? decode(Index, file).repositories : undefined;
  }

  /** The public key whose id this is, as the DHT has it. */
  async #keyOf(id: string): Promise<Buffer | undefined> {
    const record = await this.#dht.mutableGet(keyPairOf(id).publicKey);
    return record && isKeyOf(id, record.value) ? record.value : undefined;
  }

  /** Lets the key be found by its id. */
  async #putKey(publicKey: Buffer): Promise<void> {
    const id = publisherId(publicKey);
    const keys = keyPairOf(id);
    const there = await this.#dht.mutableGet(keys.publicKey, { refresh: () => true });
    if (there && isKeyOf(id, there.value)) return;
    const seq = there ? Math.min(there.seq + 1, MAX_SEQUENCE) : 1;
    const { secretKey } = keys;
    const signer = { publicKey: keys.publicKey, secretKey };
    await this.#dht.mutablePut(signer, publicKey, { seq });
  }

  async #putTree(content: Uint8Array): Promise<TreeRoot> {
    const put = async (value: Buffer) => (await this.#dht.immutablePut(value)).hash;
    const root = await putTree(content, FORM, put);
    return { hash: root.toString("hex"), size: content.length };
  }

  async #get({ hash, size }: TreeRoot, most: number): Promise<Buffer | undefined> {
    const root = { hash: Buffer.from(hash, "hex"), size };
    return await getTree(root, most, FORM, async (h) => (await this.#dht.immutableGet(h))?.value);
  }
}

/** The key pair under which the DHT holds the public key of a publisher. Everybody can make it. */
function keyPairOf(id: string): KeyPair {
  return HyperDHT.keyPair(createHash("sha256").update(`gtr-holepunch-key-v1\0${id}`).digest());
}

function isKeyOf(id: string, value: Uint8Array): boolean {
  return value.length === 32 && publisherId(value) === id;
}

function decode<T>(schema: v.GenericSchema<unknown, T>, value: Uint8Array): T {
  try {
    return v.parse(schema, JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(value)));
  } catch (cause) {
    throw new VerificationError("bad-record", "can't use a record of HyperDHT: it is wrong", {
      cause,
    });
  }
}
