/**
 * Indexing a pack while it is still arriving, so that a first clone does not wait twice.
 *
 * @module
 */
import { join } from "node:path";
import { abortable } from "../common/wait.ts";
import { spawnGit } from "../git_interface/run.ts";
import { indexPackArguments } from "../git_interface/index_pack.ts";
import { packTrailer } from "../git_interface/pack_file.ts";
import type { PackRef } from "../manifest/types.ts";
import { checkPackFile } from "./pack_check.ts";
import type { RepoPaths } from "./repo_paths.ts";
import { remove } from "./tidy.ts";

/** Bytes handed to git at a time. */
const CHUNK_BYTES = 1 << 20;

/**
 * Feeds the part of a file that is there to `git index-pack`. git keeps a copy of its own
 * meanwhile; only the index of it is used. Dispose it to remove what it made.
 *
 * This is a head start and no more: if git fails, {@linkcode EarlyIndex.finish} says so with
 * undefined, and the pack is indexed like any other, with that failure told.
 */
export class EarlyIndex implements AsyncDisposable {
  readonly pack: PackRef;
  readonly #path: string;
  readonly #root: string;
  readonly #stop = new AbortController();
  readonly #run: Promise<string | undefined>;
  #available = 0;
  #more = Promise.withResolvers<void>();

  private constructor(paths: RepoPaths, pack: PackRef, strict: boolean) {
    this.pack = pack;
    this.#path = paths.incomingPack(pack.sha256);
    this.#root = paths.quarantine();
    this.#run = this.#index(paths.root, strict).catch(() => undefined);
  }

  /**
   * Starts to index the first pack of an empty repository.
   *
   * @param pack fetched to the incoming path of `paths`
   * @param strict also make the checks of `transfer.fsckObjects`
   */
  static start(paths: RepoPaths, pack: PackRef, strict: boolean): EarlyIndex {
    return new EarlyIndex(paths, pack, strict);
  }

  /** So many bytes from the start of the file are there, and most likely right. */
  advance(bytes: number): void {
    if (bytes <= this.#available) return;
    this.#available = bytes;
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }

  /**
   * To be called when the whole file has arrived. Checks it while git goes on.
   *
   * @returns the path of the index, which lasts until this is disposed of; undefined where the file
   * could not be indexed
   * @throws {VerificationError} "wrong-pack", "bad-pack" where the file is not the pack
   */
  async finish(signal: AbortSignal): Promise<string | undefined> {
    this.advance(this.pack.size);
    await checkPackFile(this.#path, this.pack, signal);
    const index = await abortable(this.#run, signal);
    if (index === undefined) return undefined;
    // What git was fed may have been another pack, before the right one took its place.
    return await packTrailer(this.#path, index).then(() => index, () => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#more.resolve();
    await this.#run;
    await remove(this.#root);
  }

  async #index(gitDir: string, strict: boolean): Promise<string | undefined> {
    const folder = join(this.#root, "pack");
    await Deno.mkdir(folder, { recursive: true });
    const base = join(folder, `pack-${this.pack.sha256}`);
    const git = await spawnGit([
      ...["-c", "core.fsync=pack-metadata"], // the copy of the pack is thrown away
      ...indexPackArguments({ strict, connected: true, idx: `${base}.idx` }),
      ...["--stdin", `${base}.pack`],
    ], { gitDir, objectDirectory: this.#root, signal: this.#stop.signal });
    const output = git.stdout.pipeTo(new WritableStream());
    await this.#feed(git.stdin.getWriter());
    const [end] = await Promise.all([git.ended, output]);
    return end.code === 0 ? `${base}.idx` : undefined;
  }

  async #feed(stdin: WritableStreamDefaultWriter<Uint8Array>): Promise<void> {
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
        await stdin.write(wanted.subarray(0, n));
        done += n;
      }
    }
    await stdin.close();
  }
}
