/**
 * The pack files that a network serves.
 *
 * @module
 */
import { createReadStream } from "node:fs";
import { PackHasher } from "../../manifest/pack_torrent.ts";
import type { PackFile } from "../../manifest/pack_file.ts";

/** A pack that is served. */
export interface ServedPack extends PackFile {
  /** SHA-1 of each piece of its torrent. Reads the whole pack at the first call. */
  readonly pieces: () => Promise<Uint8Array>;
}

/** Packs by their SHA-256. */
export class ServedPacks {
  readonly #packs = new Map<string, readonly ServedPack[]>();

  /** @returns what takes the file back */
  add(file: PackFile): () => void {
    const served: ServedPack = { ...file, pieces: piecesOf(file) };
    const { sha256 } = file.pack;
    this.#packs.set(sha256, [...this.#packs.get(sha256) ?? [], served]);
    return () => {
      const others = this.#packs.get(sha256)?.filter((other) => other !== served) ?? [];
      if (others.length > 0) this.#packs.set(sha256, others);
      else this.#packs.delete(sha256);
    };
  }

  /** Of several files with the same pack, the one that came last. */
  get(sha256: string): ServedPack | undefined {
    return this.#packs.get(sha256)?.at(-1);
  }
}

/** The hashes of a pack's pieces: kept from the first peer on, since it takes reading it all. */
export function piecesOf({ pack, path }: PackFile): () => Promise<Uint8Array> {
  let pieces: Promise<Uint8Array> | undefined;
  return () =>
    pieces ??= readPieces(pack.size, path).catch((error) => {
      pieces = undefined;
      throw error;
    });
}

async function readPieces(size: number, path: string): Promise<Uint8Array> {
  const hasher = new PackHasher(size);
  for await (const chunk of createReadStream(path)) hasher.update(chunk);
  return hasher.digest().pieces;
}
