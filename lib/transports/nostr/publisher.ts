/**
 * Keeping publications on relays and Blossom servers: at once, again where that failed, and again on a
 * schedule, as servers forget.
 *
 * @module
 */
import { GtrError, NetworkError, RequestError, toGtrError } from "../../common/errors.ts";
import { Mutex } from "../../common/mutex.ts";
import { abortable, type Wait } from "../../common/wait.ts";
import type { PublisherKey } from "../../identity/keys.ts";
import type { Manifest, SignedManifest } from "../../manifest/types.ts";
import type { PackFile } from "../transport.ts";
import type { NostrAddress } from "./address.ts";
import { readNostrEndpoints } from "./binding.ts";
import { deliver } from "./deliver.ts";
import type { NostrEvent } from "./events/event.ts";
import { STATE } from "./events/kinds.ts";
import { type GraspParts, pushToServers } from "./grasp/push_to_servers.ts";
import type { NostrSigner } from "./keys/signer.ts";
import { type DataParts, storeData } from "./publication_data.ts";
import { publicationEvents } from "./publication_events.ts";
import type { Relays } from "./relays/relays.ts";
import {
  eventsOf,
  readEvents,
  type RepositoryEvents,
  type RepositoryLookup,
} from "./repository_events.ts";
import { Retry } from "./retry.ts";
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

/** What this node publishes of one repository. */
interface Publication {
  readonly signed: SignedManifest;
  readonly packs: readonly PackFile[];
  /** In the order in which relays get them; undefined until signed. */
  events?: readonly NostrEvent[];
  /** Relays that have all of them. */
  readonly delivered: Set<string>;
  /** GRASP servers that have it. */
  readonly grasped: Set<string>;
  /** Servers refused some of its packs. */
  lacking: boolean;
  /** The id of its state, once that is signed. */
  stated?: string;
  /** It doesn't name the Nostr key, so nobody would believe it: the next one will. */
  unbound?: boolean;
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
    const publication: Publication = before?.signed.manifest.sequence === sequence
      ? { ...before, packs }
      : {
        ...{ signed, packs, events: before?.events },
        ...{ delivered: new Set(), grasped: new Set(), lacking: false },
      };
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
      if (isOther) {
        publication.events = publication.stated = undefined;
        publication.delivered.clear();
        publication.grasped.clear();
      }
      if (!this.#isBehind(publication)) continue;
      this.#run(publication).catch((error) => this.#failed(publication, error));
    }
  }

  /** Asks relays to delete what was published of a repository, and goes on until all have taken it. */
  async forget({ name }: Manifest): Promise<void> {
    const publication = this.#current.get(name);
    this.#current.delete(name);
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
      publication.delivered.clear();
      publication.grasped.clear();
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
    const before = await this.#before(publication, address, signal);
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
    const events = await publicationEvents(facts, before, floor, signer, signal);
    const same = JSON.stringify(publication.events?.map(({ id }) => id)) ===
      JSON.stringify(events.map(({ id }) => id));
    if (!same) delivered.clear();
    if (!same) grasped.clear();
    publication.events = events;
    publication.stated = events.find(({ kind }) => kind === STATE)!.id;
    const missing = lookup.own.filter((url) => !delivered.has(url));
    const needed = quorum - delivered.size;
    const cargo = data.chunked.cargo(stored.files, missing, needed);
    const delivery = deliver(relays, missing, events, needed, signal, cargo);
    const ended = delivery.all.then(async (urls) => {
      for (const url of urls) delivered.add(url);
      await pushToServers(this.parts, { signed, events, grasped }, signer.pubkey, signal);
      if (this.#isBehind(publication)) this.#retry.later();
    });
    this.#running.add(ended);
    ended.finally(() => this.#running.delete(ended));
    await delivery.enough;
    await this.#withdrawals.cancel(name);
  }

  /**
   * What was signed before, and what relays have: other programs may have changed it since.
   *
   * @throws {NetworkError} "unreachable" where neither is known: to sign then might undo what others did
   * @throws {RequestError} "changed-elsewhere" where another program has replaced what is published
   */
  async #before(
    { signed: { manifest }, events = [], stated }: Publication,
    address: NostrAddress,
    signal: AbortSignal,
  ): Promise<RepositoryEvents> {
    const { lookup } = this.parts;
    const found = await lookup.ask(address, signal).catch((error) => {
      if (events.length === 0) throw error;
      return undefined;
    });
    signal.throwIfAborted();
    const known = [...events, ...found ? eventsOf(found) : []];
    const before = readEvents(known, address, lookup.own);
    const state = before.state?.event.id;
    if (stated === undefined || state === undefined || state === stated) return before;
    throw new RequestError(
      "changed-elsewhere",
      `another program has pushed to ${manifest.name} with the same key since; ` +
        "what gtr publishes next replaces that",
      { hint: "fetch what was pushed, then publish again: gtr share" },
    );
  }

  #isBehind(publication: Publication): boolean {
    const { signed, delivered, grasped, lacking, unbound } = publication;
    return this.#current.get(signed.manifest.name) === publication && !unbound &&
      (lacking || this.parts.grasp.some((server) => !grasped.has(server)) ||
        this.parts.lookup.own.some((url) => !delivered.has(url)));
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
