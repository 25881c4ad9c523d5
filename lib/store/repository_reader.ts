/**
 * Reading one repository of the store.
 *
 * @module
 */
import { join } from "node:path";
import { storeError } from "../common/atomic_file.ts";
import { VerificationError } from "../common/errors.ts";
import { verifySignature } from "../identity/keys.ts";
import { decodeEnvelope } from "../manifest/envelope.ts";
import { verifyManifest } from "../manifest/manifest.ts";
import type { PackRef, SignedManifest } from "../manifest/types.ts";
import type { PackFile } from "../transports/transport.ts";
import { unbroken } from "./arrange.ts";
import { type Usage, usageOf, usageOfFile } from "./disk_usage.ts";
import type { RepoPaths } from "./repo_paths.ts";
import { namesIn } from "./tidy.ts";
import {
  EMPTY_STATE,
  plannedPacks,
  readState,
  type RepoState,
  settledState,
  without,
} from "./repo_state.ts";

/** HEAD, config, refs, a small manifest and state. */
const SKELETON_BYTES = 4096;

/** What can be known of a stored repository without its lock. */
export class RepositoryReader {
  protected readonly paths: RepoPaths;

  constructor(paths: RepoPaths) {
    this.paths = paths;
  }

  /** The publisher's public key, 64 hex digits. */
  get publisher(): string {
    return this.paths.publisher;
  }
  get name(): string {
    return this.paths.name;
  }
  /** The bare repository. */
  get path(): string {
    return this.paths.root;
  }
  packPath(sha256: string): string {
    return this.paths.pack(sha256);
  }
  /** Where a pack is fetched to, piece by piece. */
  incomingPath(sha256: string): string {
    return this.paths.incomingPack(sha256);
  }
  /** Where packs are made for publication; what a killed process left there is removed. */
  get outgoingPath(): string {
    return this.paths.outgoing;
  }

  /** What this machine had published before another's publication took its place, as objects. */
  get displacedPath(): string {
    return this.paths.displaced;
  }

  /** What its files take, but for the few small ones that every repository has. */
  async usage(seen?: Set<string>): Promise<Usage> {
    const { bytes, freeable } = await usageOf(this.path, seen);
    return {
      bytes: Math.max(0, bytes - SKELETON_BYTES),
      freeable: Math.max(0, freeable - SKELETON_BYTES),
    };
  }

  /** Of that, packs that are being fetched, or were not fetched to their end. */
  async unfinished(): Promise<Usage> {
    return await usageOf(this.paths.incoming);
  }

  /** How many bytes of a pack were fetched: of several files, each of another network, the most. */
  async fetchedBytes({ sha256, size }: Pick<PackRef, "sha256" | "size">): Promise<number> {
    const { incoming } = this.paths;
    const names = (await namesIn(incoming)).filter((name) => name.startsWith(sha256));
    const files = await Promise.all(names.map((name) => usageOfFile(join(incoming, name))));
    return Math.min(size, Math.max(0, ...files.map(({ bytes }) => bytes)));
  }

  async exists(): Promise<boolean> {
    return await fileSize(join(this.path, "HEAD")) !== undefined;
  }

  /**
   * The manifest that was stored last, its signature checked; undefined where there is none.
   *
   * @throws {VerificationError} "damaged-store"
   */
  async manifest(): Promise<SignedManifest | undefined> {
    const path = this.paths.manifest;
    const file = await readIfPresent(path);
    if (file === undefined) return undefined;
    try {
      const { bytes, signature } = decodeEnvelope(file);
      const expect = { publicKey: this.publisher, name: this.name };
      return verifyManifest(bytes, signature, expect, verifySignature);
    } catch (cause) {
      const why = (cause as Error).message;
      throw new VerificationError("damaged-store", `can't read ${path}: ${why}`, {
        hint: "remove the file; the next fetch or publication writes it anew",
        cause,
      });
    }
  }

  /** The same, but undefined where the file is damaged: it is about to be replaced. */
  async usableManifest(): Promise<SignedManifest | undefined> {
    try {
      return await this.manifest();
    } catch (error) {
      if (error instanceof VerificationError) return undefined;
      throw error;
    }
  }

  /**
   * The state, brought up to date with the manifest where a crash kept it from being written, and
   * made from it where the file is lost or damaged.
   *
   * @throws {VerificationError} "damaged-store" where there is no manifest either
   */
  async state(): Promise<RepoState> {
    const manifest = (await this.usableManifest())?.manifest;
    const stored = await readState(this.paths.state).catch((error) => {
      // Without a manifest the state alone knows which sequence numbers were seen.
      if (manifest === undefined || !(error instanceof VerificationError)) throw error;
      return undefined;
    });
    if (manifest === undefined) return stored ?? EMPTY_STATE;
    const state = stored ?? { ...EMPTY_STATE, packs: manifest.packs };
    // A pack is checked before it comes into the object directory, and there before the manifest
    // that lists it is written.
    const packs = plannedPacks(state, manifest);
    const known = [...packs, ...without(manifest.packs, packs)];
    const atHand = await this.whole(known);
    return settledState(state, manifest, atHand.map(({ pack }) => pack));
  }

  /**
   * The highest sequence number ever stored or seen, 0 for none. What was stored is kept twice, so
   * that losing either the manifest or the state loses nothing.
   */
  async highestSequence(): Promise<number> {
    const manifest = (await this.usableManifest())?.manifest;
    if (manifest === undefined) return (await this.state()).sequence;
    const state = await readState(this.paths.state).catch(() => undefined);
    return Math.max(state?.sequence ?? 0, manifest.sequence);
  }

  /** Whether everything is on disk that the refs of the manifest lead to. */
  async isWhole(): Promise<boolean> {
    const { packs } = await this.state();
    const refs = (await this.usableManifest())?.manifest.refs ?? {};
    // The state was lost, and with it what the packs were if the manifest only announces.
    if (packs.length === 0 && Object.keys(refs).length > 0) return false;
    return (await this.whole(packs)).length === packs.length;
  }

  /**
   * All packs that are on disk whole, in an order in which none needs a later one: what a clone
   * is given. They may be others than the manifest's, where those had nothing new.
   */
  async packs(): Promise<PackFile[]> {
    return await this.whole((await this.state()).packs);
  }

  /** The packs of the manifest that are on disk whole, in its order: what can be seeded. */
  async heldPacks(): Promise<PackFile[]> {
    return await this.whole((await this.manifest())?.manifest.packs ?? []);
  }

  /** Object ids that are here together with all they lead to. */
  async heldTips(): Promise<Set<string>> {
    const tips = new Set((await this.completePacks()).flatMap(({ pack }) => pack.tips));
    if (!await this.isWhole()) return tips;
    const manifest = (await this.usableManifest())?.manifest;
    return tips.union(new Set(Object.values(manifest?.refs ?? {})));
  }

  /** The packs that are on disk before the first group that has lost one. */
  protected async completePacks(): Promise<PackFile[]> {
    const { packs } = await this.state();
    const whole = await this.whole(packs);
    const names = new Set(whole.map(({ pack }) => pack.sha256));
    return whole.slice(0, unbroken(packs, names).length);
  }

  /** Packs that no manifest lists any more but that can still be seeded. */
  async retiredPacks(): Promise<PackFile[]> {
    const files: PackFile[] = [];
    for (const { pack } of (await this.state()).retired) {
      const path = this.paths.retiredPack(pack.sha256);
      if (await fileSize(path) === pack.size) files.push({ pack, path });
    }
    return files;
  }

  /** Those of `packs` that are in the object directory in full length and with an index. */
  protected async whole(packs: readonly PackRef[]): Promise<PackFile[]> {
    const files = await Promise.all(packs.map(async (pack) => {
      const path = this.paths.pack(pack.sha256);
      const isWhole = await fileSize(path) === pack.size &&
        await fileSize(this.paths.idx(pack.sha256)) !== undefined;
      return isWhole ? [{ pack, path }] : [];
    }));
    return files.flat();
  }
}

async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw storeError(`can't read ${path}`, error);
  }
}

async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw storeError(`can't read ${path}`, error);
  }
}
