/**
 * What this node serves: the repositories that were announced and the packs that are seeded.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { encodeEnvelope } from "../../manifest/envelope.ts";
import type { Manifest, PackRef, SignedManifest } from "../../manifest/types.ts";
import { publisherId } from "../../identity/keys.ts";
import { type ServedPack, ServedPacks } from "../shared/served_packs.ts";
import type { PackFile } from "../../manifest/pack_file.ts";

/** A repository that is served. */
export interface Offer {
  readonly signed: SignedManifest;
  /** The file form of the manifest. */
  readonly envelope: Uint8Array;
  readonly etag: string;
  /** The first pack of this publication and of the one before: who has just read that still asks. */
  readonly bases: readonly PackRef[];
}

/** The repositories and packs that may be asked for; nothing else can be. */
export class Offers {
  /** "<id>/<name>" -> repository. */
  readonly #repositories = new Map<string, Offer>();
  readonly #packs = new ServedPacks();

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
  seed(file: PackFile): () => void {
    return this.#packs.add(file);
  }

  /** @param publisher id (40 lower-case hex digits) or public key (64) */
  repository(publisher: string, name: string): Offer | undefined {
    return this.#repositories.get(keyOf(publisher, name));
  }

  pack(sha256: string): ServedPack | undefined {
    return this.#packs.get(sha256);
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
