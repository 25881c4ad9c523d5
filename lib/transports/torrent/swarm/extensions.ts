/**
 * ut_metadata (BEP 9) and ut_pex (BEP 11), bounded.
 *
 * @module
 */
// @ts-types="../../../types/ut_metadata.d.ts"
import utMetadata, { type UtMetadata } from "ut_metadata";
// @ts-types="../../../types/ut_pex.d.ts"
import utPex, { type UtPex } from "ut_pex";
import { bencodedLength } from "../bencode.ts";
import { infohashOf } from "./metainfo.ts";
import type { PeerWire } from "./wire.ts";

/** A PEX message with 50 peers of each kind takes less, in bytes. */
const MAX_PEX_MESSAGE = 8 * 1024;
/** Clients send one a minute; their timers are not exact, in milliseconds. */
const MIN_PEX_INTERVAL = 45_000;
/** How many addresses of one peer are remembered. */
const MAX_PEX_PEERS = 1_000;

/** ut_metadata for peers whose message headers may be anything. */
function boundedMetadata(info?: Uint8Array): typeof UtMetadata {
  return class extends utMetadata(info) {
    override onMessage(payload: Uint8Array): void {
      const header = payload.subarray(0, bencodedLength(payload));
      // The package measures the header in characters, and decodes those: they must be bytes.
      if (header.every((byte) => byte < 0x80)) super.onMessage(payload);
    }
  };
}

/** Serves the info dictionary to one peer. */
export function serveMetadata(wire: PeerWire, info: Uint8Array): void {
  wire.protocol.use(boundedMetadata(info));
}

/** What is wanted of {@linkcode fetchMetadata}, and what happens then. */
export interface MetadataRequest {
  readonly infohash: string;
  /** The largest dictionary accepted, in bytes. */
  readonly maxBytes: number;
  /** Called with the dictionary, which hashes to `infohash`. */
  readonly received: (info: Uint8Array) => void;
  /** Called when the peer sent, or announced, something else. */
  readonly lied: () => void;
}

/**
 * Asks one peer for the info dictionary, once connected.
 *
 * The package decodes what it got before it checks the hash, believes any size up to 10 MB, and
 * asks a peer that lied again; this doesn't.
 *
 * @returns a function to call once the dictionary is known: it stops asking, and tells the peer that
 * it may now ask us
 */
export function fetchMetadata(
  wire: PeerWire,
  request: MetadataRequest,
): (info: Uint8Array) => void {
  class RequestedMetadata extends boundedMetadata() {
    override onExtendedHandshake(handshake: Readonly<Record<string, unknown>>): void {
      const size = handshake["metadata_size"];
      if (typeof size === "number" && size > request.maxBytes) return request.lied();
      super.onExtendedHandshake(handshake);
    }

    /** @param info a dictionary that was checked: the package decodes it */
    async known(info: Uint8Array): Promise<void> {
      this.cancel();
      await super.setMetadata(info);
      if (!wire.closed) wire.protocol._sendExtendedHandshake(); // again, now with its size
    }

    override setMetadata(info: Uint8Array): Promise<boolean> {
      this.cancel();
      const honest = infohashOf(info) === request.infohash;
      if (honest) request.received(info);
      else request.lied();
      return Promise.resolve(honest);
    }
  }
  wire.protocol.use(RequestedMetadata);
  const extension = (wire.protocol as unknown as { ut_metadata: RequestedMetadata }).ut_metadata;
  extension.fetch();
  return (info) => void extension.known(info);
}

/** Exchanges addresses with one peer. */
export interface Pex {
  /**
   * Tells the peer of "host:port" or "[host]:port": the first at once, later ones with the next
   * minute's message.
   */
  add(peer: string): void;
  drop(peer: string): void;
  stop(): void;
}

/**
 * Adds PEX to a connection.
 *
 * The package ends a connection whose message comes a millisecond early and remembers addresses
 * without limit; this ignores the message and doesn't.
 *
 * @param found called with each "host:port" that the peer tells
 */
export function exchangePeers(wire: PeerWire, found: (peer: string) => void): Pex {
  let last = -Infinity;
  class BoundedPex extends utPex() {
    override onMessage(payload: Uint8Array): void {
      const now = performance.now();
      if (now - last < MIN_PEX_INTERVAL || payload.length > MAX_PEX_MESSAGE) return;
      last = now;
      this._lastMessageTimestamp = 0;
      if (Object.keys(this._remoteAddedPeers).length > MAX_PEX_PEERS) this._remoteAddedPeers = {};
      if (Object.keys(this._remoteDroppedPeers).length > MAX_PEX_PEERS) {
        this._remoteDroppedPeers = {};
      }
      super.onMessage(payload);
    }
  }
  wire.protocol.use(BoundedPex);
  const extension = (wire.protocol as unknown as { ut_pex: UtPex }).ut_pex;
  extension.on("peer", found);
  let started = false;
  const start = () => {
    if (started || !wire.protocol.peerExtendedMapping["ut_pex"]) return;
    started = true;
    extension._sendMessage();
    extension.start();
  };
  return {
    add: (peer) => {
      const flags = { isReachable: true };
      if (isIpv6(peer)) extension.addPeer6(peer, flags);
      else extension.addPeer(peer, flags);
      start();
    },
    drop: (peer) => isIpv6(peer) ? extension.dropPeer6(peer) : extension.dropPeer(peer),
    stop: () => extension.reset(),
  };
}

function isIpv6(peer: string): boolean {
  return peer.startsWith("[");
}
