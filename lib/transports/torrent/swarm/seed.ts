/**
 * A torrent whose file is whole.
 *
 * @module
 */
import { StoreError } from "../../../common/errors.ts";
import { Bitfield } from "./bitfield.ts";
import { infohashOf, parseInfo } from "./metainfo.ts";
import { PieceFile } from "./piece_file.ts";
import { type Peer, type SwarmContext, Torrent } from "./torrent.ts";

/** So many peers that have fetched it all are remembered. */
const MAX_REMEMBERED = 100;

/** What {@linkcode Seed} serves. */
export interface SeedOptions {
  /** 40 lower-case hex digits. */
  readonly infohash: string;
  /** The whole, verified file; it isn't opened before a peer comes. */
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  /** The info dictionary; not asked for before a peer comes. */
  readonly info: () => Promise<Uint8Array>;
}

/** Serves a file while peers are connected; between them it is closed and costs nothing. */
export class Seed extends Torrent {
  readonly options: SeedOptions;
  #opening: Promise<void> | undefined;
  /** "<id>@<host>" of peers that left with all pieces. */
  readonly #served = new Set<string>();

  constructor(swarm: SwarmContext, options: SeedOptions) {
    super(swarm, options.infohash);
    this.options = options;
  }

  /** Whether a peer that is or was connected here has said that it has every piece. */
  hasSeenWhole(id: string, host: string): boolean {
    const isHere = (peer: Peer) => peer.id === id && peer.wire.host === host && this.#hasAll(peer);
    return this.#served.has(`${id}@${host}`) || [...this.peerSet].some(isHere);
  }

  protected override prepare(): Promise<void> | undefined {
    if (this.content) return undefined;
    return this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined; // the next peer tries again
      throw error;
    });
  }

  protected override requestMetadata(): void {}

  protected override joined(): void {}

  protected override learned(): void {}

  protected override left(peer: Peer): void {
    if (this.#hasAll(peer)) this.#remember(`${peer.id}@${peer.wire.host}`);
    if (this.peerSet.size === 0) this.#opening?.then(() => this.#release(), () => {});
  }

  #hasAll({ ready, wire }: Peer): boolean {
    if (!ready || !this.content) return false;
    const { pieces } = this.content.info;
    // From the end: most peers that lack any piece lack the last ones.
    for (let i = pieces - 1; i >= 0; i--) if (!wire.protocol.peerPieces.get(i)) return false;
    return true;
  }

  #remember(peer: string): void {
    this.#served.delete(peer);
    this.#served.add(peer);
    for (const oldest of this.#served) {
      if (this.#served.size <= MAX_REMEMBERED) break;
      this.#served.delete(oldest);
    }
  }

  #release(): void {
    if (this.peerSet.size > 0 || !this.content) return;
    const { file } = this.content;
    this.content = undefined;
    this.#opening = undefined;
    this.swarm.uploads.forget(file);
    file.close();
  }

  async #open(): Promise<void> {
    const { infohash, path, size } = this.options;
    const bytes = await this.options.info();
    if (infohashOf(bytes) !== infohash) {
      throw new StoreError("damaged-store", `can't seed ${path}: its torrent is not ${infohash}`);
    }
    const info = parseInfo(bytes, size);
    const file = await PieceFile.openWhole(path, info);
    this.content = { info, file, have: Bitfield.full(info.pieces) };
  }
}
