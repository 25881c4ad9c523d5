/**
 * ut_pex (BEP 11), bounded: connected peers tell each other of further ones.
 *
 * @module
 */
// @ts-types="../../../types/ut_pex.d.ts"
import utPex, { type UtPex } from "ut_pex";
import { mayDial, reachOf } from "../../../common/reach.ts";
import { PexAllowance, PexPace } from "./pex_pace.ts";
import type { PeerWire } from "./wire.ts";

/** A message with 50 peers of each kind takes less, in bytes. */
const MAX_MESSAGE = 8 * 1024;
/** Addresses taken from one message: BEP 11 allows 50 of IPv4 and of IPv6. */
const MAX_ADDRESSES = 100;
/** How many addresses of one peer are remembered. */
const MAX_REMEMBERED = 1_000;
/** How many wait to be told. */
const MAX_WAITING = 200;

/** Exchanges addresses with one peer. */
export interface Pex {
  /** Tells the peer of "host:port" or "[host]:port", as soon as the pace allows. */
  add(peer: string): void;
  drop(peer: string): void;
  stop(): void;
}

/**
 * Whether a peer may tell of an address: one on the public network knows of none nearer, and from
 * here such an address leads elsewhere.
 *
 * @param from the peer's own address
 */
export function mayTell(from: string, host: string): boolean {
  return mayDial(host, reachOf(from));
}

/** What happens on a connection. */
export interface PexEvents {
  /** The peer told of "host:port". */
  readonly found: (peer: string) => void;
  /** Counts what was ignored. */
  readonly dropped: (reason: string) => void;
}

/**
 * Adds PEX to a connection.
 *
 * The package ends a connection whose message comes a millisecond early, sends one a minute however
 * short a transfer is, and remembers addresses without limit; this doesn't.
 */
export function exchangePeers(wire: PeerWire, { found, dropped }: PexEvents): Pex {
  const allowance = new PexAllowance();
  let room = 0;
  class BoundedPex extends utPex() {
    override onMessage(payload: Uint8Array): void {
      if (payload.length > MAX_MESSAGE) return dropped("oversized-pex");
      if (!allowance.take(performance.now())) return dropped("pex-flood");
      this._lastMessageTimestamp = 0;
      if (Object.keys(this._remoteAddedPeers).length > MAX_REMEMBERED) this._remoteAddedPeers = {};
      if (Object.keys(this._remoteDroppedPeers).length > MAX_REMEMBERED) {
        this._remoteDroppedPeers = {};
      }
      room = MAX_ADDRESSES;
      super.onMessage(payload);
      if (room < 0) dropped("too-many-pex-peers");
    }
  }
  wire.protocol.use(BoundedPex);
  const extension = (wire.protocol as unknown as { ut_pex: UtPex }).ut_pex;
  extension.on("peer", (peer) => {
    if (--room >= 0) found(peer);
  });

  const pace = new PexPace();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const send = () => {
    timer = undefined;
    pace.sent(performance.now());
    if (!wire.closed) extension._sendMessage();
  };
  const sendSoon = () => {
    if (timer !== undefined || !wire.protocol.peerExtendedMapping["ut_pex"]) return;
    timer = setTimeout(send, pace.wait(performance.now(), isGtr(wire)));
  };
  return {
    add: (peer) => {
      if (Object.keys(extension._localAddedPeers).length >= MAX_WAITING) return;
      const flags = { isReachable: true };
      if (isIpv6(peer)) extension.addPeer6(peer, flags);
      else extension.addPeer(peer, flags);
      sendSoon();
    },
    drop: (peer) => {
      if (Object.keys(extension._localDroppedPeers).length >= MAX_WAITING) return;
      if (isIpv6(peer)) extension.dropPeer6(peer);
      else extension.dropPeer(peer);
    },
    stop: () => {
      clearTimeout(timer);
      extension.reset();
    },
  };
}

/** Whether the peer says that it is gtr. */
function isGtr(wire: PeerWire): boolean {
  const { v } = wire.protocol.peerExtendedHandshake;
  return v instanceof Uint8Array && new TextDecoder().decode(v.subarray(0, 8)) === "gtr";
}

function isIpv6(peer: string): boolean {
  return peer.startsWith("[");
}
