/**
 * Packs: offered, fetched, and who has them.
 *
 * @module
 */
import type { Wait } from "../common/wait.ts";
import type { PackFile } from "../manifest/pack_file.ts";
import type { Manifest, PackRef, SignedManifest } from "../manifest/types.ts";

/** A peer of a repository, and what it says of itself. */
export interface Holder {
  /** Where it is: "127.0.0.1:6881". The same whenever it is asked, and another peer's is another. */
  readonly peer: string;
  /** The publication that it says it has, 0 where it says nothing. A stranger may say any number. */
  readonly sequence: number;
  /**
   * It says that it has every byte of the packs: by a bitfield, or by serving them. Where no packs
   * are listed, since the repository is only announced: it serves the publication live.
   */
  readonly complete: boolean;
}

/** Whom {@linkcode Packs.holders} asks. */
export interface HolderWait extends Wait {
  /**
   * Look for peers, and ask all. Without it, only those are asked that are known anyway and, where
   * peers tell that by themselves, say that they have the publication.
   */
  readonly search: boolean;
}

/** How a pack is fetched. */
export interface FetchWait extends Wait {
  /**
   * Told how many bytes from the start of the file are there and verified; where the network can only
   * verify the whole, how many have come from the first source. For a head start, and no proof.
   */
  readonly prefix?: (bytes: number) => void;
  /**
   * Told when peers have been looked for everywhere once, and those that were found had the time to
   * answer; the search goes on.
   */
  readonly searched?: () => void;
  /** Told how many milliseconds may pass until something comes, where that is longer than usual. */
  readonly patience?: (ms: number) => void;
  /**
   * Told how many peers are connected that may have it: 0 at first, and then whenever that changes.
   * A network that connects to no peers tells nothing.
   */
  readonly connected?: (peers: number) => void;
}

/** A network that carries packs. */
export interface Packs {
  /**
   * Whether packs can be found with others than those whom the manifest's endpoints name. A network
   * without that is asked only if it knew the manifest, or the manifest names an endpoint of it.
   */
  readonly searchable: boolean;

  /**
   * Bytes of the largest pack that this network can store, at least 1 MiB; undefined if any size will
   * do. A larger one is split when it is published, for all networks.
   */
  maxBytes(): number | undefined;

  /** Keeps a pack available to others, straight from its file, until disposed. */
  offer(file: PackFile): Promise<AsyncDisposable>;

  /**
   * Fetches one pack into the file `into`, resuming what is there. Progress is in bytes.
   * The caller verifies the SHA-256 too.
   *
   * @throws {NetworkError} "nobody-answered" if no source has it within the deadline
   * @throws {NetworkError} "no-peer" if peers were looked for and none is there; "no-source" if this
   * network has nobody to ask
   * @throws {NetworkError} "out-of-reach" if it is known that none of those who have it can be
   * connected to, as things are: waiting longer won't help
   */
  fetch(pack: PackRef, from: SignedManifest, into: string, wait: FetchWait): Promise<void>;

  /**
   * Who has the packs of a manifest, this node left out. All of it is what peers say: enough to know
   * where copies should be, no proof against liars.
   */
  holders(manifest: Manifest, wait: HolderWait): Promise<readonly Holder[]>;

  /** How many distinct peers currently exchange this repository with us. */
  peers(manifest: Manifest): number;
}
