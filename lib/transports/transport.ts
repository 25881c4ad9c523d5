/**
 * The contract between the engine and a network.
 *
 * @module
 */
import type { RepoAddress } from "../identity/address.ts";
import type { PublisherKey } from "../identity/keys.ts";
import type { Manifest, PackRef, SignedManifest } from "../manifest/types.ts";
import type { GtrError } from "../common/errors.ts";
import type { Settings } from "../common/settings.ts";
import type { NetworkVerbs } from "../common/verb.ts";
import type { Wait } from "../common/wait.ts";

export type { Wait };

/** A pack on the local disk, whole and verified. */
export interface PackFile {
  readonly pack: PackRef;
  readonly path: string;
}

/**
 * How others get at this node to fetch from it:
 *
 * - `open`: everybody can connect to it
 * - `mapped`: everybody can connect to a port that its router maps to it
 * - `hole-punching`: its router lets in those to whom it sends at the same time
 * - `relay`: only a relay brings others together with it
 * - `servers`: nobody has to, since servers of others keep what is published
 * - `local`: only from this machine or the same private network
 * - `outgoing-only`: nobody can
 * - `unknown`: nothing has told yet
 */
export type ReachKind =
  | "open"
  | "mapped"
  | "hole-punching"
  | "relay"
  | "servers"
  | "local"
  | "outgoing-only"
  | "unknown";

/** Whether others can fetch from this node over one network. */
export interface Reach {
  readonly how: ReachKind;
  /** Where others see this node, as far as that is known: "203.0.113.5:6881". */
  readonly address?: string;
  /** When somebody from outside last connected, in milliseconds since 1970: the strongest proof. */
  readonly connectedAt?: number;
  /** One line for a person, that follows the network's name: "by hole punching through its router". */
  readonly summary: string;
  /** Only some of all others can; the hint says what would let everybody. */
  readonly limited?: boolean;
  /** What to do, if not everybody can. */
  readonly hint?: string;
}

/** What `gtr status` and `gtr doctor` print of a network. */
export interface Health {
  /** Whether the network answers this node; whether others get here says {@linkcode Transport.reach}. */
  readonly reachable: boolean;
  /** One line for a person: what is wrong and what to do, or what is right. */
  readonly summary: string;
  /** What to do, where it is reachable and yet something is amiss. */
  readonly hint?: string;
  /** The network's own figures ("dht", "nodes", "listen", ...). */
  readonly details: Readonly<Record<string, string | number>>;
}

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

/** Whom {@linkcode Transport.holders} asks. */
export interface HolderWait extends Wait {
  /**
   * Look for peers, and ask all. Without it, only those are asked that are known anyway and, where
   * peers tell that by themselves, say that they have the publication.
   */
  readonly search: boolean;
}

/** How a manifest is looked for. */
export interface ResolveWait extends Wait {
  /** This network's endpoints in the publication that is here already. */
  readonly known?: readonly string[];
  /** Told if this network has nobody to ask: that it knows nothing says nothing then. */
  readonly idle?: () => void;
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

/** Bytes both ways. */
export interface Duplex {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** `git upload-pack` (protocol 2) of a peer's copy. Closing it for writing ends both directions. */
export interface LiveStream extends Duplex {
  /** Who serves it, for a person: "127.0.0.1:6881". */
  readonly peer: string;
  /** What the peer holds: signed by the publisher, and not older than what was asked for. */
  readonly manifest: SignedManifest;
  /**
   * Ends it at once.
   *
   * @param failed it was of no use: from now on others are dialled before this peer
   */
  close(failed?: boolean): void;
}

/** A repository that can be served live. */
export interface LiveSource {
  readonly manifest: SignedManifest;
  /** Starts `git upload-pack` on it (protocol 2 unless told); the signal's abort ends it. */
  open(signal: AbortSignal, form?: UploadPackForm): Promise<Duplex>;
}

/** Which of its forms `git upload-pack` is started in. */
export interface UploadPackForm {
  /** The wire protocol's version. */
  readonly protocol: 0 | 1 | 2;
  /** Only one exchange of git's HTTP transport, or the refs with which it begins. */
  readonly stateless?: "advertise" | "exchange";
  /** The URL of a bundle, for git that asks what it could begin with (gitprotocol-v2(5)). */
  readonly bundle?: string;
}

/** Finds what a peer asks for; undefined where it is not here, or not whole. */
export type LiveAnswer = (
  wanted: { readonly publisher: string; readonly name: string },
) => Promise<LiveSource | undefined>;

/** A repository that is published without gtr, in the network's own way: it has no manifest. */
export interface ForeignState {
  /** The owner's key on that network, 64 hex digits. */
  readonly publisher: string;
  /** In the network's own form, for a person. */
  readonly address: string;
  /** As the network calls it: not necessarily a name that gtr would give. */
  readonly name: string;
  readonly objectFormat: Manifest["objectFormat"];
  readonly head: string;
  readonly refs: Readonly<Record<string, string>>;
  readonly peeled?: Readonly<Record<string, string>>;
  /** Seconds since 1970 at which it was signed. */
  readonly changed: number;
  /** Where git can fetch the objects: https, http and git URLs, the best first. */
  readonly servers: readonly string[];
}

/** What an address that only the network itself can read leads to. */
export type Located =
  & ({ readonly address: RepoAddress } | { readonly foreign: ForeignState })
  & {
    /** What the person should know about the name in it. */
    readonly warning?: string;
  };

/** How an address is read. */
export interface LocateWait extends Wait {
  /** The file of what domains said of their names, `identity/registry_file.ts`. */
  readonly registry: string;
}

/** One network that can carry manifests and packs. */
export interface Transport extends AsyncDisposable {
  /** The URL scheme: "torrent". */
  readonly scheme: string;
  readonly flows: { readonly announce: boolean; readonly put: boolean };

  /** Where this node can be dialled, for the manifest's `endpoints`; empty where unknown. */
  endpoints(): readonly string[];

  /**
   * For networks that name publishers in their own way: what an address leads to whose publisher is
   * neither an id nor a key of gtr's.
   *
   * @param url the whole address
   * @throws {UsageError} "bad-address"
   * @throws {RequestError} "name-changed-key", "unknown-name"
   * @throws {NetworkError} "unreachable", "nobody-answered"
   */
  locate?(url: string, wait: LocateWait): Promise<Located>;

  /**
   * The newest manifest this network knows. Yields as answers arrive, each verified against the
   * address; ends when the network has said all it knows. Ending without a value means "not found".
   *
   * @throws {NetworkError} "unreachable" where no node of the network answers
   */
  resolve(address: RepoAddress, wait: ResolveWait): AsyncIterable<SignedManifest>;

  /**
   * Makes a manifest findable, and keeps it so (republished before it expires) until disposed or
   * replaced by a newer one. Called after its packs were seeded. Followers call it too, without the
   * publisher's key: the transport then republishes the record it resolved, unchanged. Where it can't
   * (it has no such record), it announces itself as a source of the data and that is all.
   */
  announce(manifest: SignedManifest, packs: readonly PackFile[], wait: Wait): Promise<void>;

  /** Stops republishing what {@linkcode announce} was given. */
  forget(manifest: Manifest): Promise<void>;

  /**
   * Bytes of the largest pack that this network can store, at least 1 MiB; undefined where any size
   * will do. What is larger is split when it is published, for all networks.
   */
  maxPack?(): number | undefined;

  /** Keeps a pack available to others, straight from its file, until disposed. */
  seed(file: PackFile): Promise<AsyncDisposable>;

  /**
   * Fetches one pack into the file `into`, resuming what is there. Progress is in bytes.
   * The caller verifies the SHA-256 too.
   *
   * @throws {NetworkError} "nobody-answered" where no source has it within the deadline
   * @throws {NetworkError} "no-peer" if peers were looked for and none is there; "no-source" if this
   * network has nobody to ask
   * @throws {NetworkError} "out-of-reach" where it is known that none of those who have it can be
   * connected to, as things are: waiting longer won't help
   */
  fetch(pack: PackRef, from: SignedManifest, into: string, wait: FetchWait): Promise<void>;

  /**
   * A live stream to any peer that holds the repository as `from` describes it, or newer. The peer
   * shows the publisher's signed manifest; what else it sends is not to be believed.
   *
   * @throws {NetworkError} "no-live-peer" where nobody serves it; "no-source" as for {@linkcode fetch}
   */
  dial?(from: SignedManifest, wait: Wait): Promise<LiveStream>;

  /** Serves peers that dial from now on. */
  serve?(answer: LiveAnswer): void;

  /**
   * Keeps in touch with peers of a repository until disposed, and calls the listener with the
   * sequence number of each publication that one of them tells of. That is a hint and proves nothing:
   * only resolving does. Missing where the network has nothing of the kind.
   */
  onNotice?(manifest: Manifest, listener: (sequence: number) => void): Disposable;

  /**
   * Who has the packs of a manifest, this node left out. All of it is what peers say: enough to know
   * where copies should be, no proof against liars. Missing where the network can't ask.
   */
  holders?(manifest: Manifest, wait: HolderWait): Promise<readonly Holder[]>;

  /** How many distinct peers currently exchange this repository with us. */
  peers(manifest: Manifest): number;

  /** Whether the network is reachable, and what to do if not: asks, and waits for the answers. */
  probe(wait: Wait): Promise<Health>;

  /**
   * The same as far as it is known by now. Opens the network's sockets if they are not open yet, so
   * that this node's own address is among the details, and asks no other node.
   */
  health(wait: Wait): Promise<Health>;

  /**
   * Whether others can fetch from this node, as far as is known by now: it asks nobody. Undefined (or
   * missing) if others fetch nothing from it over this network, by its nature or settings.
   */
  reach?(): Reach | undefined;

  /** Waits until it has been tried to find out what {@linkcode reach} says. */
  measured?(wait: Wait): Promise<void>;

  /**
   * For networks whose addresses name a server: the one that this node is, as "host:port", or
   * undefined where it is none.
   */
  host?(): string | undefined;

  /**
   * For networks with addresses in a form of their own: that of one's own repository `name`, or
   * undefined where others can't find it there.
   */
  address?(name: string): string | undefined;

  /** For networks with keys of their own: the one that this node uses. */
  readonly key?: NodeKey;
}

/** The user's key, as a running node has it. */
export interface NodeKey {
  /** Why it can't be used, as far as that is known. */
  fault(): GtrError | undefined;
  /**
   * Uses what is in git's configuration now, and goes on at once with what waited for it. A wrong
   * password changes nothing.
   *
   * @throws {RequestError} "locked-key" where it is encrypted, and `password` of the context is not its
   */
  use(wait: Wait): Promise<void>;
}

/** What a transport is made from. */
export interface TransportContext {
  readonly settings: Settings;
  /** A folder of this transport's own, for state that may be lost. It exists. */
  readonly cache: string;
  /** The user's own key: needed to sign records. */
  readonly key: PublisherKey;
  /** A value of the user's own configuration of git; undefined where it is not set. */
  readonly gitConfig: (name: string, signal: AbortSignal) => Promise<string | undefined>;
  /**
   * The default gateways, the preferred one of each family first, those of IPv6 with the link that they
   * are on ("fe80::1%eth0"); undefined if the system doesn't tell. Absent for
   * a node that ends soon: its ports are not worth mapping.
   */
  readonly gateways?: (signal: AbortSignal) => Promise<readonly string[] | undefined>;
  /** The password of the user's key on this network, where it is encrypted and somebody gave it. */
  readonly password?: () => Promise<string | undefined>;
  readonly log: (message: string) => void;
  /** Counts one dropped input under a short reason ("bad-record", "wrong-piece"). */
  readonly dropped: (reason: string) => void;
}

/** How `all.ts` lists a transport; `open` is imported lazily. */
export interface TransportEntry {
  readonly scheme: string;
  /** Whether it is in use unless the setting `transports` says otherwise. */
  readonly isDefault: boolean;
  readonly open: (context: TransportContext, wait: Wait) => Promise<Transport>;
  /**
   * For networks with addresses in a form of their own: formats those of this user's repositories
   * without joining the network; undefined where others can't find them there.
   */
  readonly ownAddress?: (
    context: Pick<TransportContext, "settings" | "key" | "gitConfig">,
    wait: Wait,
  ) => Promise<((name: string) => string) | undefined>;
  /** The verbs of `gtr <scheme>`, for what the network has of its own. */
  readonly verbs?: () => Promise<NetworkVerbs>;
}
