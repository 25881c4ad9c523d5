/**
 * Bundles: repositories that are carried by hand.
 *
 * @module
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import {
  GtrError,
  RequestError,
  StoreError,
  toGtrError,
  VerificationError,
} from "../common/errors.ts";
import type { Wait } from "../common/wait.ts";
import { fetchChecksObjects } from "../git_interface/config.ts";
import { packBytes } from "../manifest/bundle.ts";
import { isAnnounced } from "../manifest/flow.ts";
import type { PackRef, SignedManifest } from "../manifest/types.ts";
import { BundleReader } from "../store/read_bundle.ts";
import type { StoredRepository } from "../store/stored_repository.ts";
import type { PackFile } from "../manifest/pack_file.ts";
import { ANY_NETWORK } from "../transports/known.ts";
import { changeRepository, type EngineParts } from "./parts.ts";
import { fetchAll } from "./fetch/sync.ts";

/** What a bundle is made from. */
export interface BundleParts {
  readonly signed: SignedManifest;
  /** In the manifest's order. */
  readonly packs: readonly PackFile[];
}

/** What importing a bundle came to. */
export interface Imported {
  readonly signed: SignedManifest;
  /** Whether there was anything new in it. */
  readonly changed: boolean;
}

/**
 * Every pack of a stored repository's manifest. One that the store does without, since older packs
 * have its content, is fetched.
 *
 * @throws {RequestError} "only-announced" if the manifest lists no packs
 * @throws {StoreError} "not-stored" if it has left the store meanwhile
 * @throws {NetworkError} a pack is missing and nobody has it
 */
export function bundleParts(
  parts: EngineParts,
  repository: StoredRepository,
  wait: Wait,
): Promise<BundleParts> {
  return changeRepository(parts, repository, wait, async () => {
    const signed = await repository.manifest();
    if (!signed) {
      throw new StoreError("not-stored", `can't bundle ${repository.name}: it is not stored here`, {
        hint: "it was removed meanwhile: run it again",
      });
    }
    if (isAnnounced(signed.manifest)) {
      throw new RequestError(
        "only-announced",
        `can't bundle ${repository.name}: its publisher signs no packs of it, only its refs`,
        { hint: "git bundle makes a file of a clone; it carries no signature" },
      );
    }
    const missing = without(signed.manifest.packs, await repository.heldPacks());
    if (missing.length > 0) {
      using room = await parts.quota.reserve(repository, signed.manifest, missing);
      const signal = AbortSignal.any([wait.signal, room.signal]);
      const what = { missing, spare: room.spare };
      const fetched = await fetchAll(parts, repository, signed, what, { ...wait, signal });
      const strict = await fetchChecksObjects(signal);
      await repository.accept(signed, fetched, { ...wait, signal, strict });
    }
    return { signed, packs: await repository.heldPacks() };
  });
}

/**
 * Brings what a bundle holds into the store, checked as what a network delivers is, follows it from
 * then on, and offers it to the networks. Progress counts bytes of packs.
 *
 * @param file absolute path
 * @throws {RequestError} "bad-file" if there is no file that can be read
 * @throws {VerificationError} "bad-bundle", "rolled-back" if it is older than what was seen here,
 * and all that the store's `accept` throws; nothing has changed then
 * @throws {RequestError} "over-quota"
 * @throws {StoreError} "disk-full"
 */
export async function importBundle(
  parts: EngineParts,
  file: string,
  wait: Wait,
): Promise<Imported> {
  try {
    using bundle = await BundleReader.open(file);
    const { signed } = bundle;
    const repository = parts.store.repository(signed.manifest.publisher, signed.manifest.name);
    const changed = await changeRepository(
      parts,
      repository,
      wait,
      () => acceptBundle(parts, repository, bundle, wait),
    );
    const { publisher, name } = repository;
    if (publisher !== parts.key.publicKeyHex) {
      const scheme = parts.networks[0]?.scheme ?? ANY_NETWORK;
      await parts.follows.add({ scheme, publisher, name }, wait.signal);
    }
    void parts.seeder.offer(repository).catch((error) =>
      parts.log(`can't seed ${repository.name}: ${toGtrError(error).message}`)
    );
    if (changed) parts.log(`imported ${repository.name}: publication ${signed.manifest.sequence}`);
    return { signed, changed };
  } catch (error) {
    if (error instanceof VerificationError) parts.dropped.add(error.code);
    throw explained(file, error);
  }
}

async function acceptBundle(
  parts: EngineParts,
  repository: StoredRepository,
  bundle: BundleReader,
  asked: Wait,
): Promise<boolean> {
  const { signed } = bundle;
  const { manifest } = signed;
  const highest = await repository.highestSequence();
  if (manifest.sequence < highest) {
    throw new VerificationError(
      "rolled-back",
      `it holds publication ${manifest.sequence} of ${manifest.name}, older than ${highest} seen ` +
        "here before",
      { hint: "export a newer one; what is here stays as it is" },
    );
  }
  const held = await repository.heldPacks().catch(() => []); // a damaged manifest is replaced
  const current = await repository.usableManifest();
  const missing = without(manifest.packs, held);
  const same = current?.manifest.sequence === manifest.sequence &&
    current.bytes.every((byte, i) => byte === signed.bytes[i]);
  if (same && missing.length === 0) return false;

  using room = await parts.quota.reserve(repository, manifest, missing);
  const wait = { ...asked, signal: AbortSignal.any([asked.signal, room.signal]) };
  const existed = await repository.exists();
  const fetched = missing.map((pack) => ({ pack, path: repository.incomingPath(pack.sha256) }));
  try {
    await repository.create(manifest.objectFormat);
    await extractAll(bundle, fetched, wait);
    const strict = await fetchChecksObjects(wait.signal);
    await repository.accept(signed, fetched, { ...wait, strict });
  } catch (error) {
    // Nothing of a bundle is resumed: it is all there, or copied again.
    for (const { path } of fetched) await Deno.remove(path).catch(() => {});
    if (!existed) await repository.purge();
    throw error;
  }
  return true;
}

async function extractAll(
  bundle: BundleReader,
  files: readonly PackFile[],
  wait: Wait,
): Promise<void> {
  const total = packBytes({ packs: files.map(({ pack }) => pack) });
  let copied = 0;
  for (const { pack, path } of files) {
    await mkdir(dirname(path), { recursive: true });
    await bundle.extract(pack, path, wait.signal, (n) => {
      wait.progress?.(copied += n, total, "Reading packs");
    });
  }
}

function without(packs: readonly PackRef[], files: readonly PackFile[]): PackRef[] {
  const here = new Set(files.map(({ pack }) => pack.sha256));
  return packs.filter(({ sha256 }) => !here.has(sha256));
}

/** Says which file it was; hints of the network's errors are for packs that can be fetched again. */
function explained(file: string, error: unknown): unknown {
  if (!(error instanceof GtrError) || error.code === "timed-out") return error;
  const what = `can't import ${file}`;
  if (error instanceof StoreError) {
    return new StoreError(error.code, `${what}: ${error.message}`, {
      hint: error.hint,
      cause: error,
    });
  }
  const refetch = ["wrong-pack", "bad-pack", "missing-objects", "bad-refs", "bad-manifest"];
  const hint = refetch.includes(error.code) || error.hint === undefined
    ? "copy it again from where it came; if that doesn't help, it was made wrong"
    : error.hint;
  const Kind = error instanceof VerificationError ? VerificationError : GtrError;
  return new Kind(error.code, `${what}: ${error.message}`, { hint, cause: error });
}
