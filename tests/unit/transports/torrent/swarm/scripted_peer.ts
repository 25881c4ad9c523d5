/** A peer that does what a test tells it to: has some pieces, lies, or says nothing. */
import { createServer, type Server, type Socket } from "node:net";
// @ts-types="../../../../../lib/types/bittorrent_protocol.d.ts"
import type Wire from "bittorrent-protocol";
import { Bitfield } from "../../../../../lib/transports/torrent/swarm/bitfield.ts";
import { PeerWire } from "../../../../../lib/transports/torrent/swarm/wire.ts";
import { concat, type TestTorrent } from "./fixture.ts";

export interface Script {
  /** Pieces it says it has; default all. */
  readonly has?: (piece: number) => boolean;
  /** Pieces whose bytes are wrong. */
  readonly corrupts?: (piece: number) => boolean;
  /** The metadata it serves; default the right one. */
  readonly info?: Uint8Array;
  /** The number of the metadata piece that it claims to send. */
  readonly infoPiece?: number;
  /** Where it falls silent. */
  readonly silent?: "at-once" | "after-handshake" | "when-asked";
  /** PEX messages that it sends at the beginning: the addresses in each, compact (BEP 11). */
  readonly pex?: readonly Uint8Array[];
  /** Never unchokes. */
  readonly chokes?: boolean;
}

export class ScriptedPeer implements AsyncDisposable {
  readonly #torrent: TestTorrent;
  readonly #script: Script;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** 40 hex digits. */
  readonly id: string;
  /** The pieces of the blocks it was asked for. */
  readonly asked = new Set<number>();
  port = 0;
  connections = 0;

  private constructor(torrent: TestTorrent, script: Script) {
    this.#torrent = torrent;
    this.#script = script;
    this.id = crypto.randomUUID().replaceAll("-", "").padEnd(40, "0");
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static listen(torrent: TestTorrent, script: Script = {}): Promise<ScriptedPeer> {
    const peer = new ScriptedPeer(torrent, script);
    return new Promise((resolve) => {
      peer.#server.listen(0, "127.0.0.1", () => {
        peer.port = (peer.#server.address() as { port: number }).port;
        resolve(peer);
      });
    });
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    const { silent, info, has, corrupts, chokes } = this.#script;
    if (silent === "at-once") return void socket.resume();
    const { bytes, pieceLength, infohash } = this.#torrent;
    const wire = new PeerWire(socket, false, () => {});
    const { protocol } = wire;
    protocol.use(anyMetadata(info ?? this.#torrent.info, this.#script.infoPiece));
    protocol.on("handshake", () => {
      protocol.handshake(infohash, this.id, { dht: false, fast: false });
      if (silent === "after-handshake") return;
      const pieces = new Bitfield(Math.ceil(bytes.length / pieceLength));
      for (let i = 0; i < pieces.size; i++) if (has?.(i) ?? true) pieces.add(i);
      protocol.bitfield(pieces.bytes);
    });
    const lists = [...this.#script.pex ?? []];
    protocol.on("extended", (name) => {
      if (name !== "handshake") return;
      for (const added of lists.splice(0)) {
        protocol.extended("ut_pex", concat(`d5:added${added.length}:`, added, "e"));
      }
    });
    protocol.on("interested", () => chokes || protocol.unchoke());
    protocol.on("request", (piece, offset, length, respond) => {
      this.asked.add(piece);
      if (silent) return;
      const start = piece * pieceLength + offset;
      const block = bytes.slice(start, start + length);
      if (corrupts?.(piece)) block[0]! ^= 1;
      respond(null, block);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** Serves anything as metadata; the real extension would decode it first. */
function anyMetadata(info: Uint8Array, infoPiece?: number) {
  class AnyMetadata {
    readonly #wire: Wire;
    declare readonly name: string;

    constructor(wire: Wire) {
      this.#wire = wire;
      wire.extendedHandshake["metadata_size"] = info.length;
    }

    onMessage(payload: Uint8Array): void {
      const piece = Number(/5:piecei(\d+)e/.exec(new TextDecoder().decode(payload))![1]);
      const header = `d8:msg_typei1e5:piecei${infoPiece ?? piece}e10:total_sizei${info.length}ee`;
      const part = info.subarray(piece * 16384, (piece + 1) * 16384);
      this.#wire.extended("ut_metadata", concat(header, part));
    }
  }
  Object.assign(AnyMetadata.prototype, { name: "ut_metadata" });
  return AnyMetadata;
}
