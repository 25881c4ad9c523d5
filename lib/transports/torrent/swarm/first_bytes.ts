/**
 * Which protocol an incoming connection talks.
 *
 * @module
 */
import type { Socket } from "node:net";

/** A TLS record with a handshake begins so (RFC 8446, 5.1); then comes the version's minor number. */
const TLS = [0x16, 0x03];

/**
 * Looks at the first bytes, which are still to be read afterwards; the socket is paused then.
 * BitTorrent's plain handshake begins with 0x13; an encrypted one with any byte, so that three are
 * looked at: one in eleven million of them is taken for TLS.
 *
 * @returns undefined where nothing comes within `ms` milliseconds, or the connection ends
 */
export function sniff(socket: Socket, ms: number): Promise<"tls" | "other" | undefined> {
  return new Promise((resolve) => {
    const held: Uint8Array[] = [];
    const finish = (kind: "tls" | "other" | undefined) => {
      clearTimeout(timer);
      socket.removeListener("data", look);
      socket.removeListener("close", ended);
      socket.pause();
      if (kind) { for (const chunk of held.reverse()) socket.unshift(chunk); }
      resolve(kind);
    };
    const ended = () => finish(undefined);
    const look = (chunk: Uint8Array) => {
      held.push(chunk);
      const first = held.flatMap((part) => [...part.subarray(0, 3)]).slice(0, 3);
      const isOther = first.some((byte, i) => (i < 2 ? byte !== TLS[i] : byte > 4));
      if (isOther) finish("other");
      else if (first.length === 3) finish("tls");
    };
    const timer = setTimeout(() => finish(undefined), ms);
    socket.on("data", look);
    socket.once("close", ended);
  });
}
