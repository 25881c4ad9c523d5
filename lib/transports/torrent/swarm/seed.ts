/**
 * A torrent whose file is whole.
 *
 * @module
 */
import { StoreError } from "../../../common/errors.ts";
import { Bitfield } from "./bitfield.ts";
import { infohashOf, parseInfo } from "./metainfo.ts";
import { PieceFile } from "./piece_file.ts";
import { type SwarmContext, Torrent } from "./torrent.ts";

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

  constructor(swarm: SwarmContext, options: SeedOptions) {
    super(swarm, options.infohash);
    this.options = options;
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

  protected override left(): void {
    if (this.peerSet.size === 0) this.#opening?.then(() => this.#release(), () => {});
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
