/**
 * One torrent and the peers connected for it: what seeding and downloading have in common.
 *
 * @module
 */
import { ipBytes, ipText } from "../../../common/ip_address.ts";
import type { Bitfield } from "./bitfield.ts";
import type { Bans } from "./bans.ts";
import { addressKey, parseAddress, type PeerAddress } from "./candidates.ts";
import { serveMetadata } from "./extensions.ts";
import { type Metainfo, pieceSize } from "./metainfo.ts";
import type { PieceFile } from "./piece_file.ts";
import { exchangePeers, mayTell, type Pex } from "./pex.ts";
import { Pipeline } from "./pipeline.ts";
import { MAX_BLOCK, type Uploads } from "./uploads.ts";
import type { PeerWire } from "./wire.ts";

/** Requests that we queue for a peer, as told in the extended handshake (BEP 10). */
const REQUEST_QUEUE = 250;

/** Peers send a keep-alive every two minutes at least (BEP 3), in milliseconds. */
const IDLE_MS = 150_000;

/** What the torrents of one swarm share. */
export interface SwarmContext {
  /** Our peer id, 40 hex digits. */
  readonly peerId: string;
  /** The TCP port that we listen on. */
  readonly port: number;
  /** The port that a peer at this address connects to, or tells others of. */
  readonly portFor: (host: string) => number;
  readonly uploads: Uploads;
  readonly bans: Bans;
  /** Told what a peer says that this node's address is. */
  readonly seen: (from: string, yourip: unknown) => void;
  /** A public IPv6 address of this machine, if it listens on one. */
  readonly ipv6: () => string | undefined;
  /** Milliseconds until a peer that says nothing is given up. */
  readonly patienceMs: number;
  readonly dropped: (reason: string) => void;
  readonly log: (message: string) => void;
  /** Opens a connection; rejects where there is no room or no answer. */
  connect(address: PeerAddress): Promise<PeerWire>;
}

/** What a torrent has to serve. */
export interface Content {
  readonly info: Metainfo;
  readonly file: PieceFile;
  readonly have: Bitfield;
}

/** A connected peer of one torrent. */
export interface Peer {
  readonly wire: PeerWire;
  /** Its peer id, once it said so. */
  id: string;
  /** Where it listens, if known. */
  address: PeerAddress | undefined;
  /** Where it says that it listens too: an IPv6 address, while it is connected over IPv4 (BEP 10). */
  other: PeerAddress | undefined;
  /** Both handshakes are done. */
  ready: boolean;
  pex: Pex | undefined;
  pipeline: Pipeline;
  /** When it was last useful, or asked after it was idle; milliseconds. */
  lastBlock: number;
}

/** Base of seeds and downloads. */
export abstract class Torrent {
  readonly infohash: string;
  protected readonly swarm: SwarmContext;
  protected readonly peerSet = new Set<Peer>();
  protected content: Content | undefined;
  #closed = false;

  constructor(swarm: SwarmContext, infohash: string) {
    this.swarm = swarm;
    this.infohash = infohash;
  }

  /** "host:port" of each connected peer. */
  get peers(): string[] {
    return [...this.peerSet].filter((peer) => peer.ready)
      .map(({ wire, address }) => addressKey(address ?? wire));
  }

  protected get closed(): boolean {
    return this.#closed;
  }

  /** Makes {@linkcode content} ready for a new peer; a promise only where that takes time. */
  protected abstract prepare(): Promise<void> | undefined;
  /** Adds the extensions of a torrent whose content is not known here: metadata, notices. */
  protected abstract requestMetadata(peer: Peer): void;
  /** A peer is ready. */
  protected abstract joined(peer: Peer): void;
  /** A peer that may have been ready left. */
  protected abstract left(peer: Peer): void;
  /** A peer told an address. */
  protected abstract learned(address: PeerAddress, from: Peer): void;

  /** Says what is here to a peer that is ready. */
  protected present({ wire }: Peer): void {
    if (this.content && this.content.have.count > 0) {
      wire.protocol.bitfield(this.content.have.bytes);
    }
  }

  /** A peer asks for a block of a piece that is here. */
  protected asked(_peer: Peer, _piece: number): void {}

  /** A peer says that it fetches nothing (BEP 21). */
  protected fetchesNothing(_peer: Peer): void {}

  /** Takes over an incoming connection whose peer asked for this torrent. */
  async accept(wire: PeerWire, id: string): Promise<void> {
    const peer = this.#addPeer(wire, undefined);
    if (!this.#identify(peer, id)) return;
    try {
      const preparing = this.prepare();
      // Without a wait the extensions are in place before the peer's next message is parsed.
      if (preparing) await preparing;
    } catch (error) {
      this.swarm.log(`can't serve ${this.infohash}: ${(error as Error).message}`);
      return wire.close();
    }
    if (wire.closed) return;
    this.#extend(peer);
    this.#sendHandshake(wire);
    this.#greet(peer);
  }

  /** Takes over a connection that we made. */
  protected adopt(wire: PeerWire, address: PeerAddress): Peer {
    const peer = this.#addPeer(wire, address);
    this.#extend(peer);
    wire.protocol.on("handshake", (infohash, id) => {
      if (infohash !== this.infohash) return wire.close("wrong-infohash");
      if (this.#identify(peer, id)) this.#greet(peer);
    });
    // Nothing may follow it until theirs has come: aria2 drops us otherwise.
    this.#sendHandshake(wire);
    return peer;
  }

  /** Ends all connections. */
  close(): void {
    this.#closed = true;
    for (const peer of [...this.peerSet]) peer.wire.close();
  }

  /** Ends the connection to a peer that lied, and keeps it away. */
  protected ban(peer: Peer, reason: string): void {
    const port = peer.address?.port;
    this.swarm.bans.add(peer.wire.host, ...(port === undefined ? [peer.id] : [port, peer.id]));
    peer.wire.close(reason);
  }

  #addPeer(wire: PeerWire, address: PeerAddress | undefined): Peer {
    const peer: Peer = {
      wire,
      id: "",
      address,
      other: undefined,
      ready: false,
      pex: undefined,
      pipeline: new Pipeline(REQUEST_QUEUE),
      lastBlock: performance.now(),
    };
    this.peerSet.add(peer);
    wire.onClose(() => this.#remove(peer));
    const { protocol } = wire;
    protocol.on("interested", () => peer.ready && this.swarm.uploads.interested(wire));
    protocol.on("uninterested", () => this.swarm.uploads.uninterested(wire));
    protocol.on("request", (...request) => this.#requested(peer, ...request));
    protocol.on("cancel", (piece, offset, length) => {
      const start = piece * (this.content?.info.pieceLength ?? 0) + offset;
      this.swarm.uploads.cancel(wire, start, length);
    });
    protocol.on("extended", (name) => name === "handshake" && this.#readExtended(peer));
    return peer;
  }

  #remove(peer: Peer): void {
    this.peerSet.delete(peer);
    this.swarm.uploads.uninterested(peer.wire);
    peer.pex?.stop();
    if (peer.address) {
      for (const other of this.peerSet) other.pex?.drop(addressKey(peer.address));
    }
    // The way to it that is still untried, unless it lied.
    const isBanned = this.swarm.bans.has(peer.wire.host, peer.id);
    if (peer.other && !this.#closed && !isBanned) this.#told(peer, peer.other);
    this.left(peer);
  }

  /** Whether the peer may stay: not banned, not ourselves, not here already. */
  #identify(peer: Peer, id: string): boolean {
    const { wire } = peer;
    peer.id = id;
    if (id === this.swarm.peerId || this.swarm.bans.has(wire.host, id)) {
      wire.close();
      return false;
    }
    for (const other of this.peerSet) {
      if (other === peer || other.id !== id) continue;
      // Two peers that dial each other at the same time must keep the same one of both connections.
      const keepNew = wire.outgoing === other.wire.outgoing
        ? isAgain(wire, other.wire)
        : wire.outgoing === (this.swarm.peerId > id);
      (keepNew ? other : peer).wire.close();
      if (!keepNew) return false;
    }
    return true;
  }

  #extend(peer: Peer): void {
    const { wire } = peer;
    const handshake = wire.protocol.extendedHandshake;
    handshake["p"] = this.swarm.portFor(wire.host);
    handshake["reqq"] = REQUEST_QUEUE;
    handshake["v"] = "gtr";
    handshake["yourip"] = ipBytes(wire.host);
    const ipv6 = wire.host.includes(":") ? undefined : this.swarm.ipv6();
    if (ipv6 !== undefined) handshake["ipv6"] = ipBytes(ipv6);
    if (this.content) serveMetadata(wire, this.content.info.bytes);
    else this.requestMetadata(peer);
    peer.pex = exchangePeers(wire, {
      found: (text) => {
        const address = parseAddress(text);
        if (address) this.#told(peer, address);
      },
      dropped: this.swarm.dropped,
    });
  }

  #told(peer: Peer, address: PeerAddress): void {
    if (mayTell(peer.wire.host, address.host)) this.learned(address, peer);
    else this.swarm.dropped("inside-address");
  }

  #sendHandshake(wire: PeerWire): void {
    wire.protocol.handshake(this.infohash, this.swarm.peerId, { dht: true, fast: false });
  }

  /** Both handshakes are done: say what we have, and go on with what the peer said meanwhile. */
  #greet(peer: Peer): void {
    const { wire } = peer;
    peer.ready = true;
    wire.setIdleTimeout(IDLE_MS);
    this.present(peer);
    this.#readExtended(peer);
    this.joined(peer);
    // Only now: webtorrent misses an earlier unchoke.
    if (wire.protocol.peerInterested) this.swarm.uploads.interested(wire);
  }

  #readExtended(peer: Peer): void {
    const { p: port, reqq } = peer.wire.protocol.peerExtendedHandshake;
    if (typeof reqq === "number" && reqq > 0) {
      peer.pipeline = new Pipeline(Math.min(reqq, REQUEST_QUEUE));
    }
    if (!peer.ready || !("m" in peer.wire.protocol.peerExtendedHandshake)) return;
    const { yourip, ipv6, upload_only } = peer.wire.protocol.peerExtendedHandshake;
    if (upload_only === 1) this.fetchesNothing(peer);
    this.swarm.seen(peer.wire.host, yourip);
    if (typeof port === "number" && port > 0 && port <= 65535) {
      peer.address ??= { host: peer.wire.host, port };
      if (ipv6 instanceof Uint8Array && ipv6.length === 16 && !peer.wire.host.includes(":")) {
        peer.other = { host: ipText(ipv6), port };
      }
    }
    for (const other of this.peerSet) {
      if (other === peer || !other.ready) continue;
      if (other.address) peer.pex?.add(addressKey(other.address));
      if (peer.address) other.pex?.add(addressKey(peer.address));
    }
  }

  #requested(
    peer: Peer,
    piece: number,
    offset: number,
    length: number,
    respond: (error: Error | null, block?: Uint8Array) => void,
  ): void {
    const { content } = this;
    const { wire } = peer;
    if (
      !content?.have.has(piece) || offset < 0 || length < 1 || length > MAX_BLOCK ||
      offset + length > pieceSize(content.info, piece)
    ) return wire.close("bad-request");
    const { file, info } = content;
    const start = piece * info.pieceLength + offset;
    this.asked(peer, piece);
    this.swarm.uploads.request(wire, { file, offset: start, length, respond });
  }
}

/**
 * Whether a connection is the other one made again, which its peer has lost. One by another address
 * of the same peer, such as IPv6 beside IPv4, is not: the one that was faster stays (RFC 8305).
 */
function isAgain(wire: PeerWire, other: PeerWire): boolean {
  return wire.outgoing ? wire.host === other.host : wire.ownHost === other.ownHost;
}
