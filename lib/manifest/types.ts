/**
 * The signed state of one repository.
 *
 * @module
 */

/** Hash algorithm of a repository's object ids. */
export type ObjectFormat = "sha1" | "sha256";

/** One pack as a manifest lists it. */
export interface PackRef {
  /** SHA-256 of the file, lower-case hex. */
  readonly sha256: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Infohash (v1, lower-case hex) of the one-file torrent that every seeder derives alike. */
  readonly infohash: string;
  /** Objects in the pack. */
  readonly objects: number;
  /**
   * Packs 0..i together hold the closure of these object ids, and every object of this pack is
   * reachable from them. Empty in a pack that was made as one with those after it, up to the next
   * that has tips: those are the tips of them all (`packGroups`).
   */
  readonly tips: readonly string[];
}

/** Version 1 of the manifest. Unknown fields are kept, and are part of what is signed. */
export interface Manifest {
  readonly version: 1;
  /** The publisher's ed25519 public key, 64 hex digits. */
  readonly publisher: string;
  readonly name: string;
  /** Grows by at least one with each publication. */
  readonly sequence: number;
  /** Seconds since 1970, UTC. */
  readonly created: number;
  readonly description?: string;
  readonly objectFormat: ObjectFormat;
  /** The branch HEAD names, as a full ref name; it may not exist yet. */
  readonly head: string;
  /** Full ref name -> object id. */
  readonly refs: Readonly<Record<string, string>>;
  /**
   * Annotated tags and what they lead to in the end, so that `git fetch` can follow tags without
   * having them. An addition to version 1; without it tags are still fetched when asked for.
   */
  readonly peeled?: Readonly<Record<string, string>>;
  /**
   * The commit with which the history of HEAD begins, by which networks know forks of a repository. An
   * addition to version 1.
   */
  readonly root?: string;
  /**
   * Which of the publisher's machines have written the repository, and the sequence number of the last
   * publication of each: this one's and those that it builds on. An addition to version 1.
   */
  readonly writers?: Readonly<Record<string, number>>;
  readonly packs: readonly PackRef[];
  /**
   * How the data gets to readers (see `flowOf`); an addition to version 1. With "announce" no packs
   * are listed.
   */
  readonly flow?: string;
  /** Scheme -> where that network can reach the publisher; a hint, never trusted. */
  readonly endpoints: Readonly<Record<string, readonly string[]>>;
  readonly [unknown: string]: unknown;
}

/** A manifest with its signature. Made only by `signManifest` and `verifyManifest`. */
export interface SignedManifest {
  readonly manifest: Manifest;
  /** The canonical bytes (RFC 8785) that were signed, without the domain tag. */
  readonly bytes: Uint8Array;
  /** ed25519 signature, 64 bytes. */
  readonly signature: Uint8Array;
}
