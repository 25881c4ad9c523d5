/**
 * Taking in a pack while it is still arriving, so that a first clone does not wait twice.
 *
 * @module
 */
import { join } from "node:path";
import { abortable, type Progress } from "../common/wait.ts";
import { OverBudgetError } from "../git_interface/budget.ts";
import type { PackRef } from "../manifest/types.ts";
import { CHUNK_BYTES, Intake, type TakenPack } from "./intake.ts";
import type { RepoPaths } from "./repo_paths.ts";
import { remove } from "./tidy.ts";

/** How a pack is taken in early. */
export interface EarlyOptions {
  /** Also make the checks of `transfer.fsckObjects`. */
  readonly strict: boolean | Promise<boolean>;
  /** Within a budget that fits its size. */
  readonly bounded?: boolean;
  /** Told of git's progress once the whole file has arrived. */
  readonly progress?: Progress;
}

/**
 * Takes in the part of a file that is there. Dispose it to remove what it made and is still there.
 *
 * This is a head start and no more: what is read of a growing file may be anything. If it doesn't
 * come to the pack, {@linkcode EarlyIndex.finish} says so with undefined, and the file is taken in
 * once it is whole.
 */
export class EarlyIndex implements AsyncDisposable {
  readonly pack: PackRef;
  readonly #path: string;
  readonly #root: string;
  readonly #stop = new AbortController();
  readonly #run: Promise<TakenPack | undefined>;
  #over?: OverBudgetError;
  #isWhole = false;
  #available = 0;
  #more = Promise.withResolvers<void>();

  private constructor(paths: RepoPaths, pack: PackRef, options: EarlyOptions) {
    this.pack = pack;
    this.#path = paths.incomingPack(pack.sha256);
    this.#root = paths.quarantine();
    this.#run = this.#take(paths.root, options).catch(async (error) => {
      await remove(this.#root).catch(() => {}); // the disk may be full
      // Of the right bytes: another attempt would end as this one.
      if (error instanceof OverBudgetError) this.#over = error;
      return undefined;
    });
  }

  /**
   * Starts to take in the first pack of an empty repository.
   *
   * @param pack fetched to the incoming path of `paths`
   */
  static start(paths: RepoPaths, pack: PackRef, options: EarlyOptions): EarlyIndex {
    return new EarlyIndex(paths, pack, options);
  }

  /** So many bytes from the start of the file are there, and most likely right. */
  advance(bytes: number): void {
    if (bytes <= this.#available) return;
    this.#available = bytes;
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }

  /**
   * To be called when the whole file has arrived.
   *
   * @returns the pack and its index, which last until this is disposed of; undefined if what was
   * read is not the pack, or git rejects it
   * @throws {OverBudgetError}
   */
  async finish(signal: AbortSignal): Promise<TakenPack | undefined> {
    this.#isWhole = true;
    this.advance(this.pack.size);
    const taken = await abortable(this.#run, signal);
    if (this.#over) throw this.#over;
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#more.resolve();
    await this.#run;
    await remove(this.#root);
  }

  async #take(gitDir: string, { strict, bounded, progress }: EarlyOptions): Promise<TakenPack> {
    const report: Progress | undefined = progress &&
      ((done, total, what) => this.#isWhole && progress(done, total, what));
    await Deno.mkdir(join(this.#root, "pack"), { recursive: true });
    await using intake = await Intake.begin({
      gitDir,
      objectDirectory: this.#root,
      pack: this.pack,
      strict: await strict,
      bounded,
      connected: true,
      signal: this.#stop.signal,
      progress: report,
    });
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (let done = 0; done < this.pack.size;) {
      while (this.#available <= done) {
        await this.#more.promise;
        this.#stop.signal.throwIfAborted();
      }
      // Opened anew: another source may have put a whole file in the place of the growing one.
      using file = await Deno.open(this.#path);
      await file.seek(done, Deno.SeekMode.Start);
      while (done < this.#available) {
        const wanted = buffer.subarray(0, Math.min(CHUNK_BYTES, this.#available - done));
        const n = await file.read(wanted);
        if (n === null) throw new Error("the file is shorter than was said");
        await intake.write(wanted.subarray(0, n));
        done += n;
      }
    }
    return await intake.end();
  }
}
