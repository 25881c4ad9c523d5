/**
 * Reading one repository of the store.
 *
 * @module
 */
import { join } from "node:path";
import { storeError } from "../common/atomic_file.ts";
import { VerificationError } from "../common/errors.ts";
import { decodeEnvelope } from "../manifest/envelope.ts";
import { verifyManifest, type VerifySignature } from "../manifest/manifest.ts";
import type { PackRef, SignedManifest } from "../manifest/types.ts";
import type { PackFile } from "../manifest/pack_file.ts";
import { type Usage, usageOf, usageOfFile } from "./disk_usage.ts";
import { ParsedFiles } from "./parsed_files.ts";
import type { RepoPaths } from "./repo_paths.ts";
import { namesIn } from "./tidy.ts";
import {
  EMPTY_STATE,
  parseState,
  plannedPacks,
  type RepoState,
  settledState,
  without,
} from "./repo_state.ts";
import { heldTips, isWhole, type Snapshot } from "./snapshot.ts";

/** HEAD, config, refs, a small manifest and state. */
const SKELETON_BYTES = 4096;

/** The manifests and states of the store as they were read last; all repositories share one. */
export class KnownFiles {
  readonly manifests = new ParsedFiles<SignedManifest>();
  readonly states = new ParsedFiles<RepoState>();

  constructor(readonly verify: VerifySignature) {}
}

/** What can be known of a stored repository without its lock. */
export class RepositoryReader {
  protected readonly paths: RepoPaths;
  readonly #known: KnownFiles;

  constructor(paths: RepoPaths, known: KnownFiles) {
    this.paths = paths;
    this.#known = known;
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
   * The manifest that was stored last, its signature checked; undefined if there is none.
   *
   * @throws {VerificationError} "damaged-store"
   */
  async manifest(): Promise<SignedManifest | undefined> {
    const path = this.paths.manifest;
    return await this.#known.manifests.read(path, (file) => {
      try {
        const { bytes, signature } = decodeEnvelope(file);
        const expect = { publicKey: this.publisher, name: this.name };
        return verifyManifest(bytes, signature, expect, this.#known.verify);
      } catch (cause) {
        const why = (cause as Error).message;
        throw new VerificationError("damaged-store", `can't read ${path}: ${why}`, {
          hint: "remove the file; the next fetch or publication writes it anew",
          cause,
        });
      }
    });
  }

  /** The same, but undefined if the file is damaged: it is about to be replaced. */
  async usableManifest(): Promise<SignedManifest | undefined> {
    try {
      return await this.manifest();
    } catch (error) {
      if (error instanceof VerificationError) return undefined;
      throw error;
    }
  }

  /**
   * Manifest, state and packs as they are now.
   *
   * @throws {VerificationError} "damaged-store" if the state can't be read and there is no manifest
   */
  async snapshot(): Promise<Snapshot> {
    const signed = await this.usableManifest();
    const manifest = signed?.manifest;
    const stored = await this.#storedState().catch((error) => {
      // Without a manifest the state alone knows which sequence numbers were seen.
      if (manifest === undefined || !(error instanceof VerificationError)) throw error;
      return undefined;
    });
    if (manifest === undefined) {
      const state = stored ?? EMPTY_STATE;
      return { signed, state, packs: await this.whole(state.packs) };
    }
    const before = stored ?? { ...EMPTY_STATE, packs: manifest.packs };
    // A pack is checked before it comes into the object directory, and there before the manifest
    // that lists it is written.
    const planned = plannedPacks(before, manifest);
    const atHand = await this.whole([...planned, ...without(manifest.packs, planned)]);
    const state = settledState(before, manifest, atHand.map(({ pack }) => pack));
    const paths = new Map(atHand.map(({ pack, path }) => [pack.sha256, path]));
    const packs = state.packs.flatMap((pack) => {
      const path = paths.get(pack.sha256);
      return path === undefined ? [] : [{ pack, path }];
    });
    return { signed, state, packs };
  }

  /** @throws {VerificationError} "damaged-store", as {@linkcode snapshot} */
  async state(): Promise<RepoState> {
    return (await this.snapshot()).state;
  }

  /**
   * The highest sequence number ever stored or seen, 0 for none. What was stored is kept twice, so
   * that losing either the manifest or the state loses nothing.
   */
  async highestSequence(): Promise<number> {
    const manifest = (await this.usableManifest())?.manifest;
    if (manifest === undefined) return (await this.#storedState() ?? EMPTY_STATE).sequence;
    const state = await this.#storedState().catch(() => undefined);
    return Math.max(state?.sequence ?? 0, manifest.sequence);
  }

  /** Whether everything is on disk that the refs of the manifest lead to. */
  async isWhole(): Promise<boolean> {
    return isWhole(await this.snapshot());
  }

  /** See {@linkcode Snapshot.packs}. */
  async packs(): Promise<readonly PackFile[]> {
    return (await this.snapshot()).packs;
  }

  /** The packs of the manifest that are on disk whole, in its order: what can be seeded. */
  async heldPacks(): Promise<PackFile[]> {
    return await this.whole((await this.manifest())?.manifest.packs ?? []);
  }

  /** Object ids that are here together with all they lead to. */
  async heldTips(): Promise<Set<string>> {
    return heldTips(await this.snapshot());
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

  async #storedState(): Promise<RepoState | undefined> {
    const path = this.paths.state;
    return await this.#known.states.read(
      path,
      (bytes) => parseState(path, new TextDecoder().decode(bytes)),
    );
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
