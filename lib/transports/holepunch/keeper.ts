/**
 * Keeping in the DHT what is small of the repositories that this node has.
 *
 * @module
 */
import { toGtrError } from "../../common/errors.ts";
import type { Manifest, SignedManifest } from "../../manifest/types.ts";
import type { PackFile } from "../../manifest/pack_file.ts";
import type { Records } from "./records.ts";
import { repositoryOf } from "./topic.ts";

/** Nodes of the DHT forget what was put after two days. */
const AGAIN_MS = 12 * 60 * 60_000;

/** What of a repository is kept. */
interface Kept {
  readonly signed: SignedManifest;
  readonly packs: readonly PackFile[];
}

/** Puts repositories into the DHT, and again until they are forgotten. */
export class Keeper implements Disposable {
  readonly #records: Records;
  readonly #publisher: string;
  readonly #log: (message: string) => void;
  /** "<id>/<name>" -> what of it is kept. */
  readonly #kept = new Map<string, Kept>();
  /** Those that couldn't be put. */
  readonly #failed = new Set<string>();
  readonly #timer: ReturnType<typeof setInterval>;
  #ended = false;

  /** @param publisher this user's public key: others' repositories are kept as they were signed */
  constructor(records: Records, publisher: string, log: (message: string) => void) {
    this.#records = records;
    this.#publisher = publisher;
    this.#log = log;
    this.#timer = setInterval(() => void this.#keepAll(), AGAIN_MS);
  }

  /** The sequence number of what is kept; 0 where nothing is. */
  sequence(manifest: Manifest): number {
    return this.#kept.get(repositoryOf(manifest))?.signed.manifest.sequence ?? 0;
  }

  /** Never fails: what can't be put can still be served. */
  async keep(signed: SignedManifest, packs: readonly PackFile[]): Promise<void> {
    this.#kept.set(repositoryOf(signed.manifest), { signed, packs });
    await this.#put({ signed, packs });
  }

  async forget(manifest: Manifest): Promise<void> {
    this.#kept.delete(repositoryOf(manifest));
    this.#failed.delete(repositoryOf(manifest));
    if (!this.#isOwn(manifest)) return;
    await this.#records.forget(manifest.name).catch((error) => this.#complain(error));
  }

  /** Puts what couldn't be put the last time. */
  async again(): Promise<void> {
    for (const repository of [...this.#failed]) {
      const kept = this.#kept.get(repository);
      if (kept) await this.#put(kept);
    }
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    clearInterval(this.#timer);
  }

  async #keepAll(): Promise<void> {
    for (const kept of this.#kept.values()) await this.#put(kept);
  }

  async #put({ signed, packs }: Kept): Promise<void> {
    const work = this.#isOwn(signed.manifest)
      ? this.#records.publish(signed, packs)
      : this.#records.refresh(signed, packs);
    const repository = repositoryOf(signed.manifest);
    this.#failed.delete(repository);
    await work.catch((error) => {
      this.#failed.add(repository);
      this.#complain(error);
    });
  }

  #complain(error: unknown): void {
    if (this.#ended) return;
    this.#log(`can't keep a repository in HyperDHT: ${toGtrError(error).message}`);
  }

  #isOwn({ publisher }: Manifest): boolean {
    return publisher === this.#publisher;
  }
}
