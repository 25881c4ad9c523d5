/**
 * Writing a bundle.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { storeError, syncDirectory } from "../common/atomic_file.ts";
import { GtrError, RequestError, VerificationError } from "../common/errors.ts";
import type { Wait } from "../common/wait.ts";
import { encodeBundleHead, packBytes } from "../manifest/bundle.ts";
import type { SignedManifest } from "../manifest/types.ts";
import { copyPack, writeAll } from "./copy_pack.ts";

/**
 * Writes a manifest and its packs into one file, which appears whole or not at all, in place of one
 * that is there. Progress counts bytes of packs.
 *
 * @param packs the packs' files, in the manifest's order
 * @returns the size of the bundle in bytes
 * @throws {RequestError} "bad-file" if the file can't be written there
 * @throws {StoreError} "disk-full"
 * @throws {VerificationError} "damaged-store" if a pack is not what the manifest says
 */
export async function writeBundle(
  file: string,
  signed: SignedManifest,
  packs: readonly string[],
  wait: Wait,
): Promise<number> {
  const temporary = join(
    dirname(file),
    `.${basename(file)}.${randomBytes(6).toString("hex")}.tmp`,
  );
  try {
    await refuseOther(file);
    const size = await write(temporary, signed, packs, wait);
    await Deno.rename(temporary, file);
    await syncDirectory(dirname(file));
    return size;
  } catch (error) {
    await Deno.remove(temporary).catch(() => {}); // it was never made
    throw explained(file, error);
  }
}

async function write(
  path: string,
  { bytes, signature, manifest }: SignedManifest,
  packs: readonly string[],
  wait: Wait,
): Promise<number> {
  using bundle = await Deno.open(path, { write: true, createNew: true });
  const head = encodeBundleHead({ bytes, signature });
  await writeAll(bundle, head);
  const total = packBytes(manifest);
  let copied = 0;
  for (const [i, pack] of manifest.packs.entries()) {
    using from = await openPack(packs[i]!);
    await copyPack(pack, from, bundle, wait.signal, (n) => {
      wait.progress?.(copied += n, total, "Writing packs");
    }).catch((error) => {
      if (!(error instanceof VerificationError)) throw error;
      throw new VerificationError("damaged-store", error.message, {
        hint: "remove that pack from the store, then fetch or publish it anew",
        cause: error,
      });
    });
  }
  await bundle.sync();
  return head.length + total;
}

async function openPack(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new RequestError("pack-replaced", "a pack was replaced by a newer one meanwhile", {
      hint: "run it again",
      cause,
    });
  }
}

/** Renaming would put a file in the place of a device or of a link to one. */
async function refuseOther(file: string): Promise<void> {
  const info = await Deno.lstat(file).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (!info || info.isFile) return;
  throw new RequestError(
    "bad-file",
    info.isDirectory ? "it is a folder" : "it is not a regular file",
    {
      hint: "name a file that is there not yet",
    },
  );
}

function explained(file: string, error: unknown): unknown {
  const what = `can't write ${file}`;
  if (error instanceof GtrError && error.code === "timed-out") return error;
  if (error instanceof GtrError) {
    const Kind = error instanceof VerificationError ? VerificationError : RequestError;
    return new Kind(error.code, `${what}: ${error.message}`, { hint: error.hint, cause: error });
  }
  const cause = storeError(what, error);
  if (cause.code === "disk-full") return cause;
  const why = error instanceof Deno.errors.NotFound
    ? "there is no such folder"
    : cause.message.replace(`${what}: `, "");
  return new RequestError("bad-file", `${what}: ${why}`, {
    hint: "name a file in a folder that is there and that you may write to",
    cause: error,
  });
}
