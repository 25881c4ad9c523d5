/**
 * Keeping files on relays, in chunks (`chunk.ts`): the last resort, where no Blossom server has
 * them.
 *
 * @module
 */
import { open } from "node:fs/promises";
import { storeError } from "../../../common/atomic_file.ts";
import { NetworkError, StoreError } from "../../../common/errors.ts";
import { mapLimited } from "../../../common/map_limited.ts";
import type { EventTemplate, NostrEvent } from "../events/event.ts";
import type { NostrSigner } from "../events/signer.ts";
import type { Cargo } from "../relays/deliver.ts";
import type { Relays } from "../relays/relays.ts";
import { CHUNK_BYTES, chunkCount, chunkSize, encodeChunk } from "./chunk.ts";

/** A file that is put into events: on the disk, or in memory. */
export interface ChunkableFile {
  readonly sha256: string;
  /** Bytes; at most {@linkcode MAX_CHUNKED}. */
  readonly size: number;
  readonly from: string | Uint8Array;
}

/** A file whose chunks are signed. They are made of the file's bytes whenever they are needed. */
export interface ChunkedFile extends ChunkableFile {
  readonly identifier: string;
  /** The date of all its chunks, in seconds since 1970. */
  readonly created: number;
  /** The chunks' events, in their order. */
  readonly ids: readonly string[];
  readonly signatures: readonly string[];
  readonly pubkey: string;
}

/** Chunks that a relay is handed at once: 200 KB, which also a slow line brings before the deadline. */
const AT_ONCE = 4;

/** Signs the chunks of files, once, and remembers which relays have them. */
export class ChunkedFiles {
  /** "<identifier> <sha256>" -> the file. */
  readonly #files = new Map<string, ChunkedFile>();
  /** "<relay> <chunk>" of what the relay took when it was last handed over. */
  readonly #taken = new Set<string>();

  /** @param without relays that are not given files: they have git's own */
  constructor(readonly relays: Relays, readonly without: readonly string[]) {}

  /** From now on hands over again what relays had. */
  doubt(): void {
    this.#taken.clear();
  }

  /**
   * Files as a delivery takes them along.
   *
   * @param needed relays that have to take all that is delivered
   */
  cargo(files: readonly ChunkedFile[], urls: readonly string[], needed: number): Cargo | undefined {
    if (files.length === 0) return undefined;
    const takers = urls.filter((url) => !this.without.includes(url)).length;
    return {
      hand: (url, signal) => this.#hand(url, files, signal),
      quorum: Math.min(needed, takers),
    };
  }

  /** Whether any of these relays is given files. */
  isOf(relays: readonly string[]): boolean {
    return relays.some((url) => !this.without.includes(url));
  }

  /**
   * Signs the chunks of a file, unless that was done before.
   *
   * @param created their date: with that of before, the same events come of the same file
   * @throws {StoreError} where it can't be read
   */
  async sign(
    file: ChunkableFile,
    identifier: string,
    created: number,
    signer: NostrSigner,
    signal: AbortSignal,
  ): Promise<ChunkedFile> {
    const key = `${identifier} ${file.sha256}`;
    const known = this.#files.get(key);
    if (known?.pubkey === signer.pubkey) return { ...known, from: file.from };
    const repository = { pubkey: signer.pubkey, identifier };
    const ids: string[] = [];
    const signatures: string[] = [];
    await using reader = await openReader(file);
    for (let i = 0; i < chunkCount(file.size); i++) {
      const { id, sig } = await signer.sign(
        encodeChunk(await reader.chunk(i), repository, created),
        signal,
      );
      ids.push(id);
      signatures.push(sig);
    }
    const signed = { ...file, identifier, created, ids, signatures, pubkey: signer.pubkey };
    this.#files.set(key, signed);
    return signed;
  }

  /** Forgets the files of a repository but these. */
  keepOnly(identifier: string, files: readonly ChunkedFile[]): void {
    for (const [key, file] of this.#files) {
      const kept = file.identifier !== identifier ||
        files.some(({ sha256 }) => sha256 === file.sha256);
      if (!kept) this.#files.delete(key);
    }
  }

  /**
   * Hands a relay all chunks of files that it didn't take before.
   *
   * @throws {NetworkError} "refused" where the relay won't have them, or why it can't be reached
   */
  async #hand(url: string, files: readonly ChunkedFile[], signal: AbortSignal): Promise<void> {
    if (this.without.includes(url)) {
      throw new NetworkError("refused", `${url} is given no files: it has git's own`);
    }
    for (const file of files) {
      const missing = new Map(file.ids.map((id, i) => [id, i] as const)); // two may be the same
      for (const id of file.ids) if (this.#taken.has(`${url} ${id}`)) missing.delete(id);
      // One alone: a relay that takes none is not sent several.
      const [one, ...others] = missing.values();
      if (one === undefined) continue;
      await using reader = await openReader(file);
      const hand = async (i: number) => {
        const event = chunkEvent(file, i, await reader.chunk(i));
        const fault = (await this.relays.publish([url], event, 0, signal)).failed.get(url);
        if (fault) throw fault;
        this.#taken.add(`${url} ${event.id}`);
      };
      await hand(one);
      await mapLimited(others, AT_ONCE, hand);
    }
  }
}

function chunkEvent(file: ChunkedFile, i: number, bytes: Uint8Array): NostrEvent {
  const { pubkey, identifier, created, ids, signatures } = file;
  const template: EventTemplate = encodeChunk(bytes, { pubkey, identifier }, created);
  return { ...template, id: ids[i]!, pubkey, sig: signatures[i]! };
}

interface Reader extends AsyncDisposable {
  chunk(index: number): Promise<Uint8Array>;
}

async function openReader({ from, size, sha256 }: ChunkableFile): Promise<Reader> {
  if (typeof from !== "string") {
    return {
      chunk: (i) => Promise.resolve(from.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const what = `can't read ${from}`;
  const file = await open(from).catch((error) => {
    throw storeError(what, error);
  });
  return {
    async chunk(i) {
      const bytes = new Uint8Array(chunkSize(i, size));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, i * CHUNK_BYTES)
        .catch((error) => {
          throw storeError(what, error);
        });
      if (bytesRead === bytes.length) return bytes;
      throw new StoreError("damaged", `${what}: pack ${sha256.slice(0, 12)} is cut short`);
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}
