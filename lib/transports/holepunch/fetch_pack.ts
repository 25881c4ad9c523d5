/**
 * One pack from several peers at once, piece by piece, straight into its file. What has come is passed
 * on meanwhile.
 *
 * @module
 */
import { type FileHandle, open } from "node:fs/promises";
import { GtrError, NetworkError, VerificationError } from "../../common/errors.ts";
import { idleDeadline, sleep } from "../../common/wait.ts";
import type { PackRef } from "../../manifest/types.ts";
import type { FetchWait } from "../../ports/packs.ts";
import { isAbsent } from "./connect_error.ts";
import type { Patience } from "./connections.ts";
import type { Conversation } from "./conversation.ts";
import type { Shared } from "./exchange/exchange.ts";
import { Scheduler } from "./exchange/scheduler.ts";
import { askHashes, type FetchContext, FetchPeer } from "./fetch_peer.ts";
import type { PeerAddress } from "./node.ts";
import { PieceFile } from "./piece_file.ts";

/** Peers that are fetched from, or connected to, at once. */
const PEERS = 8;
/** Peers of which others told that are tried for one pack. */
const MAX_HINTS = 128;
/** How often one is connected to again after it has sent something. */
const RECONNECTS = 3;
/** Until peers are looked for again, doubled each time. */
const AGAIN_MS = 2_000;
const LONGEST_MS = 30_000;
/** Between looking for what is late. */
const TICK_MS = 250;
/**
 * The shortest time without a packet, in milliseconds, after which a connection counts as lost:
 * hyperdht gives a sign of life every five seconds.
 */
const SILENCE_MS = 6_000;

/** A pack, and who may have it. */
export interface WantedPack {
  readonly pack: PackRef;
  /** The repository's name, for a person. */
  readonly name: string;
  /** Looks for peers. */
  readonly peers: (signal: AbortSignal) => AsyncIterable<PeerAddress>;
  readonly connect: (
    peer: PeerAddress,
    signal: AbortSignal,
    patience: Patience,
  ) => Promise<Conversation>;
  /** Serves to others what comes; told of those that fetch, too. Absent where it isn't worth it. */
  readonly share?: (target: PieceFile, learned: (key: string) => void) => Promise<Shared>;
  /** Where others can connect to this node. */
  readonly key: string;
  /** A host sent so many bytes of it. */
  readonly received: (host: string, bytes: number) => void;
  /**
   * Milliseconds without a piece after which a peer, and at last all of them, are given up. After half
   * of it without any packet a connection is lost, so that there is time for another way.
   */
  readonly timeoutMs: number;
  readonly dropped: (reason: string) => void;
}

/**
 * Fetches the pack into the file `into`. What is there and right is kept. Each piece is compared with
 * the pack's infohash, by the hashes that the first peer has of it, before it is written.
 *
 * @throws {NetworkError} "nobody-answered" where no peer delivers it, "no-peer" if none is there;
 * "out-of-reach" where routers let one of them not through, whenever it is tried, and no other delivers
 * it
 */
export async function fetchFromPeers(
  wanted: WantedPack,
  into: string,
  wait: FetchWait,
): Promise<void> {
  const { pack, name } = wanted;
  const what = `pack ${pack.sha256.slice(0, 12)} of ${name}`;
  await (await open(into, "a")).close(); // "r+" makes no file, and "a" writes only at the end
  await using file = await open(into, "r+");
  using idle = idleDeadline(wanted.timeoutMs, what, wait.signal);
  const fetch = new PackFetch(wanted, file, wait, idle);
  try {
    await fetch.run();
    await file.truncate(pack.size);
  } catch (error) {
    wait.signal.throwIfAborted();
    const cause = fetch.outOfReach ?? error;
    if (!(cause instanceof GtrError)) throw cause;
    const isThere = cause.code !== "no-peer" && !isAbsent(cause.cause);
    const code = fetch.outOfReach?.code ?? (isThere ? "nobody-answered" : "no-peer");
    throw new NetworkError(code, `can't fetch ${what}: ${cause.message}`, {
      hint: cause.hint ?? "someone who has it must be online; what has come is kept and resumed",
      cause,
    });
  }
}

/** What ends where nothing moves, and gets more time where a connection takes it. */
type Idle = ReturnType<typeof idleDeadline>;

/** One fetch. */
class PackFetch {
  /** Why a peer can't be connected to, whenever it is tried. */
  outOfReach: GtrError | undefined;
  readonly #wanted: WantedPack;
  readonly #file: FileHandle;
  readonly #wait: FetchWait;
  readonly #idle: Idle;
  readonly #outcome = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  /** Peers that were not tried yet. */
  readonly #waiting: PeerAddress[] = [];
  /** Keys that other peers told of: tried when no others wait, and once. */
  readonly #hints = new Set<string>();
  /** Keys of those that need not be tried again, or are being tried. */
  readonly #known = new Set<string>();
  readonly #working = new Map<string, { peer?: FetchPeer; readonly end: AbortController }>();
  /** Pieces that a peer has sent. */
  readonly #taken = new Map<string, number>();
  #begun: Promise<FetchContext> | undefined;
  #shared: Shared | undefined;
  #searching = true;
  #connected = 0;
  #failure: GtrError | undefined;

  constructor(
    wanted: WantedPack,
    file: FileHandle,
    wait: FetchWait,
    idle: Idle,
  ) {
    this.#wanted = wanted;
    this.#file = file;
    this.#wait = wait;
    this.#idle = idle;
    this.#signal = AbortSignal.any([idle.signal, this.#stop.signal]);
    this.#known.add(wanted.key);
  }

  async run(): Promise<void> {
    const { signal } = this.#idle;
    const abort = () => this.#outcome.reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    const timer = setInterval(() => this.#tick(), TICK_MS);
    const searching = this.#search();
    try {
      await this.#outcome.promise;
    } finally {
      clearInterval(timer);
      signal.removeEventListener("abort", abort);
      this.#stop.abort();
      await searching;
      await this.#begun?.catch(() => {}); // it reads the file
      this.#shared?.end();
    }
  }

  /** Looks for peers, and again as long as some are connected: others may have come. */
  async #search(): Promise<void> {
    for (let pause = AGAIN_MS; !this.#signal.aborted; pause = Math.min(2 * pause, LONGEST_MS)) {
      this.#searching = true;
      try {
        for await (const peer of this.#wanted.peers(this.#signal)) this.#found(peer);
      } catch (error) {
        if (error instanceof GtrError) this.#failure ??= error;
      }
      this.#searching = false;
      this.#giveUpIfHopeless();
      await sleep(pause, this.#signal).catch(() => {});
    }
  }

  #found(peer: PeerAddress): void {
    const isKnown = this.#known.has(peer.key) && !peer.near;
    if (isKnown || this.#working.has(peer.key)) return;
    this.#known.add(peer.key);
    const hint = this.#waiting.findIndex(({ key }) => this.#hints.has(key));
    this.#waiting.splice(hint < 0 ? this.#waiting.length : hint, 0, peer);
    this.#connect();
  }

  #hint(key: string): void {
    if (this.#known.has(key) || this.#hints.size >= MAX_HINTS) return;
    this.#known.add(key);
    this.#hints.add(key);
    this.#waiting.push({ key });
    this.#connect();
  }

  #connect(): void {
    while (this.#working.size < PEERS && this.#waiting.length > 0 && !this.#signal.aborted) {
      const peer = this.#waiting.shift()!;
      const end = new AbortController();
      this.#working.set(peer.key, { end });
      void this.#work(peer, AbortSignal.any([this.#signal, end.signal])).finally(() => {
        this.#working.delete(peer.key);
        this.#fillAll();
        this.#connect();
        this.#giveUpIfHopeless();
      });
    }
  }

  async #work(peer: PeerAddress, signal: AbortSignal): Promise<void> {
    /** Why it has to be connected to again, which says more than that this fails. */
    let lost: unknown;
    try {
      for (let left = RECONNECTS;; left--) {
        const before = this.#taken.get(peer.key);
        try {
          return await this.#takeFrom(peer, signal);
        } catch (error) {
          // The way to it broke, as where a relay goes; the peer itself may still be there.
          const worked = this.#taken.get(peer.key) !== before;
          if (signal.aborted || left === 0 || !worked || !isLost(error)) {
            throw error instanceof VerificationError ? error : lost ?? error;
          }
          lost = error;
          this.#idle.touch();
          this.#wait.patience?.(this.#wanted.timeoutMs);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof GtrError)) return this.#outcome.reject(error);
      this.#failure = error;
      if (error.code === "out-of-reach") this.outOfReach = error;
      if (error instanceof VerificationError) this.#wanted.dropped(error.code);
      else if (error.code === "nobody-answered") this.#wanted.dropped("silent-peer");
      else if (!this.#hints.has(peer.key)) this.#known.delete(peer.key); // it may be met again
    }
  }

  async #takeFrom(peer: PeerAddress, signal: AbortSignal): Promise<void> {
    const { connect, pack, timeoutMs } = this.#wanted;
    const what = `packets of a peer with ${pack.sha256.slice(0, 12)}`;
    using opening = idleDeadline(timeoutMs, what, signal);
    using conversation = await connect(peer, opening.signal, (ms) => {
      opening.extend(ms);
      this.#idle.extend(ms);
      this.#wait.patience?.(ms);
    });
    using _counted = this.#count();
    using alive = idleDeadline(Math.max(timeoutMs / 2, SILENCE_MS), what, signal);
    conversation.heard = alive.touch;
    const both = AbortSignal.any([alive.signal, opening.signal]);
    // Of its hashes those of the first are needed; who has none has no pack.
    if (!this.#begun) {
      const hashes = await askHashes(conversation, pack, both);
      this.#begun ??= this.#begin(hashes);
    }
    const context = await this.#begun;
    opening[Symbol.dispose]();
    alive.signal.throwIfAborted();
    const fetching = new FetchPeer(conversation, context);
    const entry = this.#working.get(peer.key);
    if (entry) entry.peer = fetching;
    await fetching.run(alive.signal);
  }

  #count(): Disposable {
    this.#wait.connected?.(++this.#connected);
    return { [Symbol.dispose]: () => this.#wait.connected?.(--this.#connected) };
  }

  async #begin(hashes: Uint8Array): Promise<FetchContext> {
    const { pack, name, timeoutMs, share, received, key } = this.#wanted;
    const target = new PieceFile(this.#file, pack, hashes);
    await target.check(this.#signal);
    const learned = (key: string) => this.#hint(key);
    if (share && !target.isWhole) this.#shared = await share(target, learned);
    const have = Array.from({ length: target.count }, (_, i) => i).filter((i) => target.has(i));
    const tell = () => {
      this.#wait.prefix?.(target.prefix);
      this.#wait.progress?.(target.done, pack.size, name);
      if (target.isWhole) this.#outcome.resolve();
    };
    tell();
    return {
      target,
      timeoutMs,
      learned,
      key: this.#shared && key,
      scheduler: new Scheduler(target.count, have),
      came: ({ conversation: { host, peer } }, piece) => {
        this.#idle.touch();
        this.#taken.set(peer.key, (this.#taken.get(peer.key) ?? 0) + 1);
        this.#shared?.got(piece);
        received(host, target.lengthOf(piece));
        tell();
      },
    };
  }

  #tick(): void {
    this.#fillAll();
    if (this.#waiting.length === 0) return;
    for (const { peer, end } of this.#working.values()) {
      if (peer && peer.idleMs > this.#wanted.timeoutMs / 2) end.abort(); // others may be of more use
    }
  }

  #fillAll(): void {
    for (const { peer } of this.#working.values()) peer?.fill();
  }

  /** Nobody is connected, nobody is left to be tried, and nobody else was found. */
  #giveUpIfHopeless(): void {
    if (this.#searching || this.#working.size > 0 || this.#waiting.length > 0) return;
    const nobody = new NetworkError("no-peer", "no peer is known that could have it");
    this.#outcome.reject(this.#failure ?? nobody);
  }
}

function isLost(error: unknown): boolean {
  return error instanceof NetworkError &&
    (error.code === "no-live-peer" || error.code === "nobody-answered");
}
