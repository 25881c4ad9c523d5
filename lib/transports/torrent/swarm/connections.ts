/**
 * The TCP connections of a swarm: who is let in, and whom it dials.
 *
 * @module
 */
import { connect, type Socket } from "node:net";
import { NetworkError } from "../../../common/errors.ts";
import { peerIp, placeOf } from "../../../common/ip_address.ts";
import type { Bans } from "./bans.ts";
import type { PeerAddress } from "./candidates.ts";
import { mostCrowded } from "./crowd.ts";
import { sniff } from "./first_bytes.ts";
import { PeerWire } from "./wire.ts";

/** What connections a swarm may have. */
export interface ConnectionLimits {
  /** Connections at once, both ways together. */
  readonly maxConnections: number;
  /** Counts one dropped connection under a short reason. */
  readonly dropped: (reason: string) => void;
  /** Takes over connections that begin with a TLS handshake; without it they are dropped. */
  readonly secure?: (socket: Socket) => void;
  /** Told the IP address of each connection that comes, whoever it is. */
  readonly arrived?: (host: string) => void;
  /** Whether an address that strangers told may be dialled, default any. */
  readonly mayDial?: (host: string) => boolean;
}

/** What {@linkcode Connections} is made from. */
export interface ConnectionsOptions extends ConnectionLimits {
  /** Milliseconds until a peer that says nothing is given up. */
  readonly patienceMs: number;
  readonly bans: Bans;
}

/** All of one port. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #greet: (wire: PeerWire) => void;
  readonly #wires = new Set<PeerWire>();
  /** Those that have not said yet which protocol they talk. */
  readonly #greeting = new Set<Socket>();
  #dialling = 0;
  #closed = false;

  /** @param greet takes over the wire of each BitTorrent peer that comes, before it says anything */
  constructor(options: ConnectionsOptions, greet: (wire: PeerWire) => void) {
    this.#options = options;
    this.#greet = greet;
  }

  /** Every incoming connection starts here. */
  async accept(socket: Socket): Promise<void> {
    socket.on("error", () => socket.destroy());
    const { maxConnections, secure, dropped, bans, patienceMs } = this.#options;
    // A quarter is kept for connections of our own: strangers can't keep us from fetching.
    const room = maxConnections - Math.floor(maxConnections / 4);
    const host = peerIp(socket);
    this.#options.arrived?.(host);
    const isBanned = bans.has(host);
    const isFull = this.#wires.size + this.#greeting.size >= room;
    if (this.#closed || isBanned || (isFull && !this.#makeRoom(host))) {
      dropped(isBanned ? "banned" : "too-many-connections");
      return void socket.destroy();
    }
    this.#greeting.add(socket);
    const kind = await sniff(socket, patienceMs);
    this.#greeting.delete(socket);
    if (this.#closed || socket.destroyed) return void socket.destroy();
    if (kind === "tls" && secure) return secure(socket);
    if (kind === "other") {
      this.#greet(this.#wire(socket, false));
      return void socket.resume();
    }
    dropped(kind === "tls" ? "no-live-streams" : "silent-peer");
    socket.destroy();
  }

  /**
   * Connects to a peer.
   *
   * @throws {NetworkError} "inside-address" or "too-many-connections"
   */
  async dial({ host, port }: PeerAddress): Promise<PeerWire> {
    if (this.#options.mayDial?.(host) === false) {
      this.#options.dropped("inside-address");
      throw new NetworkError("inside-address", `can't connect to ${host}: it is not a peer's`);
    }
    if (this.#closed || this.#wires.size + this.#dialling >= this.#options.maxConnections) {
      throw new NetworkError("too-many-connections", `can't connect to ${host}:${port}: no room`);
    }
    this.#dialling++;
    try {
      return await new Promise((resolve, reject) => {
        const socket = connect({ host, port });
        socket.setTimeout(this.#options.patienceMs, () => socket.destroy(new Error("no answer")));
        socket.once("connect", () => {
          socket.removeListener("error", reject);
          socket.removeListener("close", reject);
          socket.setTimeout(0);
          socket.removeAllListeners("timeout");
          resolve(this.#wire(socket, true));
        });
        socket.once("error", reject);
        socket.once("close", reject);
      });
    } finally {
      this.#dialling--;
    }
  }

  /** Ends all of them, and takes no more. */
  close(): void {
    this.#closed = true;
    for (const wire of [...this.#wires]) wire.close();
    for (const socket of this.#greeting) socket.destroy();
  }

  /** Ends the newest connection of an address (of IPv6: of 64 bits) that has more than its share; says whether there is one. */
  #makeRoom(newcomer: string): boolean {
    const places = [
      ...[...this.#wires].filter(({ outgoing }) => !outgoing)
        .map((wire) => ({ host: wire.host, end: () => wire.close("crowded-out") })),
      ...[...this.#greeting]
        .map((socket) => ({ host: peerIp(socket), end: () => void socket.destroy() })),
    ];
    const crowded = mostCrowded(places.map(({ host }) => placeOf(host)), placeOf(newcomer));
    if (crowded === undefined) return false;
    places.findLast(({ host }) => placeOf(host) === crowded)!.end();
    return true;
  }

  #wire(socket: Socket, outgoing: boolean): PeerWire {
    const wire = new PeerWire(socket, outgoing, this.#options.dropped);
    // Not an idle timeout: a byte now and then must not hold a connection.
    const timer = setTimeout(() => wire.close("silent-peer"), this.#options.patienceMs);
    wire.protocol.on("handshake", () => clearTimeout(timer));
    wire.onClose(() => clearTimeout(timer));
    this.#wires.add(wire);
    wire.onClose(() => this.#wires.delete(wire));
    return wire;
  }
}
