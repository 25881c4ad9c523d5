/** Two ends of one connection on loopback, as two swarms have it. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { PeerWire } from "../../../../../lib/transports/torrent/swarm/wire.ts";

const INFOHASH = "ab".repeat(20);
/** Pieces that were told of. */
let pieces = 100;

/** One end, and what was dropped there. */
export interface End {
  readonly wire: PeerWire;
  readonly socket: Socket;
  readonly dropped: string[];
}

/** Two sockets that are connected to each other. */
export async function socketPair(): Promise<[near: Socket, far: Socket]> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const near = connect((server.address() as { port: number }).port, "127.0.0.1");
  const [[far]] = await Promise.all([accepted, once(near, "connect")]);
  server.close();
  return [near, far];
}

/** A wire on a socket. */
export function endOf(socket: Socket, outgoing: boolean): End {
  const dropped: string[] = [];
  return { socket, dropped, wire: new PeerWire(socket, outgoing, (why) => dropped.push(why)) };
}

/**
 * Runs a test on both ends of a connection.
 *
 * @param prepare gives an end its extensions, before the peers have greeted each other
 */
export async function withPair(
  prepare: {
    readonly near?: (end: End) => void;
    readonly far?: (end: End) => void;
    readonly infohash?: string;
  },
  work: (near: End, far: End) => Promise<void>,
): Promise<void> {
  const [one, other] = await socketPair();
  const [near, far] = [endOf(one, true), endOf(other, false)];
  prepare.near?.(near);
  prepare.far?.(far);
  const greeted = [near, far].map(({ wire }, i) =>
    new Promise<void>((resolve) => {
      wire.protocol.on("handshake", () => {
        if (i === 1) greet(wire, i, prepare.infohash);
        resolve();
      });
    })
  );
  greet(near.wire, 0, prepare.infohash);
  try {
    await Promise.all(greeted);
    await work(near, far);
  } finally {
    near.wire.close();
    far.wire.close();
  }
}

function greet({ protocol }: PeerWire, i: number, infohash = INFOHASH): void {
  protocol.handshake(infohash, `${i}`.repeat(40), { dht: false, fast: false });
}

/** Resolves when the wire has ended. */
export const closed = ({ wire }: End) => new Promise<void>((resolve) => wire.onClose(resolve));

/** Resolves once all that one end has sent was read by the other. */
export async function arrived(from: End, to: End): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  to.wire.protocol.on("have", () => resolve());
  to.wire.onClose(() => reject(new Error(`the connection has ended: ${to.dropped}`)));
  from.wire.protocol.have(pieces++); // what was told before isn't heard
  await promise;
}

/** Resolves once this end knows that the other has an extension. */
export async function known({ wire }: End, extension: string): Promise<void> {
  if (wire.protocol.peerExtendedMapping[extension]) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  wire.protocol.on("extended", (name) => name === "handshake" && resolve());
  wire.onClose(() => reject(new Error("the connection has ended")));
  await promise;
}
