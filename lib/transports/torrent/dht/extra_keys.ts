/**
 * What KRPC messages carry beside what bittorrent-dht sends: the program that sends it (BEP 5, "v"),
 * and in replies where they go (BEP 42, "ip"), by which the asker learns its address outside.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { compactAddress } from "../address.ts";
import type { KrpcSocket, Reply } from "../../../types/bittorrent_dht.d.ts";

/** Two letters and a version of two bytes. */
const VERSION = Buffer.from("GT\x01\x00", "latin1");

/** Has the socket add them to all that it sends. */
export function addKeys(socket: KrpcSocket): void {
  const send = socket.send.bind(socket);
  socket.send = (peer, message, done) => {
    const host = "address" in peer ? peer.address : peer.host;
    const ip = message.y === "q"
      ? {}
      : { ip: Buffer.from(compactAddress({ host, port: peer.port })) };
    send(peer, { ...message, ...ip, v: VERSION }, done);
  };
}

/** The 4 or 16 bytes of the address that a reply says it goes to; undefined if it says none. */
export function seenAddress({ ip }: Reply): Uint8Array | undefined {
  const isAddress = ip instanceof Uint8Array && (ip.length === 6 || ip.length === 18);
  return isAddress ? ip.subarray(0, -2) : undefined;
}

/** Whether another gtr sent it, by its own word. */
export function isOfGtr({ v }: Reply): boolean {
  return v instanceof Uint8Array && v.length === 4 &&
    VERSION.subarray(0, 2).equals(v.subarray(0, 2));
}
