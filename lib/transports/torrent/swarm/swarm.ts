/**
 * The TCP side of BitTorrent: one port, many single-file torrents (BEP 3, 9, 10, 11, MSE). Live
 * streams come by the same port, and are handed over.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { chmod, copyFile } from "node:fs/promises";
import { isIPv4, type Server } from "node:net";
import { reachOf } from "../../../common/reach.ts";
import { abortable } from "../../../common/wait.ts";
import { Bans } from "./bans.ts";
import type { PeerAddress } from "./candidates.ts";
import { type ConnectionLimits, Connections } from "./connections.ts";
import { Download, type FetchOptions } from "./download.ts";
import { openListeners, portOf } from "./listeners.ts";
import { Meeting, type MeetingPeer } from "./meeting.ts";
import { infohashOf } from "./metainfo.ts";
import { saysItHasAll } from "./probe.ts";
import { Seed, type SeedOptions } from "./seed.ts";
import type { SwarmContext, Torrent } from "./torrent.ts";
import { Uploads } from "./uploads.ts";
import type { PeerWire } from "./wire.ts";

export type { FetchOptions, MeetingPeer, PeerAddress, SeedOptions };

const PATIENCE_MS = 10_000;

/** What a swarm is opened with. */
export interface SwarmOptions extends ConnectionLimits {
  /** IP address to listen on; `::` for all, of IPv4 too. */
  readonly host: string;
  /** A public IPv6 address of this machine, if it listens on one. */
  readonly ipv6?: () => string | undefined;
  /** Told what the peer at an IP address says that this node's address is (BEP 10, "yourip"). */
  readonly seen?: (from: string, yourip: unknown) => void;
  /** TCP port; 0 for any free one. */
  readonly port: number;
  /** Peers served at once. */
  readonly uploadSlots: number;
  /** Bytes per second to all peers together; 0 for no limit. */
  readonly uploadRate: number;
  readonly log: (message: string) => void;
  /** Milliseconds until a peer that says nothing is given up, default 10,000. */
  readonly patienceMs?: number;
}

/** Peers that tell each other of news of one repository, until disposed. */
export interface SwarmMeeting extends Disposable {
  readonly size: number;
  /** The peers that have shaken hands. */
  readonly members: readonly MeetingPeer[];
  /** Tells all peers, now and later, that this publication is known here. */
  tell(sequence: number): void;
  dial(address: PeerAddress): Promise<void>;
}

/** A BitTorrent node. */
export class Swarm {
  readonly #options: SwarmOptions;
  readonly #servers: readonly Server[];
  readonly #connections: Connections;
  /** Seeds before downloads: they have everything. */
  readonly #torrents = new Map<string, Torrent[]>();
  /** Fetches, and what they serve afterwards. */
  readonly #fetches = new Set<Promise<void>>();
  readonly #meetings = new Set<Meeting>();
  /** SHA-1("req2" + infohash) -> infohash: what an encrypted handshake names. */
  readonly #obfuscated = new Map<string, string>();
  readonly #context: SwarmContext;
  #closed = false;
  /** The port outside that a router maps to this one; undefined if none does. */
  outsidePort: number | undefined;

  private constructor(options: SwarmOptions, servers: readonly Server[]) {
    this.#options = options;
    this.#servers = servers;
    const bans = new Bans();
    const patienceMs = options.patienceMs ?? PATIENCE_MS;
    this.#connections = new Connections({ ...options, patienceMs, bans }, (wire) => {
      this.#greet(wire);
    });
    this.#context = {
      // "Azureus-style": client, version, random (BEP 20).
      peerId: Buffer.from(`-GT0100-${randomBytes(6).toString("hex")}`).toString("hex"),
      port: portOf(servers[0]!),
      portFor: (host) =>
        isIPv4(host) && reachOf(host) === "public" ? this.announcedPort : this.port,
      uploads: new Uploads(options.uploadSlots, options.uploadRate, options.log),
      bans,
      seen: options.seen ?? (() => {}),
      ipv6: options.ipv6 ?? (() => undefined),
      patienceMs,
      dropped: options.dropped,
      log: options.log,
      connect: (address) => this.#connections.dial(address),
    };
    for (const server of servers) {
      server.on("error", (error) => options.log(`listening failed: ${error.message}`));
      server.on("connection", (socket) => void this.#connections.accept(socket));
    }
  }

  /**
   * Listens.
   *
   * @throws {NetworkError} "port-in-use" or "cannot-listen"
   */
  static async open(options: SwarmOptions): Promise<Swarm> {
    return new Swarm(options, await openListeners(options.host, options.port));
  }

  /** The TCP port that is open here. */
  get port(): number {
    return this.#context.port;
  }

  /** The TCP port that peers connect to from outside, by IPv4. */
  get announcedPort(): number {
    return this.outsidePort ?? this.port;
  }

  /** Serves a file to whoever asks, until disposed. Nothing is opened before someone does. */
  seed(options: SeedOptions): Disposable {
    const seed = new Seed(this.#context, options);
    this.#add(seed, true);
    return { [Symbol.dispose]: () => this.#remove(seed) };
  }

  /**
   * Lets peers of a repository meet under the target of its record, 40 hex digits.
   *
   * @param heard called with each sequence number that a peer tells
   */
  meet(target: string, heard: (sequence: number) => void): SwarmMeeting {
    // They last: what is left is for those who fetch.
    const most = Math.floor(this.#options.maxConnections / 2);
    const hasRoom = () => [...this.#meetings].reduce((sum, { size }) => sum + size, 0) < most;
    const meeting = new Meeting(this.#context, { target, heard, hasRoom });
    this.#meetings.add(meeting);
    this.#add(meeting, false);
    return {
      get size() {
        return meeting.size;
      },
      get members() {
        return meeting.members;
      },
      tell: (sequence) => meeting.tell(sequence),
      dial: (address) => meeting.dial(address),
      [Symbol.dispose]: () => {
        this.#meetings.delete(meeting);
        this.#remove(meeting);
      },
    };
  }

  /**
   * Fetches a file, resuming what is there; serves what it has meanwhile, and for a while longer if
   * connected peers still want some of it. Resolves when the file is whole and verified.
   *
   * @throws {NetworkError} "nobody-answered" when all known peers were tried in vain, or the
   * signal's deadline came
   * @throws {VerificationError} "wrong-torrent", "bad-metainfo"
   * @throws {StoreError} where the disk fails
   */
  async fetch(options: FetchOptions): Promise<void> {
    const download = new Download(this.#context, options);
    await this.#awaited(this.#fetch(download, options));
    void this.#awaited(download.serveRest().finally(() => this.#remove(download))).catch((error) =>
      this.#options.log(`can't end the download of ${options.infohash}: ${error.message}`)
    );
  }

  async #awaited(work: Promise<void>): Promise<void> {
    this.#fetches.add(work);
    try {
      await work;
    } finally {
      this.#fetches.delete(work);
    }
  }

  async #fetch(download: Download, { infohash, into }: FetchOptions): Promise<void> {
    const own = this.#torrents.get(infohash)?.find((torrent) => torrent instanceof Seed);
    this.#add(download, false);
    try {
      await download.run(own && await this.#copy(own, into));
    } catch (error) {
      this.#remove(download);
      throw error;
    }
  }

  /** Tells the fetches of a torrent of more peers. */
  addPeers(infohash: string, peers: Iterable<PeerAddress>): void {
    for (const torrent of this.#torrents.get(infohash) ?? []) {
      if (!(torrent instanceof Download)) continue;
      for (const address of peers) torrent.learned(address);
    }
  }

  /** "host:port" of the peers connected for a torrent. */
  peers(infohash: string): string[] {
    return (this.#torrents.get(infohash) ?? []).flatMap((torrent) => torrent.peers);
  }

  /**
   * Whether a peer says that it has all of a torrent: on a connection to a seed here, else asked at
   * its address.
   */
  async isHeldBy(
    { id, host, address }: MeetingPeer,
    torrent: { readonly infohash: string; readonly pieces: number },
    signal: AbortSignal,
  ): Promise<boolean> {
    const isSeen = this.#torrents.get(torrent.infohash)
      ?.some((own) => own instanceof Seed && own.hasSeenWhole(id, host));
    if (isSeen) return true;
    if (!address) return false;
    const asked = this.#connections.dial(address).then(
      (wire) => saysItHasAll(wire, { ...torrent, peerId: id }, signal),
      () => false,
    );
    return await abortable(asked, signal).catch(() => false);
  }

  /** Ends all connections and stops listening. Fetches under way reject. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const closed = this.#servers.map((server) =>
      new Promise<void>((resolve) => server.close(() => resolve()))
    );
    for (const torrents of this.#torrents.values()) for (const torrent of torrents) torrent.close();
    this.#connections.close();
    this.#context.uploads.close();
    await Promise.allSettled(this.#fetches); // they close their files
    await Promise.all(closed);
  }

  /** Starts a fetch of what we serve ourselves with a copy; the fetch verifies it. */
  async #copy(seed: Seed, into: string): Promise<Uint8Array | undefined> {
    try {
      const info = await seed.options.info();
      await copyFile(seed.options.path, into);
      await chmod(into, 0o644); // packs in a store are read-only
      return infohashOf(info) === seed.infohash ? info : undefined;
    } catch (error) {
      this.#options.log(`can't copy ${seed.options.path}: ${(error as Error).message}`);
      return undefined;
    }
  }

  #add(torrent: Torrent, first: boolean): void {
    const { infohash } = torrent;
    const others = this.#torrents.get(infohash) ?? [];
    this.#torrents.set(infohash, first ? [torrent, ...others] : [...others, torrent]);
    this.#obfuscated.set(obfuscated(infohash), infohash);
  }

  #remove(torrent: Torrent): void {
    const { infohash } = torrent;
    torrent.close();
    const others = (this.#torrents.get(infohash) ?? []).filter((other) => other !== torrent);
    if (others.length > 0) {
      this.#torrents.set(infohash, others);
    } else {
      this.#torrents.delete(infohash);
      this.#obfuscated.delete(obfuscated(infohash));
    }
  }

  /** A BitTorrent peer. */
  #greet(wire: PeerWire): void {
    wire.protocol.on("crypto-infohash", (hash) => {
      const infohash = this.#obfuscated.get(hash);
      if (infohash === undefined) return wire.close("unknown-infohash");
      wire.protocol.setInfoHash(infohash);
    });
    wire.protocol.on("handshake", (infohash, peerId) => {
      const torrent = this.#torrents.get(infohash)?.[0];
      if (!torrent) return wire.close("unknown-infohash");
      torrent.accept(wire, peerId).catch((error) => {
        this.#options.log(`can't greet ${wire.host}: ${error.message}`);
        wire.close();
      });
    });
  }
}

function obfuscated(infohash: string): string {
  return createHash("sha1").update("req2").update(infohash, "hex").digest("hex");
}
