/**
 * A torrent whose file is whole.
 *
 * @module
 */
import { StoreError } from "../../../common/errors.ts";
import { Bitfield } from "./bitfield.ts";
import { infohashOf, parseInfo } from "./metainfo.ts";
import { PieceFile } from "./piece_file.ts";
import { SuperSeed } from "./super_seed.ts";
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
  /** Set while the file is open. */
  #spread: SuperSeed<Peer> | undefined;
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

  protected override joined(peer: Peer): void {
    const { protocol } = peer.wire;
    protocol.on("bitfield", () => this.#readPieces(peer));
    protocol.on("have", (piece) => {
      this.#spread?.has(peer, piece, performance.now());
      this.#tellDue();
    });
    this.#readPieces(peer);
  }

  /** Everything, or some of it: see {@linkcode SuperSeed}. */
  protected override present(peer: Peer): void {
    if (this.#spread?.join(peer) ?? true) super.present(peer);
  }

  protected override asked(peer: Peer, piece: number): void {
    this.#spread?.asked(peer, piece, performance.now());
  }

  protected override fetchesNothing(peer: Peer): void {
    this.#tell(peer, this.#spread?.all(peer) ?? []);
    this.#spread?.leave(peer);
  }

  protected override learned(): void {}

  protected override left(peer: Peer): void {
    this.#spread?.leave(peer);
    this.#tellDue();
    if (this.#hasAll(peer)) this.#remember(`${peer.id}@${peer.wire.host}`);
    if (this.peerSet.size === 0) this.#opening?.then(() => this.#release(), () => {});
  }

  #readPieces(peer: Peer): void {
    const now = performance.now();
    const pieces = this.content?.info.pieces ?? 0;
    const { peerPieces } = peer.wire.protocol;
    for (let i = 0; i < pieces; i++) if (peerPieces.get(i)) this.#spread?.has(peer, i, now);
    this.#tellDue();
  }

  #tellDue(): void {
    for (const [peer, pieces] of this.#spread?.due(performance.now()) ?? []) {
      this.#tell(peer, pieces);
    }
  }

  #tell({ wire }: Peer, pieces: readonly number[]): void {
    for (const piece of pieces) if (!wire.closed) wire.protocol.have(piece);
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
    this.#spread = undefined;
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
    this.#spread = new SuperSeed(info.pieces);
  }
}
