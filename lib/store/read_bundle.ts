/**
 * Reading a bundle. Nothing in it is believed: its manifest is verified here, its packs when the
 * store accepts them.
 *
 * @module
 */
import { storeError } from "../common/atomic_file.ts";
import { RequestError, VerificationError } from "../common/errors.ts";
import { readAt } from "../common/read_at.ts";
import { verifySignature } from "../identity/keys.ts";
import { decodeBundleLine, MAX_BUNDLE_LINE, packBytes } from "../manifest/bundle.ts";
import { decodeEnvelope } from "../manifest/envelope.ts";
import { verifyManifest } from "../manifest/manifest.ts";
import type { PackRef, SignedManifest } from "../manifest/types.ts";
import { copyPack } from "./copy_pack.ts";

/** An open bundle. Dispose it to close the file. */
export class BundleReader implements Disposable {
  /** Its signature is right; whose it is, its reader decides. */
  readonly signed: SignedManifest;
  readonly #file: Deno.FsFile;
  /** Where the first pack begins. */
  readonly #start: number;

  private constructor(file: Deno.FsFile, signed: SignedManifest, start: number) {
    this.#file = file;
    this.signed = signed;
    this.#start = start;
  }

  /**
   * Opens a bundle, verifies its manifest, and checks that it is as long as that says.
   *
   * @throws {RequestError} "bad-file" if there is no file that can be read
   * @throws {VerificationError} "bad-bundle", or what `verifyManifest` throws
   */
  static async open(path: string): Promise<BundleReader> {
    const file = await openFile(path);
    try {
      const { offset, length } = decodeBundleLine(await readAt(file, 0, MAX_BUNDLE_LINE));
      const envelope = await readAt(file, offset, length);
      const { size } = await file.stat();
      if (envelope.length < length) throw wrongSize(size, offset + length);
      const { bytes, signature } = decodeEnvelope(envelope);
      const signed = verifyManifest(bytes, signature, {}, verifySignature);
      const start = offset + length;
      const expected = start + packBytes(signed.manifest);
      if (size !== expected) throw wrongSize(size, expected);
      return new BundleReader(file, signed, start);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * Copies one pack into a file, anew; none is left if that fails.
   *
   * @param moved told how many bytes more were copied
   * @throws {VerificationError} "wrong-pack"
   * @throws {StoreError} "disk-full"
   */
  async extract(
    pack: PackRef,
    into: string,
    signal: AbortSignal,
    moved?: (bytes: number) => void,
  ): Promise<void> {
    const { packs } = this.signed.manifest;
    const before = packs.slice(0, packs.findIndex(({ sha256 }) => sha256 === pack.sha256));
    await this.#file.seek(this.#start + packBytes({ packs: before }), Deno.SeekMode.Start);
    try {
      using to = await Deno.open(into, { write: true, create: true, truncate: true });
      await copyPack(pack, this.#file, to, signal, moved);
    } catch (error) {
      await Deno.remove(into).catch(() => {}); // it was never made
      if (error instanceof VerificationError || signal.aborted) throw error;
      throw storeError(`can't write ${into}`, error);
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

async function openFile(path: string): Promise<Deno.FsFile> {
  const bad = (why: string, cause?: unknown) =>
    new RequestError("bad-file", why, { hint: "name a file that gtr bundle export made", cause });
  try {
    // Opening anything else, a pipe say, could wait for ever.
    if (!(await Deno.stat(path)).isFile) throw bad("it is not a regular file");
    return await Deno.open(path);
  } catch (error) {
    if (error instanceof RequestError) throw error;
    if (error instanceof Deno.errors.NotFound) throw bad("there is no such file", error);
    throw bad((error as Error).message, error);
  }
}

function wrongSize(size: number, expected: number): VerificationError {
  const why = size < expected ? "it is cut short" : "something was added to it";
  return new VerificationError(
    "bad-bundle",
    `${why}: ${size} bytes instead of ${size < expected ? "at least " : ""}${expected}`,
    { hint: "copy it again from where it came" },
  );
}
