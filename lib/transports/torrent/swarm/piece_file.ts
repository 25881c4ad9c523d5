/**
 * The file of a torrent, read and written piece by piece: never held in memory as a whole.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { storeError } from "../../../common/atomic_file.ts";
import { StoreError } from "../../../common/errors.ts";
import { Bitfield } from "./bitfield.ts";
import { type Metainfo, pieceSize } from "./metainfo.ts";

/** Whether `bytes` are what the torrent says of this piece. */
export function isPiece(info: Metainfo, piece: number, bytes: Uint8Array): boolean {
  const hash = createHash("sha1").update(bytes).digest();
  return hash.equals(info.hashes.subarray(20 * piece, 20 * piece + 20));
}

/** An open file. Reads and writes may overlap in time; they are carried out one after the other. */
export class PieceFile {
  readonly path: string;
  readonly info: Metainfo;
  readonly #file: Deno.FsFile;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(path: string, info: Metainfo, file: Deno.FsFile) {
    this.path = path;
    this.info = info;
    this.#file = file;
  }

  /**
   * Opens a file that is whole, for reading.
   *
   * @throws {StoreError} "damaged-store" where the size is another
   */
  static async openWhole(path: string, info: Metainfo): Promise<PieceFile> {
    const file = await opened(path, { read: true });
    if ((await file.stat()).size !== info.length) {
      file.close();
      throw new StoreError("damaged-store", `can't seed ${path}: its size is not ${info.length}`);
    }
    return new PieceFile(path, info, file);
  }

  /** Opens or creates a file to download into. What is there stays, see {@linkcode verified}. */
  static async openPartial(path: string, info: Metainfo): Promise<PieceFile> {
    const file = await opened(path, { read: true, write: true, create: true });
    if ((await file.stat()).size > info.length) await file.truncate(info.length);
    return new PieceFile(path, info, file);
  }

  /** Hashes what the file holds and says which pieces are right. */
  async verified(signal: AbortSignal): Promise<Bitfield> {
    const { info } = this;
    const have = new Bitfield(info.pieces);
    const { size } = await this.#file.stat();
    const buffer = new Uint8Array(Math.min(info.pieceLength, size));
    for (let piece = 0; piece < info.pieces; piece++) {
      signal.throwIfAborted();
      const offset = piece * info.pieceLength;
      const bytes = buffer.subarray(0, pieceSize(info, piece));
      if (offset + pieceSize(info, piece) > size) break;
      await this.read(offset, bytes);
      if (isPiece(info, piece, bytes)) have.add(piece);
    }
    return have;
  }

  /**
   * Fills `into` with the bytes from `offset` on.
   *
   * @throws {StoreError} where the disk fails or the file ends early
   */
  read(offset: number, into: Uint8Array): Promise<void> {
    return this.#inTurn(`can't read ${this.path}`, async () => {
      this.#file.seekSync(offset, Deno.SeekMode.Start);
      for (let at = 0; at < into.length;) {
        const n = await this.#file.read(into.subarray(at));
        if (n === null) throw new StoreError("damaged-store", `can't read ${this.path}: too short`);
        at += n;
      }
    });
  }

  /**
   * Writes one piece.
   *
   * @throws {StoreError} "disk-full" and others
   */
  write(piece: number, bytes: Uint8Array): Promise<void> {
    return this.#inTurn(`can't write ${this.path}`, async () => {
      this.#file.seekSync(piece * this.info.pieceLength, Deno.SeekMode.Start);
      for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
    });
  }

  /** Closes the file once reads and writes under way have ended. */
  async close(): Promise<void> {
    await this.#last.catch(() => {});
    this.#file.close();
  }

  #inTurn<T>(what: string, work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work).catch((error) => {
      throw storeError(what, error);
    });
    this.#last = mine;
    mine.catch(() => {}); // its caller hears of it
    return mine;
  }
}

async function opened(path: string, options: Deno.OpenOptions): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, options);
  } catch (error) {
    throw storeError(`can't open ${path}`, error);
  }
}
