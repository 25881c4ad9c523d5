/**
 * The one way by which the bytes of a pack from elsewhere come into the store.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { storeError } from "../common/atomic_file.ts";
import { VerificationError } from "../common/errors.ts";
import type { Progress } from "../common/wait.ts";
import { OverBudgetError, unpackBudget } from "../git_interface/budget.ts";
import { type IncomingPack, indexIncoming } from "../git_interface/index_pack.ts";
import { objectCount } from "../git_interface/pack_file.ts";
import type { PackRef } from "../manifest/types.ts";

/** Bytes read from a file and handed to git at a time: large reads hash at full speed. */
export const CHUNK_BYTES = 1 << 20;
const HEADER_BYTES = 12;

/** How a pack is taken in, and where. */
export interface IntakeOptions {
  /** The store's repository. */
  readonly gitDir: string;
  /** The pack comes into its folder `pack`. */
  readonly objectDirectory: string;
  readonly pack: PackRef;
  /** Also make the checks of `transfer.fsckObjects`. */
  readonly strict: boolean;
  /** Every object that an object of the pack names must exist. */
  readonly connected: boolean;
  /** Within a budget that fits its size. */
  readonly bounded?: boolean;
  readonly signal: AbortSignal;
  /** Told of git's progress with indexing. */
  readonly progress?: Progress;
}

/** A pack and its index, both written by git from the bytes that were hashed. */
export interface TakenPack {
  readonly packPath: string;
  readonly idxPath: string;
}

/**
 * Hashes bytes and gives the same bytes to `git index-pack`, which checks them and writes them to a
 * pack of its own. That pack is what is kept: so what was hashed, what was checked and what is used
 * can't differ, whatever happens meanwhile to the file that the bytes were read from.
 */
export class Intake implements AsyncDisposable {
  readonly #pack: PackRef;
  readonly #git: IncomingPack;
  readonly #stop: AbortController;
  readonly #hash = createHash("sha256");
  readonly #header = new Uint8Array(HEADER_BYTES);
  #bytes = 0;

  private constructor(pack: PackRef, git: IncomingPack, stop: AbortController) {
    this.#pack = pack;
    this.#git = git;
    this.#stop = stop;
  }

  static async begin({ pack, signal, bounded, ...options }: IntakeOptions): Promise<Intake> {
    const stop = new AbortController();
    const git = await indexIncoming({
      ...options,
      size: pack.size,
      name: `pack-${pack.sha256}`,
      budget: bounded ? unpackBudget(pack.size) : undefined,
      signal: AbortSignal.any([signal, stop.signal]),
    });
    return new Intake(pack, git, stop);
  }

  /** Takes the next bytes in; the buffer may be used again once this resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#bytes < HEADER_BYTES) {
      this.#header.set(bytes.subarray(0, HEADER_BYTES - this.#bytes), this.#bytes);
    }
    this.#bytes += bytes.length;
    this.#hash.update(bytes);
    await this.#git.write(bytes);
  }

  /**
   * To be called after the last byte.
   *
   * @throws {VerificationError} "wrong-pack" if the bytes are not those of the pack; "bad-pack" or
   * "missing-objects" if they are, but git rejects them; "over-budget"
   */
  async end(): Promise<TakenPack> {
    const { size, sha256, objects } = this.#pack;
    if (this.#bytes !== size) {
      throw wrongPack(this.#pack, `${this.#bytes} bytes instead of ${size}`);
    }
    const found = this.#hash.digest("hex");
    if (found !== sha256) throw wrongPack(this.#pack, `its SHA-256 is ${found}`);
    const counted = objectCount(this.#header, `pack ${sha256}`);
    if (counted !== objects) {
      throw wrongPack(this.#pack, `${counted} objects instead of ${objects}`);
    }
    try {
      return await this.#git.end();
    } catch (error) {
      // Not before it is known that these are the bytes of the pack, and no peer's.
      throw error instanceof OverBudgetError ? error.of(sha256) : error;
    }
  }

  /** Ends git, if it still works. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#git.end().catch(() => {});
  }
}

/**
 * Takes a whole file in.
 *
 * @throws {VerificationError} as {@linkcode Intake.end}
 */
export async function takeFile(path: string, options: IntakeOptions): Promise<TakenPack> {
  using file = await open(path, options.pack);
  await using intake = await Intake.begin(options);
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let n = await file.read(buffer); n !== null; n = await file.read(buffer)) {
    options.signal.throwIfAborted();
    await intake.write(buffer.subarray(0, n));
  }
  return await intake.end();
}

async function open(path: string, pack: PackRef): Promise<Deno.FsFile> {
  try {
    const { size } = await Deno.stat(path);
    if (size !== pack.size) throw wrongPack(pack, `${size} bytes instead of ${pack.size}`);
    return await Deno.open(path);
  } catch (error) {
    if (error instanceof VerificationError) throw error;
    if (error instanceof Deno.errors.NotFound) throw wrongPack(pack, "there is no such file");
    throw storeError(`can't read ${path}`, error);
  }
}

function wrongPack({ sha256 }: PackRef, why: string): VerificationError {
  return new VerificationError("wrong-pack", `can't use pack ${sha256}: ${why}`, {
    hint: "run it again; it will be fetched anew",
  });
}
