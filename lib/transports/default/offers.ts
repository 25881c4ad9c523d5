/**
 * What this node serves: the repositories that were announced and the packs that are seeded.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { encodeEnvelope } from "../../manifest/envelope.ts";
import { PackHasher, packInfo } from "../../manifest/pack_torrent.ts";
import type { Manifest, PackRef, SignedManifest } from "../../manifest/types.ts";
import { publisherId } from "../../identity/keys.ts";
import type { PackFile } from "../transport.ts";

/** A repository that is served. */
export interface Offer {
  readonly signed: SignedManifest;
  /** The file form of the manifest. */
  readonly envelope: Uint8Array;
  readonly etag: string;
  /** The first pack of this publication and of the one before: who has just read that still asks. */
  readonly bases: readonly PackRef[];
}

/** A pack that is served. */
export interface OfferedPack {
  readonly pack: PackRef;
  readonly path: string;
  /** The info dictionary of its torrent. Reads the whole pack at the first call. */
  readonly info: () => Promise<Uint8Array>;
}

/** The repositories and packs that may be asked for; nothing else can be. */
export class Offers {
  /** "<id>/<name>" -> repository. */
  readonly #repositories = new Map<string, Offer>();
  /** SHA-256 -> the files that hold the pack. */
  readonly #packs = new Map<string, OfferedPack[]>();

  /** Of two manifests the one with the higher sequence stays. */
  announce(signed: SignedManifest): void {
    const { publisher, name, sequence } = signed.manifest;
    const key = keyOf(publisher, name);
    const before = this.#repositories.get(key);
    if (before && before.signed.manifest.sequence > sequence) return;
    const envelope = encodeEnvelope(signed);
    // The first of several that were made as one is no bundle: it needs the others.
    const base = signed.manifest.packs.slice(0, 1).filter(({ tips }) => tips.length > 0);
    const old = before?.bases.filter(({ sha256 }) => sha256 !== base[0]?.sha256) ?? [];
    const bases = [...base, ...old.slice(0, 1)];
    this.#repositories.set(key, { signed, envelope, etag: etagOf(envelope), bases });
  }

  forget({ publisher, name }: Manifest): void {
    this.#repositories.delete(keyOf(publisher, name));
  }

  /** @returns what takes the file back */
  seed({ pack, path }: PackFile): () => void {
    let info: Promise<Uint8Array> | undefined;
    const offered: OfferedPack = {
      pack,
      path,
      info: () =>
        info ??= readInfo(pack, path).catch((error) => {
          info = undefined;
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

  /** @param publisher id (40 lower-case hex digits) or public key (64) */
  repository(publisher: string, name: string): Offer | undefined {
    return this.#repositories.get(keyOf(publisher, name));
  }

  pack(sha256: string): OfferedPack | undefined {
    return this.#packs.get(sha256)?.at(-1);
  }
}

/** An entity tag (RFC 9110, 8.8.3) of these bytes. */
export function etagOf(bytes: Uint8Array): string {
  return `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`;
}

function keyOf(publisher: string, name: string): string {
  const id = publisher.length === 40 ? publisher : publisherId(Uint8Array.fromHex(publisher));
  return `${id}/${name}`;
}

async function readInfo({ sha256, size }: PackRef, path: string): Promise<Uint8Array> {
  const hasher = new PackHasher(size);
  for await (const chunk of createReadStream(path)) hasher.update(chunk);
  return packInfo(sha256, size, hasher.digest().pieces);
}
