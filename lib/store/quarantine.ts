/**
 * Checking packs aside, before any git process that serves the store can see them.
 *
 * @module
 */
import { join } from "node:path";
import { VerificationError } from "../common/errors.ts";
import type { Wait } from "../common/wait.ts";
import { OverBudgetError, unpackBudget } from "../git_interface/budget.ts";
import { objectTypes } from "../git_interface/connectivity.ts";
import { indexPack } from "../git_interface/index_pack.ts";
import { explained } from "../git_interface/os_error.ts";
import type { Manifest, PackRef } from "../manifest/types.ts";
import { takeFile, type TakenPack } from "./intake.ts";
import type { RepoPaths } from "./repo_paths.ts";
import { remove } from "./tidy.ts";

/** How packs are checked. */
export interface Checks extends Wait {
  /** Also make the checks of `transfer.fsckObjects`. */
  readonly strict: boolean;
  /** Within a budget that fits each pack's size. */
  readonly bounded?: boolean;
}

/**
 * An object directory that holds exactly the packs it was given. Dispose it to remove it.
 *
 * Packs are added in order, and each may name only objects of itself, of those before it, and of
 * those that were made as one with it. By induction nothing is missing behind any object that exists,
 * so that complete history takes no walk: it is enough that the refs exist.
 */
export class Quarantine implements AsyncDisposable {
  readonly #gitDir: string;
  readonly #root: string;

  private constructor(gitDir: string, root: string) {
    this.#gitDir = gitDir;
    this.#root = root;
  }

  /** The object directory. */
  get objectDirectory(): string {
    return this.#root;
  }

  static async open(paths: RepoPaths): Promise<Quarantine> {
    const root = paths.quarantine();
    try {
      await Deno.mkdir(join(root, "pack"), { recursive: true });
    } catch (error) {
      throw explained(`can't make ${root}`, error);
    }
    return new Quarantine(paths.root, root);
  }

  /**
   * Adds the next pack: the file at `path`, compared with what is known of the pack, checked and
   * indexed.
   *
   * @returns a copy of the file and its index, flushed to disk, which last as long as the quarantine
   * @throws {VerificationError} "wrong-pack", "bad-pack", "missing-objects", "over-budget"
   */
  async add(
    pack: PackRef,
    path: string,
    options: Checks,
  ): Promise<TakenPack> {
    return await this.#take(pack, path, { ...options, connected: true });
  }

  /**
   * Adds a pack that may name objects of packs to come. Once these are here, {@linkcode finish} has
   * to be called if this says `open`.
   *
   * @param options `likely`: that it names such objects, so that it isn't tried whether it does
   * @throws {VerificationError} "wrong-pack", "bad-pack"
   */
  async addPart(
    pack: PackRef,
    path: string,
    { likely, ...options }: Checks & { readonly likely: boolean },
  ): Promise<TakenPack & { readonly open: boolean }> {
    if (!likely) {
      try {
        const taken = await this.#take(pack, path, { ...options, connected: true });
        return { ...taken, open: false };
      } catch (error) {
        if (!(error instanceof VerificationError) || error.code !== "missing-objects") throw error;
      }
    }
    await remove(`${this.#base(pack)}.pack`); // what the attempt left
    const unchecked = { ...options, strict: false, connected: false };
    return { ...await this.#take(pack, path, unchecked), open: true };
  }

  /**
   * Makes the checks of {@linkcode add} that had to wait for other packs.
   *
   * @throws {VerificationError} "bad-pack", "missing-objects", "over-budget"
   */
  async finish(pack: PackRef, options: Checks): Promise<void> {
    const base = this.#base(pack);
    await remove(`${base}.idx`); // else git compares each object with itself
    await indexPack({
      gitDir: this.#gitDir,
      objectDirectory: this.#root,
      pack: `${base}.pack`,
      idx: `${base}.idx`,
      connected: true,
      budget: options.bounded ? unpackBudget(pack.size) : undefined,
      ...options,
    }).catch((error) => {
      throw error instanceof OverBudgetError ? error.of(pack.sha256) : error;
    });
  }

  /** Adds the next pack as one that went through {@linkcode add} with the same packs before it. */
  async addTrusted(pack: PackRef, path: string, idx: string): Promise<void> {
    await Deno.symlink(path, `${this.#base(pack)}.pack`);
    await Deno.symlink(idx, `${this.#base(pack)}.idx`);
  }

  /**
   * Checks that all that a manifest's refs and packs lead to is here, and that branches lead to
   * commits.
   *
   * @throws {VerificationError} "missing-objects", "bad-refs"
   */
  async checkTips(manifest: Manifest, signal: AbortSignal): Promise<void> {
    const present = await this.checkRefs(manifest, signal);
    const lost = manifest.packs.flatMap(({ tips }) => tips).find((oid) => !present.has(oid));
    if (lost) throw missing(`${lost}, a tip of a pack`);
  }

  /**
   * Checks that all that a manifest's refs lead to is here, and that branches lead to commits.
   *
   * @returns those object ids, and those tips of its packs that are here
   * @throws {VerificationError} "missing-objects", "bad-refs"
   */
  async checkRefs(manifest: Manifest, signal: AbortSignal): Promise<Set<string>> {
    const refs = Object.entries(manifest.refs);
    const tips = manifest.packs.flatMap((pack) => pack.tips);
    const types = await objectTypes(
      this.#gitDir,
      new Set([...refs.map(([, oid]) => oid), ...tips]),
      { objectDirectory: this.#root, signal },
    );
    for (const [name, oid] of refs) {
      const type = types.get(oid);
      if (type === undefined) throw missing(`${oid}, which ${name} leads to`);
      if (name.startsWith("refs/heads/") && type !== "commit") {
        throw new VerificationError("bad-refs", `can't use ${name}: it leads to a ${type}`);
      }
    }
    return new Set(types.keys());
  }

  async #take(
    pack: PackRef,
    path: string,
    options: Checks & { readonly connected: boolean },
  ): Promise<TakenPack> {
    return await takeFile(path, {
      gitDir: this.#gitDir,
      objectDirectory: this.#root,
      pack,
      ...options,
    });
  }

  #base(pack: PackRef): string {
    return join(this.#root, "pack", `pack-${pack.sha256}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await remove(this.#root);
  }
}

function missing(what: string): VerificationError {
  return new VerificationError("missing-objects", `the packs lack ${what}`, {
    hint: "the publisher's packs are incomplete; tell them to run 'gtr share' again",
  });
}
