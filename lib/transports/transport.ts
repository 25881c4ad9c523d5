/**
 * The contract between the engine and a network.
 *
 * @module
 */
import type { RepoAddress } from "../identity/address.ts";
import type { PublisherKey } from "../identity/keys.ts";
import type { Manifest, PackRef, SignedManifest } from "../manifest/types.ts";
import type { Settings } from "../common/settings.ts";
import type { Wait } from "../common/wait.ts";

export type { Wait };

/** A pack on the local disk, whole and verified. */
export interface PackFile {
  readonly pack: PackRef;
  readonly path: string;
}

/** What `gtr status` and `gtr doctor` print of a network. */
export interface Health {
  readonly reachable: boolean;
  /** One line for a person: what is wrong and what to do, or what is right. */
  readonly summary: string;
  /** The network's own figures ("dht", "nodes", "listen", ...). */
  readonly details: Readonly<Record<string, string | number>>;
}

/** How a pack is fetched. */
export interface FetchWait extends Wait {
  /** Told how many bytes from the start of the file are verified and there to stay. */
  readonly prefix?: (bytes: number) => void;
}

/** One network that can carry manifests and packs. */
export interface Transport extends AsyncDisposable {
  /** The URL scheme: "torrent". */
  readonly scheme: string;
  readonly flows: { readonly announce: boolean; readonly put: boolean };

  /** Where this node can be dialled, for the manifest's `endpoints`; empty where unknown. */
  endpoints(): readonly string[];

  /**
   * The newest manifest this network knows. Yields as answers arrive, each verified against the
   * address; ends when the network has said all it knows. Ending without a value means "not found".
   *
   * @throws {NetworkError} "unreachable" where no node of the network answers
   */
  resolve(address: RepoAddress, wait: Wait): AsyncIterable<SignedManifest>;

  /**
   * Makes a manifest findable, and keeps it so (republished before it expires) until disposed or
   * replaced by a newer one. Called after its packs were seeded. Followers call it too, without the
   * publisher's key: the transport then republishes the record it resolved, unchanged. Where it can't
   * (it has no such record), it announces itself as a source of the data and that is all.
   */
  announce(manifest: SignedManifest, packs: readonly PackFile[], wait: Wait): Promise<void>;

  /** Stops republishing what {@linkcode announce} was given. */
  forget(manifest: Manifest): Promise<void>;

  /** Keeps a pack available to others, straight from its file, until disposed. */
  seed(file: PackFile): Promise<AsyncDisposable>;

  /**
   * Fetches one pack into the file `into`, resuming what is there. Progress is in bytes.
   * The caller verifies the SHA-256 too.
   *
   * @throws {NetworkError} "nobody-answered" where no source has it within the deadline
   */
  fetch(pack: PackRef, from: SignedManifest, into: string, wait: FetchWait): Promise<void>;

  /** How many distinct peers currently exchange this repository with us. */
  peers(manifest: Manifest): number;

  /** Whether the network is reachable, and what to do if not. */
  probe(wait: Wait): Promise<Health>;
}

/** What a transport is made from. */
export interface TransportContext {
  readonly settings: Settings;
  /** A folder of this transport's own, for state that may be lost. It exists. */
  readonly cache: string;
  /** The user's own key: needed to sign records. */
  readonly key: PublisherKey;
  readonly log: (message: string) => void;
  /** Counts one dropped input under a short reason ("bad-record", "wrong-piece"). */
  readonly dropped: (reason: string) => void;
}

/** How `all.ts` lists a transport; `open` is imported lazily. */
export interface TransportEntry {
  readonly scheme: string;
  readonly open: (context: TransportContext, wait: Wait) => Promise<Transport>;
}
