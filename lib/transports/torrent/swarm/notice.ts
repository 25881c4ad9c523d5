/**
 * The extension `gtr_notice` (BEP 10): peers of a repository tell each other which publication of it
 * they know. It is a hint and no more: whoever hears of a newer one looks for its signed record.
 *
 * @module
 */
// @ts-types="../../../types/bencode.d.ts"
import bencode from "bencode";
import { BencodeError, decodeBencode } from "../bencode.ts";
import type { PeerWire } from "./wire.ts";

/** A message is about 25 bytes; later versions may say more. */
const MAX_MESSAGE = 256;
/** Messages that one connection may bring. */
const MAX_MESSAGES = 1000;

/**
 * Adds the extension to a connection. The peer is told as soon as it says that it knows the
 * extension, if there is something to tell.
 *
 * @param current the sequence number known here, 0 for none
 * @param heard called with each sequence number that the peer tells
 * @returns tells the peer what is current now
 */
export function exchangeNotices(
  wire: PeerWire,
  current: () => number,
  heard: (sequence: number) => void,
): () => void {
  let told = 0;
  let messages = 0;
  const tell = () => {
    const sequence = current();
    if (wire.closed || sequence <= told || !wire.protocol.peerExtendedMapping["gtr_notice"]) return;
    told = sequence;
    wire.protocol.extended("gtr_notice", bencode.encode({ seq: sequence }));
  };
  class Notice {
    onExtendedHandshake(): void {
      tell();
    }

    onMessage(payload: Uint8Array): void {
      if (++messages > MAX_MESSAGES) return wire.close("notice-flood");
      const sequence = readNotice(payload);
      if (sequence === undefined) return wire.close("bad-notice");
      heard(sequence);
    }
  }
  Object.defineProperty(Notice.prototype, "name", { value: "gtr_notice" });
  wire.protocol.use(Notice);
  return tell;
}

/** The sequence number in a message, or undefined where there is none. */
export function readNotice(payload: Uint8Array): number | undefined {
  if (payload.length > MAX_MESSAGE) return undefined;
  try {
    const { value } = decodeBencode(payload);
    const sequence = value instanceof Map ? value.get("seq") : undefined;
    return typeof sequence === "number" && sequence > 0 ? sequence : undefined;
  } catch (error) {
    if (error instanceof BencodeError) return undefined;
    throw error;
  }
}
