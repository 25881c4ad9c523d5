/**
 * Serving blocks to peers, of all torrents together: slots, rate, one queue per peer.
 *
 * @module
 */
import { sleep } from "../../../common/wait.ts";
import { chooseUnchoked } from "./choker.ts";
import { ChunkCache } from "./chunk_cache.ts";
import type { PieceFile } from "./piece_file.ts";
import { RateLimiter } from "../../../common/rate_limiter.ts";
import type { PeerWire } from "./wire.ts";

/** How often slots are given anew while more peers want one than there are, in milliseconds. */
const ROUND_MS = 10_000;
/** Bytes that may wait in a connection before the next block is read from disk. */
const MAX_BACKLOG = 512 * 1024;
/** Bytes of files kept in memory. */
const CACHE = 8 * 1024 * 1024;
/** Requests that one peer may queue: told to it as `reqq`, with some patience. */
export const MAX_REQUESTS = 500;
/** Bytes of the longest block that other clients ask for. */
export const MAX_BLOCK = 128 * 1024;

/** A block that a peer asked for; bytes from the start of the file. */
export interface BlockRequest {
  readonly file: PieceFile;
  readonly offset: number;
  readonly length: number;
  readonly respond: (error: Error | null, block?: Uint8Array) => void;
}

interface Served {
  readonly queue: BlockRequest[];
  /** When it was last unchoked, by a counter of rounds. */
  servedAt: number;
  busy: boolean;
}

/** Decides whom to serve, and serves them. */
export class Uploads {
  readonly #slots: number;
  readonly #limiter: RateLimiter;
  readonly #cache = new ChunkCache(CACHE);
  readonly #interested = new Map<PeerWire, Served>();
  readonly #log: (message: string) => void;
  readonly #stop = new AbortController();
  #round = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param slots how many peers are served at once
   * @param rate bytes per second to all peers together; 0 for no limit
   */
  constructor(slots: number, rate: number, log: (message: string) => void) {
    this.#slots = slots;
    this.#limiter = new RateLimiter(rate);
    this.#log = log;
  }

  /** A peer wants to be served. */
  interested(wire: PeerWire): void {
    if (wire.closed || this.#interested.has(wire)) return;
    this.#interested.set(wire, { queue: [], servedAt: 0, busy: false });
    this.#fillSlots();
  }

  /** A peer doesn't want to be served any more, or left. */
  uninterested(wire: PeerWire): void {
    const served = this.#interested.get(wire);
    if (!served) return;
    this.#interested.delete(wire);
    served.queue.length = 0;
    if (!wire.closed) wire.protocol.choke();
    this.#fillSlots();
  }

  /** An unchoked peer asked for a block. */
  request(wire: PeerWire, request: BlockRequest): void {
    const served = this.#interested.get(wire);
    if (!served) return;
    if (served.queue.length >= MAX_REQUESTS) return wire.close("request-flood");
    served.queue.push(request);
    if (!served.busy) this.#serve(wire, served);
  }

  /** A peer doesn't need a block any more. */
  cancel(wire: PeerWire, offset: number, length: number): void {
    const queue = this.#interested.get(wire)?.queue ?? [];
    const at = queue.findIndex((r) => r.offset === offset && r.length === length);
    if (at >= 0) queue.splice(at, 1);
  }

  /** Frees what is cached of a file that is closed. */
  forget(file: PieceFile): void {
    this.#cache.forget(file);
  }

  /** Stops serving. */
  close(): void {
    this.#stop.abort();
    clearInterval(this.#timer);
    this.#interested.clear();
  }

  /** Gives free slots away at once; those in use change hands once a round only. */
  #fillSlots(): void {
    const waiting = [...this.#interested].filter(([wire]) => wire.protocol.amChoking);
    const free = this.#slots - (this.#interested.size - waiting.length);
    for (const [wire, served] of waiting.slice(0, Math.max(0, free))) this.#unchoke(wire, served);
    if (this.#interested.size <= this.#slots) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else {
      this.#timer ??= setInterval(() => this.#nextRound(), ROUND_MS);
    }
  }

  #nextRound(): void {
    this.#round++;
    const applicants = [...this.#interested].map(([wire, { servedAt }]) => ({
      peer: wire,
      downloadRate: wire.protocol.downloadSpeed(),
      uploadRate: wire.protocol.uploadSpeed(),
      servedAt,
    }));
    const chosen = chooseUnchoked(applicants, this.#slots);
    for (const [wire, served] of this.#interested) {
      if (chosen.has(wire)) continue;
      served.queue.length = 0; // a choke takes back all requests (BEP 3)
      wire.protocol.choke();
    }
    for (const wire of chosen) this.#unchoke(wire, this.#interested.get(wire)!);
  }

  #unchoke(wire: PeerWire, served: Served): void {
    served.servedAt = this.#round + 1;
    wire.protocol.unchoke();
  }

  /** Answers a peer's requests one after the other, as fast as it reads and the limit allows. */
  async #serve(wire: PeerWire, served: Served): Promise<void> {
    served.busy = true;
    try {
      for (let next = served.queue.shift(); next && !wire.closed; next = served.queue.shift()) {
        const wait = this.#limiter.take(next.length);
        if (wait > 0) await sleep(wait, this.#stop.signal);
        const block = this.#cache.read(next.file, next.offset, next.length);
        next.respond(null, block instanceof Uint8Array ? block : await block);
        if (wire.backlog > MAX_BACKLOG) await wire.drained();
      }
    } catch (error) {
      if (!wire.closed && !this.#stop.signal.aborted) {
        this.#log(`can't serve a block: ${(error as Error).message}`);
      }
      wire.close();
    } finally {
      served.busy = false;
    }
  }
}
