/**
 * A UDP socket that is safe to give to k-rpc-socket on Deno.
 *
 * - Deno hands out slices of 64 KiB receive buffers, and a routing table that keeps one 20-byte id of
 *   each would pin them all: packets are copied.
 * - Exceptions thrown by listeners vanish in Deno and end the process in Node: they are caught and
 *   counted.
 * - The decoder behind it loops for ever on some malformed packets: they are refused here.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { bencodedLength } from "../bencode.ts";
import type { Family } from "./contacts.ts";

/** No KRPC packet of any known client is longer. */
const MAX_PACKET = 8192;

/** What happens around a packet. */
export interface PacketHooks {
  /** A well-formed packet came from there. */
  readonly onPacket: (from: RemoteInfo) => void;
  /** A listener threw while it handled a packet. */
  readonly onFault: () => void;
  /** Counts one packet that was not used. */
  readonly dropped: (reason: string) => void;
}

/** A UDP socket of one family, not yet bound. */
export function safeSocket(family: Family, hooks: PacketHooks): Socket {
  const socket = createSocket({ type: `udp${family}`, ipv6Only: family === 6 });
  const emit = socket.emit.bind(socket) as (event: string, ...rest: unknown[]) => boolean;
  socket.emit = ((event: string, ...rest: unknown[]) => {
    if (event !== "message") return emit(event, ...rest);
    const [packet, from] = rest as [Uint8Array, RemoteInfo];
    if (packet.length > MAX_PACKET || bencodedLength(packet) < 0) {
      hooks.dropped("bad-dht-packet");
      return true;
    }
    const copy = Buffer.allocUnsafeSlow(packet.length);
    copy.set(packet);
    hooks.onPacket(from);
    try {
      return emit(event, copy, from);
    } catch {
      hooks.dropped("bad-dht-message");
      hooks.onFault();
      return true;
    }
  }) as Socket["emit"];
  return socket;
}
