/**
 * What this node gives to others that fetch: whole packs, and what is here of those that it fetches
 * itself.
 *
 * @module
 */
import { type FileHandle, open } from "node:fs/promises";
import type { PackRef } from "../../../manifest/types.ts";
import type { Offers } from "../offers.ts";
import type { PieceFile } from "../piece_file.ts";
import { Crowd } from "./crowd.ts";
import { Turns } from "./turns.ts";

/** How long a pack that was fetched is served from here until the engine has put it away. */
const KEEP_MS = 60_000;

/** How long news of a piece waits for more, and how much: each line is a packet to each peer. */
const GATHER_MS = 200;
const GATHER_PIECES = 8;

/** A pack of which there are pieces here. */
export interface PackSource {
  readonly pack: PackRef;
  has(piece: number): boolean;
  /** SHA-1 of each piece, 20 bytes each. */
  hashes(): Promise<Uint8Array>;
  /** Its file; disposing of it ends the use. */
  open(): Promise<Pick<FileHandle, "read"> & AsyncDisposable>;
}

/** A pack that is being fetched, and served meanwhile. */
export interface Shared {
  /** A piece is here, and right. */
  got(piece: number): void;
  /** The fetch is over. What is whole is served until it is offered as such, at most for a minute. */
  end(): void;
}

interface Partial {
  readonly source: PackSource;
  /** Somebody who fetches the pack, too. */
  readonly learned: (key: string) => void;
  /** Closes the file. */
  readonly close: () => void;
}

/** Packs that others may ask for, and who does. */
export class Exchange implements Disposable {
  readonly turns = new Turns();
  readonly #offers: Offers;
  readonly #partials = new Map<string, Partial>();
  readonly #crowds = new Map<string, Crowd>();

  constructor(offers: Offers) {
    this.#offers = offers;
  }

  find(sha256: string): PackSource | undefined {
    const whole = this.#offers.pack(sha256);
    if (!whole) return this.#partials.get(sha256)?.source;
    const { pack, path, pieces } = whole;
    return { pack, has: () => true, hashes: pieces, open: () => open(path) };
  }

  /** Who fetches a pack; to be joined at once. */
  crowd(sha256: string): Crowd {
    for (const [key, { size }] of this.#crowds) if (size === 0) this.#crowds.delete(key);
    const crowd = this.#crowds.get(sha256) ?? new Crowd();
    this.#crowds.set(sha256, crowd);
    return crowd;
  }

  /** Somebody who fetches a pack from here can be fetched from, too: it says so, which proves nothing. */
  introduce(sha256: string, key: string): void {
    this.#partials.get(sha256)?.learned(key);
  }

  /**
   * Serves what is there of a pack that is being fetched.
   *
   * @param path its file
   * @param learned receives the keys of others that fetch it
   * @param retired is called when it is no longer served from here
   */
  async share(
    target: PieceFile,
    path: string,
    learned: (key: string) => void,
    retired: () => void,
  ): Promise<Shared> {
    const { pack } = target;
    const file = await open(path, "r").catch((error) => {
      retired();
      throw error;
    });
    const { read } = file;
    const source: PackSource = {
      pack,
      has: (piece) => target.has(piece),
      hashes: () => Promise.resolve(target.hashes),
      open: () =>
        Promise.resolve({ read: read.bind(file), [Symbol.asyncDispose]: () => Promise.resolve() }),
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    let telling: ReturnType<typeof setTimeout> | undefined;
    let news: number[] = [];
    const tell = () => {
      clearTimeout(telling);
      telling = undefined;
      this.#crowds.get(pack.sha256)?.tell({ have: news });
      news = [];
    };
    let closed = false;
    const close = () => {
      if (closed) return;
      closed = true;
      clearTimeout(timer);
      clearTimeout(telling);
      if (this.#partials.get(pack.sha256) === partial) this.#partials.delete(pack.sha256);
      file.close().catch(() => {});
      retired();
    };
    const partial: Partial = { source, learned, close };
    this.#partials.get(pack.sha256)?.close();
    this.#partials.set(pack.sha256, partial);
    return {
      got: (piece) => {
        if (closed) return; // another fetch of the pack serves it now
        news.push(piece);
        if (news.length >= GATHER_PIECES || target.isWhole) tell();
        else telling ??= setTimeout(tell, GATHER_MS);
      },
      end: () => {
        if (!target.isWhole) close();
        else if (!closed) timer = setTimeout(close, KEEP_MS);
      },
    };
  }

  /** Serves nothing any more that is being fetched. */
  [Symbol.dispose](): void {
    for (const { close } of [...this.#partials.values()]) close();
  }
}
