/**
 * Asking one peer whether it has all of a torrent: a connection that fetches nothing.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { Bitfield } from "./bitfield.ts";
import type { PeerWire } from "./wire.ts";

/** The torrent in question, and who is expected at the other end. */
export interface ProbeQuestion {
  /** 40 lower-case hex digits. */
  readonly infohash: string;
  /** How many pieces it has. */
  readonly pieces: number;
  /** The id that the peer gave elsewhere, 40 hex digits. */
  readonly peerId: string;
}

/**
 * Shakes hands and waits until the peer says that it has every piece: by its bitfield, or by that and
 * what it tells later (BEP 3). What it says is not checked. Ends the connection.
 *
 * @returns false where another peer answers, or this one hangs up or says no more until the abort
 */
export function saysItHasAll(
  wire: PeerWire,
  { infohash, pieces, peerId }: ProbeQuestion,
  signal: AbortSignal,
): Promise<boolean> {
  const { protocol } = wire;
  const has = new Bitfield(pieces);
  let answered = false;
  return new Promise((resolve) => {
    const end = (outcome: boolean) => {
      signal.removeEventListener("abort", abort);
      resolve(outcome);
      wire.close();
    };
    const abort = () => end(false);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    wire.onClose(() => end(false));
    protocol.on("handshake", (theirs, id) => {
      if (theirs !== infohash || id !== peerId) end(false);
    });
    protocol.on("bitfield", () => {
      if (answered) return; // there is one, at the beginning; reading it takes time
      answered = true;
      for (let i = 0; i < pieces; i++) if (protocol.peerPieces.get(i)) has.add(i);
      if (has.isFull) end(true);
    });
    protocol.on("have", (piece) => {
      has.add(piece);
      if (has.isFull) end(true);
    });
    // A seed may tell readers of some pieces only.
    protocol.extendedHandshake["upload_only"] = 1;
    // Under an id of its own: the peer keeps only one connection to each, and may be using that.
    protocol.handshake(infohash, randomBytes(20).toString("hex"), { dht: true, fast: false });
  });
}
