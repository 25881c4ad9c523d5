/**
 * Making manifests findable and keeping them so, one's own and those one follows.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../common/atomic_file.ts";
import { GtrError, VerificationError } from "../../common/errors.ts";
import { Mutex } from "../../common/mutex.ts";
import { abortable, deadline, type Wait } from "../../common/wait.ts";
import type { Manifest, SignedManifest } from "../../manifest/types.ts";
import type { PackFile } from "../../manifest/pack_file.ts";
import { immutableTarget, type MutableItem, mutableTarget, signItem } from "./dht/items.ts";
import { planAgain, planPublication, type Publication } from "./publication.ts";
import { decodePublisherRecord, decodeRepositoryRecord, encodePublisherRecord } from "./record.ts";
import { hasGrown, ITEM_REFRESH_MS, PEER_REFRESH_MS, Republisher } from "./republisher.ts";
import { recordName, type Resolver, type TorrentParts } from "./resolver.ts";

/** Immutable items that are put at once. */
const CONCURRENCY = 8;
/** An item put this long ago, in milliseconds, is put again when its turn comes. */
const FRESH_MS = ITEM_REFRESH_MS / 2;
/** How long leaving may take: what was announced shall be findable afterwards. */
const FLUSH_MS = 2000;

/** What is being kept in the DHT for one repository. */
interface Announced {
  readonly sequence: number;
  readonly torrent?: { readonly infohash: string; readonly seed: Disposable };
  /** Targets (hex) of immutable items. */
  readonly items: ReadonlySet<string>;
}

/** The announced repositories of this node. */
export class Announcer implements AsyncDisposable {
  readonly #parts: TorrentParts;
  readonly #resolver: Resolver;
  readonly #republisher: Republisher;
  /** Publications of one repository don't overtake each other. */
  readonly #mutex = new Mutex();
  /** "<publisher>/<name>" -> what is kept for it. */
  readonly #announced = new Map<string, Announced>();
  /** Target (hex) of an immutable item -> when it was put, and how many nodes were known then. */
  readonly #put = new Map<string, { at: number; nodes: number }>();
  /** Announcements under way, those whose caller gave up too. */
  readonly #busy = new Set<Promise<unknown>>();
  readonly #stop = new AbortController();
  /** Names in this user's publisher record, those that other machines have put into it too. */
  #names: Set<string>;
  /** Sequence number of the newest of its records that {@linkcode #names} takes into account. */
  #listed: number;
  readonly #newer: (target: Uint8Array, sequence: number) => void;

  /** @param newer is told when the DHT has a newer record than the one that is announced */
  constructor(
    parts: TorrentParts,
    resolver: Resolver,
    newer: (target: Uint8Array, sequence: number) => void,
  ) {
    this.#parts = parts;
    this.#resolver = resolver;
    this.#newer = newer;
    this.#republisher = new Republisher(parts.dht, (error) => {
      parts.context.dropped("republish-failed");
      parts.context.log(`can't refresh the DHT: ${(error as Error).message}`);
    });
    const own = parts.cache.get(Buffer.from(parts.context.key.id, "hex"));
    this.#names = new Set(own && namesIn(own));
    this.#listed = own?.seq ?? 0;
  }

  /**
   * Resolves when another node holds the record, or there is none. Packs go on in the background.
   */
  async announce(signed: SignedManifest, packs: readonly PackFile[], wait: Wait): Promise<void> {
    wait.signal.throwIfAborted();
    const key = repositoryKey(signed.manifest);
    const limit = { ...wait, signal: AbortSignal.any([wait.signal, this.#stop.signal]) };
    const begun = this.#mutex.run(key, () => this.#begin(key, signed, packs, limit));
    const busy: Promise<unknown> = begun.then(({ told }) => told, () => {}) // its caller hears of it
      .finally(() => this.#busy.delete(busy));
    this.#busy.add(busy);
    const { told } = await abortable(begun, wait.signal);
    // Out of reach is no failure of the publication: it goes on as soon as a node answers.
    await told;
    wait.signal.throwIfAborted();
  }

  /** Announces this node again wherever it did: others reach it by another port now. */
  announceAgain(): void {
    this.#republisher.again((key) => key.includes("/peer/") || key.includes("/pack/"));
  }

  /** Stops keeping a repository in the DHT; other nodes forget it in their own time. */
  async forget(manifest: Manifest): Promise<void> {
    const key = repositoryKey(manifest);
    await this.#mutex.run(key, () => this.#end(key, manifest));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    using limit = deadline(FLUSH_MS, "the DHT to take what was announced");
    if (this.#parts.dht.nodes > 0) await this.#republisher.flush(limit).catch(() => {});
    this.#stop.abort(new GtrError("closed", "can't announce: BitTorrent was stopped"));
    await this.#republisher[Symbol.asyncDispose]();
    await Promise.allSettled(this.#busy); // they write files
    for (const { torrent } of this.#announced.values()) torrent?.seed[Symbol.dispose]();
  }

  /** Sets all duties of a publication; `told` settles when the urgent ones have run. */
  async #begin(
    key: string,
    signed: SignedManifest,
    packs: readonly PackFile[],
    wait: Wait,
  ): Promise<{ told: Promise<unknown> }> {
    const { context, cache } = this.#parts;
    const { manifest } = signed;
    const before = this.#announced.get(key);
    if (before && before.sequence > manifest.sequence) return { told: Promise.resolve() };
    const own = manifest.publisher === context.key.publicKeyHex;
    const { item, publication } = own
      ? await this.#publish(signed, packs)
      : await this.#follow(signed, packs, wait);
    if (item) await cache.put(item);
    await this.#replace(key, manifest.sequence, publication);

    const urgent: Promise<unknown>[] = [this.#announceTarget(manifest, wait)];
    if (item) urgent.push(this.#putRecord(key, item, wait));
    if (own) urgent.push(this.#putOwnPublisher(manifest.name, wait));
    else this.#refreshPublisher(manifest.publisher);
    if (publication.items.length > 0) this.#putItems(key, publication.items);
    this.#announcePacks(key, packs);
    return { told: Promise.allSettled(urgent) };
  }

  async #end(key: string, manifest: Manifest): Promise<void> {
    const { dht, cache, context } = this.#parts;
    await this.#replace(key, manifest.sequence, { items: [] });
    this.#announced.delete(key);
    this.#republisher.remove(`${key}/`);
    const target = mutableTarget(recordName(manifest.publisher, manifest.name));
    dht.drop(target);
    await cache.remove(target);
    const others = [...this.#announced.keys()].some((k) => k.startsWith(`${manifest.publisher}/`));
    if (manifest.publisher === context.key.publicKeyHex) {
      if (this.#names.delete(manifest.name)) await this.#setPublisherDuty();
    } else if (!others) {
      this.#republisher.remove(publisherKey(manifest.publisher));
    }
  }

  async #publish(signed: SignedManifest, packs: readonly PackFile[]): Promise<Planned> {
    const { key, settings } = this.#parts.context;
    const { manifest } = signed;
    const plan = await planPublication(signed, packs, settings.get("torrent.dhtPacks"));
    const salt = Buffer.from(manifest.name);
    const item = signItem(key, { salt, seq: manifest.sequence, value: plan.value });
    return { item, publication: plan };
  }

  async #follow(
    signed: SignedManifest,
    packs: readonly PackFile[],
    wait: Wait,
  ): Promise<Planned> {
    // Without the publisher's record, this node is still a peer that has the packs.
    const item = await this.#resolver.recordOf(signed.manifest, wait).catch(() => undefined);
    if (!item) return { publication: { items: [] } };
    const record = decodeRepositoryRecord(item.value);
    const most = this.#parts.context.settings.get("torrent.dhtPacks");
    return { item, publication: await planAgain(record, signed, packs, most) };
  }

  /** Seeds the manifest's torrent, and lets go of what only the publication before needed. */
  async #replace(key: string, sequence: number, publication: Publication): Promise<void> {
    const { dht, manifests } = this.#parts;
    const before = this.#announced.get(key);
    const items = new Set(publication.items.map((value) => immutableTarget(value).toString("hex")));
    const { torrent } = publication;
    let seeded = before?.torrent;
    if (seeded?.infohash !== torrent?.infohash) {
      seeded = torrent && { infohash: torrent.infohash, seed: await this.#seedEnvelope(torrent) };
    }
    this.#announced.set(key, { sequence, items, torrent: seeded });
    if (before?.torrent && before.torrent !== seeded) {
      before.torrent.seed[Symbol.dispose]();
      await rm(join(manifests, before.torrent.infohash), { force: true });
    }
    for (const target of before?.items ?? []) {
      // Two repositories can have a pack in common.
      if ([...this.#announced.values()].some((other) => other.items.has(target))) continue;
      dht.drop(Buffer.from(target, "hex"));
      this.#put.delete(target);
    }
    if (items.size === 0) this.#republisher.remove(`${key}/items`);
  }

  async #seedEnvelope(torrent: NonNullable<Publication["torrent"]>): Promise<Disposable> {
    const { infohash, info, envelope } = torrent;
    const path = join(this.#parts.manifests, infohash);
    await writeFileAtomic(path, envelope);
    return this.#parts.swarm.seed({
      infohash,
      path,
      size: envelope.length,
      info: () => Promise.resolve(info),
    });
  }

  #putRecord(key: string, item: MutableItem, wait: Wait): Promise<number> {
    return this.#republisher.setNow(`${key}/record`, {
      every: ITEM_REFRESH_MS,
      outlives: true,
      run: (limit) =>
        this.#parts.dht.putMutable(item, limit, ({ seq }) => {
          this.#newer(mutableTarget(item), seq);
        }),
    }, wait);
  }

  async #putOwnPublisher(name: string, wait: Wait): Promise<void> {
    const listed = this.#names.has(name);
    const key = publisherKey(this.#parts.context.key.publicKeyHex);
    if (listed && this.#republisher.keys(key).length > 0) return;
    this.#names.add(name);
    await this.#setPublisherDuty(wait);
  }

  async #setPublisherDuty(wait?: Wait): Promise<void> {
    const { publicKey, publicKeyHex } = this.#parts.context.key;
    const duty = {
      every: ITEM_REFRESH_MS,
      outlives: true,
      run: (limit: Wait) =>
        this.#parts.dht.updateMutable({ publicKey }, (newest) => this.#list(newest), limit),
    };
    const name = publisherKey(publicKeyHex);
    if (wait) await this.#republisher.setNow(name, duty, wait);
    else this.#republisher.set(name, duty);
  }

  /** This user's publisher record: what other machines list, and what is announced here. */
  async #list(newest: MutableItem | undefined): Promise<MutableItem> {
    const { context: { key }, cache } = this.#parts;
    const last = cache.get(Buffer.from(key.id, "hex"));
    if (newest && newest.seq >= this.#listed && !isSame(newest, last?.value)) {
      const announced = [...this.#announced.keys()].map((path) => path.split("/"))
        .flatMap(([publisher, name]) => publisher === key.publicKeyHex ? [name!] : []);
      this.#names = new Set([...namesIn(newest), ...announced]);
    }
    this.#listed = Math.max(this.#listed, newest?.seq ?? 0);
    const value = encodePublisherRecord({ repositories: [...this.#names] });
    const known = [newest, last].find((item) => isSame(item, value));
    const highest = Math.max(newest?.seq ?? 0, last?.seq ?? 0);
    if (known && known.seq === highest) return await this.#remember(known);
    const seq = Math.max(highest + 1, Math.floor(Date.now() / 1000));
    return await this.#remember(signItem(key, { seq, value }));
  }

  async #remember(item: MutableItem): Promise<MutableItem> {
    await this.#parts.cache.put(item);
    return item;
  }

  /** Another's publisher record: whatever is newest now is put again. */
  #refreshPublisher(publisher: string): void {
    const key = publisherKey(publisher);
    if (this.#republisher.keys(key).length > 0) return;
    const { dht, cache } = this.#parts;
    const name = { publicKey: Buffer.from(publisher, "hex") };
    this.#republisher.set(key, {
      every: ITEM_REFRESH_MS,
      outlives: true,
      run: async (limit) => {
        const newest = await dht.getMutable(name, limit) ?? cache.get(mutableTarget(name));
        if (!newest) return 0;
        await cache.put(newest);
        return await dht.putMutable(newest, limit);
      },
    });
  }

  #putItems(key: string, values: readonly Uint8Array[]): void {
    const { dht } = this.#parts;
    this.#republisher.set(`${key}/items`, {
      every: ITEM_REFRESH_MS,
      outlives: true,
      run: async (limit) => {
        const due = values.filter((value) => this.#isDue(value));
        let fewest = Infinity;
        const worker = async () => {
          for (let value = due.shift(); value; value = due.shift()) {
            const nodes = dht.nodes;
            fewest = Math.min(fewest, await dht.putImmutable(value, limit));
            const target = immutableTarget(value).toString("hex");
            this.#put.set(target, { at: Date.now(), nodes });
          }
        };
        await Promise.all(Array.from({ length: CONCURRENCY }, worker));
        return fewest === Infinity ? 0 : fewest;
      },
    });
  }

  #isDue(value: Uint8Array): boolean {
    const put = this.#put.get(immutableTarget(value).toString("hex"));
    return !put || Date.now() - put.at > FRESH_MS || hasGrown(put.nodes, this.#parts.dht.nodes);
  }

  #announceTarget(manifest: Manifest, wait: Wait): Promise<number> {
    const target = mutableTarget(recordName(manifest.publisher, manifest.name));
    const key = `${repositoryKey(manifest)}/peer/${target.toString("hex")}`;
    return this.#republisher.setNow(key, this.#peerDuty(target), wait);
  }

  /** Announces the packs that are new, and no longer those that have gone. */
  #announcePacks(key: string, packs: readonly PackFile[]): void {
    const wanted = new Map(
      packs.map(({ pack }) => [`${key}/pack/${pack.infohash}`, pack.infohash]),
    );
    const present = this.#republisher.keys(`${key}/pack/`);
    for (const old of present) if (!wanted.has(old)) this.#republisher.remove(old);
    for (const [duty, infohash] of wanted) {
      if (present.includes(duty)) continue;
      this.#republisher.set(duty, this.#peerDuty(Buffer.from(infohash, "hex")));
    }
  }

  #peerDuty(infohash: Buffer) {
    const { dht, swarm } = this.#parts;
    return {
      every: PEER_REFRESH_MS,
      outlives: false,
      run: (limit: Wait) =>
        dht.announce(infohash, { 4: swarm.announcedPort, 6: swarm.port }, limit),
    };
  }
}

interface Planned {
  /** The signed record; a follower may not have it. */
  readonly item?: MutableItem;
  readonly publication: Publication;
}

/** None if it is of another version. */
function namesIn({ value }: MutableItem): readonly string[] {
  try {
    return decodePublisherRecord(value).repositories;
  } catch (error) {
    if (error instanceof VerificationError) return [];
    throw error;
  }
}

function isSame(item: MutableItem | undefined, value: Uint8Array | undefined): boolean {
  return item !== undefined && value !== undefined && Buffer.from(item.value).equals(value);
}

function repositoryKey(manifest: Manifest): string {
  return `${manifest.publisher}/${manifest.name}`;
}

function publisherKey(publisher: string): string {
  return `publisher/${publisher}`;
}
