/**
 * The parts of files that were read last, so that a piece asked for block by block, by several
 * peers, is read once.
 *
 * @module
 */
import type { PieceFile } from "./piece_file.ts";

/** Bytes read at once: no more than a piece, as the next one may not be there yet. */
const CHUNK = 256 * 1024;

/** Reads files through a cache of bounded size. */
export class ChunkCache {
  readonly #maxBytes: number;
  #bytes = 0;
  readonly #chunks = new Map<string, Promise<Uint8Array> | Uint8Array>();
  /** Key of a chunk -> its bytes. */
  readonly #sizes = new Map<string, number>();
  readonly #ids = new WeakMap<PieceFile, number>();
  #nextId = 0;

  /** @param bytes how much is kept at most */
  constructor(bytes: number) {
    this.#maxBytes = bytes;
  }

  /** Bytes of a file; at once, without a promise, where they are cached. */
  read(file: PieceFile, offset: number, length: number): Promise<Uint8Array> | Uint8Array {
    const size = chunkSize(file);
    const index = Math.floor(offset / size);
    const start = offset - index * size;
    if (start + length > size) return readPart(file, offset, length); // unusual, never ours
    const chunk = this.#chunk(file, index);
    if (chunk instanceof Uint8Array) return chunk.subarray(start, start + length);
    return chunk.then((bytes) => bytes.subarray(start, start + length));
  }

  /** Frees what is cached of a file. */
  forget(file: PieceFile): void {
    const prefix = this.#prefix(file);
    for (const key of [...this.#chunks.keys()]) {
      if (key.startsWith(prefix)) this.#delete(key);
    }
  }

  #delete(key: string): void {
    this.#chunks.delete(key);
    this.#bytes -= this.#sizes.get(key) ?? 0;
    this.#sizes.delete(key);
  }

  #prefix(file: PieceFile): string {
    let id = this.#ids.get(file);
    if (id === undefined) this.#ids.set(file, id = this.#nextId++);
    return `${id}:`;
  }

  #chunk(file: PieceFile, index: number): Promise<Uint8Array> | Uint8Array {
    const key = this.#prefix(file) + index;
    const known = this.#chunks.get(key);
    if (known !== undefined) {
      this.#chunks.delete(key); // to the young end
      this.#chunks.set(key, known);
      return known;
    }
    const size = chunkSize(file);
    const offset = index * size;
    const reading = readPart(file, offset, Math.min(size, file.info.length - offset));
    this.#chunks.set(key, reading);
    this.#sizes.set(key, size);
    this.#bytes += size;
    while (this.#chunks.size > 1 && this.#bytes > this.#maxBytes) {
      this.#delete(this.#chunks.keys().next().value!);
    }
    reading.then((bytes) => {
      if (this.#chunks.get(key) === reading) this.#chunks.set(key, bytes);
    }, () => {
      if (this.#chunks.get(key) === reading) this.#delete(key);
    });
    return reading;
  }
}

function chunkSize({ info }: PieceFile): number {
  return Math.min(CHUNK, info.pieceLength);
}

async function readPart(file: PieceFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await file.read(offset, bytes);
  return bytes;
}
