/**
 * What this node serves: the repositories that were announced and the packs that are seeded.
 *
 * @module
 */
import { createReadStream } from "node:fs";
import { encodeEnvelope } from "../../manifest/envelope.ts";
import { PackHasher } from "../../manifest/pack_torrent.ts";
import type { Manifest, SignedManifest } from "../../manifest/types.ts";
import type { PackFile } from "../transport.ts";
import { repositoryOf } from "./topic.ts";

/** A repository that is served. */
export interface Offer {
  readonly signed: SignedManifest;
  /** The file form of the manifest. */
  readonly envelope: Uint8Array;
}

/** A pack that is served. */
export interface OfferedPack extends PackFile {
  /** SHA-1 of each piece. Reads the whole pack at the first call. */
  readonly pieces: () => Promise<Uint8Array>;
}

/** The repositories and packs that may be asked for; nothing else can be. */
export class Offers {
  /** "<id>/<name>" -> repository. */
  readonly #repositories = new Map<string, Offer>();
  /** SHA-256 -> the files that hold the pack. */
  readonly #packs = new Map<string, readonly OfferedPack[]>();

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
  seed({ pack, path }: PackFile): () => void {
    let pieces: Promise<Uint8Array> | undefined;
    const offered: OfferedPack = {
      pack,
      path,
      // Kept from the first peer on: it takes reading the whole pack, and is small.
      pieces: () =>
        pieces ??= readPieces(pack.size, path).catch((error) => {
          pieces = undefined;
          throw error;
        }),
    };
    const { sha256 } = pack;
    this.#packs.set(sha256, [...this.#packs.get(sha256) ?? [], offered]);
    return () => {
      const others = this.#packs.get(sha256)?.filter((other) => other !== offered) ?? [];
      if (others.length > 0) this.#packs.set(sha256, others);
      else this.#packs.delete(sha256);
    };
  }

  repository(id: string, name: string): Offer | undefined {
    return this.#repositories.get(`${id}/${name}`);
  }

  pack(sha256: string): OfferedPack | undefined {
    return this.#packs.get(sha256)?.at(-1);
  }
}

async function readPieces(size: number, path: string): Promise<Uint8Array> {
  const hasher = new PackHasher(size);
  for await (const chunk of createReadStream(path)) hasher.update(chunk);
  return hasher.digest().pieces;
}
