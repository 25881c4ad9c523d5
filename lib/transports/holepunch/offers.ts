/**
 * What this node serves: the repositories that were announced and the packs that are seeded.
 *
 * @module
 */
import { encodeEnvelope } from "../../manifest/envelope.ts";
import type { Manifest, SignedManifest } from "../../manifest/types.ts";
import { type ServedPack, ServedPacks } from "../shared/served_packs.ts";
import type { PackFile } from "../../manifest/pack_file.ts";
import { repositoryOf } from "./topic.ts";

/** A repository that is served. */
export interface Offer {
  readonly signed: SignedManifest;
  /** The file form of the manifest. */
  readonly envelope: Uint8Array;
}

/** The repositories and packs that may be asked for; nothing else can be. */
export class Offers {
  /** "<id>/<name>" -> repository. */
  readonly #repositories = new Map<string, Offer>();
  readonly #packs = new ServedPacks();

  /** Of two manifests the one with the higher sequence stays. */
  announce(signed: SignedManifest): void {
    const key = repositoryOf(signed.manifest);
    const before = this.#repositories.get(key)?.signed.manifest.sequence ?? 0;
    if (before > signed.manifest.sequence) return;
    this.#repositories.set(key, { signed, envelope: encodeEnvelope(signed) });
  }

  forget(manifest: Manifest): void {
    this.#repositories.delete(repositoryOf(manifest));
  }

  /** @returns what takes the file back */
  seed(file: PackFile): () => void {
    return this.#packs.add(file);
  }

  repository(id: string, name: string): Offer | undefined {
    return this.#repositories.get(`${id}/${name}`);
  }

  pack(sha256: string): ServedPack | undefined {
    return this.#packs.get(sha256);
  }
}
