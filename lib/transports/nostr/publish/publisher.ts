/**
 * Keeping publications on relays and Blossom servers: at once, again where that failed, and again on a
 * schedule, as servers forget.
 *
 * @module
 */
import { GtrError, NetworkError, toGtrError } from "../../../common/errors.ts";
import { Mutex } from "../../../common/mutex.ts";
import { abortable, type Wait } from "../../../common/wait.ts";
import type { PublisherKey } from "../../../identity/keys.ts";
import type { PackFile } from "../../../manifest/pack_file.ts";
import type { Manifest, SignedManifest } from "../../../manifest/types.ts";
import { STATE } from "../events/kinds.ts";
import type { NostrSigner } from "../events/signer.ts";
import { type GraspParts, pushToServers } from "../grasp/push_to_servers.ts";
import { deliver } from "../relays/deliver.ts";
import type { Relays } from "../relays/relays.ts";
import { readNostrEndpoints } from "../repositories/binding.ts";
import type { RepositoryLookup } from "../repositories/lookup.ts";
import {
  beginAgain,
  isBehind,
  type Publication,
  publishedBefore,
  supersede,
} from "./publication.ts";
import { Retry } from "./retry.ts";
import { signEvents } from "./sign_events.ts";
import { type DataParts, storeData } from "./store_data.ts";
import { Withdrawals } from "./withdrawals.ts";

/** What {@linkcode Publisher} works with. */
export interface PublisherParts extends GraspParts {
  readonly relays: Relays;
  readonly lookup: RepositoryLookup;
  readonly data: DataParts;
  readonly key: Pick<PublisherKey, "publicKeyHex" | "sign">;
  readonly signer: (signal: AbortSignal) => Promise<NostrSigner>;
  /** How many relays have to take it. */
  readonly quorum: number;
  /** URLs that git itself can clone. */
  readonly clone: (manifest: Manifest, pubkey: string) => readonly string[];
  /** Milliseconds before the first further try; twice as long before each one after it. */
  readonly retry: number;
}

/** The publications of one's own key. */
export class Publisher implements AsyncDisposable {
  readonly #current = new Map<string, Publication>();
  readonly #turns = new Mutex();
  readonly #stop = new AbortController();
  readonly #retry: Retry;
  readonly #withdrawals: Withdrawals;
  readonly #running = new Set<Promise<unknown>>();

  constructor(readonly parts: PublisherParts) {
    const { lookup, signer, data: { folder }, log, retry } = parts;
    this.#retry = new Retry(retry, () => this.#goOn());
    this.#withdrawals = new Withdrawals({ lookup, signer, folder, log, retry });
  }

  /** Whether a repository of this name is published. */
  has(name: string): boolean {
    return this.#current.has(name);
  }

  /**
   * Publishes: blobs, then events, to enough relays. It goes on where the caller stops waiting, and
   * what fails is tried again until it is replaced.
   *
   * @throws {NetworkError} "no-quorum", or why no server takes a pack; "under-way" at the deadline
   */
  async announce(signed: SignedManifest, packs: readonly PackFile[], wait: Wait): Promise<void> {
    wait.signal.throwIfAborted();
    const { name, sequence } = signed.manifest;
    const before = this.#current.get(name);
    if (before && before.signed.manifest.sequence > sequence) return;
    const publication = supersede(before, signed, packs);
    this.#current.set(name, publication);
    try {
      await abortable(this.#run(publication), wait.signal);
    } catch (error) {
      const late = wait.signal.aborted && toGtrError(wait.signal.reason).code === "timed-out";
      if (!late) throw error;
      throw new NetworkError(
        "under-way",
        `${name} is still being handed to servers and relays, which goes on`,
        { hint: "gtr daemon logs" },
      );
    }
  }

  /**
   * Publishes at once what waits.
   *
   * @param isOther the key is another one: what was signed with the one before is no longer of use
   */
  resume(isOther: boolean): void {
    this.#retry.reset();
    void this.#withdrawals.goOn();
    for (const publication of this.#current.values()) {
      if (isOther) beginAgain(publication, isOther);
      if (!this.#isBehind(publication)) continue;
      this.#run(publication).catch((error) => this.#failed(publication, error));
    }
  }

  /** Asks relays to delete what was published of a repository, and goes on until all have taken it. */
  async forget({ name }: Manifest): Promise<void> {
    const publication = this.#current.get(name);
    this.#current.delete(name);
    publication?.replaced.abort();
    await this.#turns.run(name, async () => {
      this.parts.data.chunked.keepOnly(name, []);
      await this.#withdrawals.add(name, publication?.events ?? []);
    });
  }

  /** Looks again whether servers have what they had, and sends relays everything again. */
  async keepAlive(): Promise<void> {
    this.parts.data.blobs.doubt();
    this.parts.data.chunked.doubt();
    for (const publication of this.#current.values()) {
      beginAgain(publication);
      await this.#run(publication).catch((error) => this.#failed(publication, error));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#retry[Symbol.dispose]();
    this.#stop.abort(new GtrError("closed", "publishing on Nostr has ended"));
    await Promise.allSettled([this.#withdrawals[Symbol.asyncDispose](), ...this.#running]);
  }

  #run(publication: Publication): Promise<void> {
    const { name } = publication.signed.manifest;
    const running = this.#turns.run(name, () => this.#publish(publication), this.#stop.signal);
    this.#running.add(running);
    running.catch(() => {}).finally(() => {
      this.#running.delete(running);
      if (this.#isBehind(publication)) this.#retry.later();
      else this.#retry.reset();
    });
    return running;
  }

  async #publish(publication: Publication): Promise<void> {
    const { signed, delivered, grasped } = publication;
    const { name, endpoints } = signed.manifest;
    if (this.#current.get(name) !== publication) return; // a newer one has come
    const { signal } = this.#stop;
    const { relays, lookup, quorum, data } = this.parts;
    const signer = await this.parts.signer(signal);
    publication.unbound = !readNostrEndpoints(endpoints.nostr).has(signer.pubkey);
    if (publication.unbound) return;
    const address = { pubkey: signer.pubkey, identifier: name, relays: [] };
    const before = await publishedBefore(publication, lookup, address, quorum, signal);
    const floor = await this.#withdrawals.floor(name);
    publication.lacking = true;
    const { packs } = publication;
    const stored = await storeData(data, { signed, packs, before, floor }, signer, signal);
    publication.lacking = stored.lacking;
    data.chunked.keepOnly(name, stored.files);
    const facts = {
      signed,
      key: this.parts.key,
      relays: lookup.own,
      servers: data.blobs.parts.servers,
      clone: this.parts.clone(signed.manifest, signer.pubkey),
      sources: stored.sources,
      manifest: stored.manifest,
    };
    const events = await signEvents(facts, before, floor, signer, signal);
    const same = JSON.stringify(publication.events?.map(({ id }) => id)) ===
      JSON.stringify(events.map(({ id }) => id));
    if (!same) delivered.clear();
    if (!same) grasped.clear();
    publication.events = events;
    publication.stated = events.find(({ kind }) => kind === STATE)!.id;
    const missing = lookup.own.filter((url) => !delivered.has(url));
    const needed = quorum - delivered.size;
    const cargo = data.chunked.cargo(stored.files, missing, needed);
    const { signal: replaced } = publication.replaced;
    const wanted = AbortSignal.any([signal, replaced]);
    const delivery = deliver(relays, missing, events, needed, wanted, cargo);
    const ended = delivery.all.then(async (urls) => {
      for (const url of urls) delivered.add(url);
      if (replaced.aborted) return;
      await pushToServers(this.parts, { signed, events, grasped }, signer.pubkey, wanted);
      if (this.#isBehind(publication)) this.#retry.later();
    });
    this.#running.add(ended);
    ended.finally(() => this.#running.delete(ended));
    await delivery.enough.catch((error) => {
      if (!replaced.aborted) throw error; // else the newer one is delivered instead
    });
    if (!replaced.aborted) await this.#withdrawals.cancel(name);
  }

  #isBehind(publication: Publication): boolean {
    const { lookup, grasp } = this.parts;
    return this.#current.get(publication.signed.manifest.name) === publication &&
      isBehind(publication, lookup.own, grasp);
  }

  async #goOn(): Promise<void> {
    for (const publication of this.#current.values()) {
      if (!this.#isBehind(publication)) continue;
      await this.#run(publication).catch((error) => this.#failed(publication, error));
    }
  }

  #failed({ signed: { manifest } }: Publication, error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.parts.log(`can't publish ${manifest.name} on nostr yet: ${toGtrError(error).message}`);
  }
}
