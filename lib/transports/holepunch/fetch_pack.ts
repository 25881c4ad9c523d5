/**
 * One pack from several peers at once, piece by piece, straight into its file.
 *
 * @module
 */
import { open } from "node:fs/promises";
import { GtrError, NetworkError, VerificationError } from "../../common/errors.ts";
import { idleDeadline } from "../../common/wait.ts";
import { infohashOf, packInfo, pieceLength } from "../../manifest/pack_torrent.ts";
import type { PackRef } from "../../manifest/types.ts";
import type { FetchWait } from "../transport.ts";
import { concurrently } from "./concurrently.ts";
import type { Patience } from "./connections.ts";
import type { Conversation } from "./conversation.ts";
import type { PeerAddress } from "./node.ts";
import { PieceFile } from "./piece_file.ts";

/** Peers that are fetched from at once. */
const PEERS = 4;
/** How often one is connected to again after it has sent something. */
const RECONNECTS = 3;
/**
 * The shortest time without a packet, in milliseconds, after which a connection counts as lost:
 * hyperdht gives a sign of life every five seconds.
 */
const SILENCE_MS = 6_000;
const SHA1_BYTES = 20;

/** A pack, and who may have it. */
export interface WantedPack {
  readonly pack: PackRef;
  /** The repository's name, for a person. */
  readonly name: string;
  readonly peers: (signal: AbortSignal) => AsyncIterable<PeerAddress>;
  readonly connect: (
    peer: PeerAddress,
    signal: AbortSignal,
    patience: Patience,
  ) => Promise<Conversation>;
  /**
   * Milliseconds without a piece after which a peer, and at last all of them, are given up. After half
   * of it without any packet a connection is lost, so that there is time for another way.
   */
  readonly timeout: number;
  readonly dropped: (reason: string) => void;
}

/**
 * Fetches the pack into the file `into`. What is there and right is kept. Each piece is compared with
 * the pack's infohash, by the hashes that the first peer has of it, before it is written.
 *
 * @throws {NetworkError} "nobody-answered" where no peer delivers it; "out-of-reach" where routers let
 * one of them not through, whenever it is tried, and no other delivers it
 */
export async function fetchFromPeers(
  wanted: WantedPack,
  into: string,
  wait: FetchWait,
): Promise<void> {
  const { pack, name, dropped } = wanted;
  const what = `pack ${pack.sha256.slice(0, 12)} of ${name}`;
  await (await open(into, "a")).close(); // "r+" makes no file, and "a" writes only at the end
  await using file = await open(into, "r+");
  using idle = idleDeadline(wanted.timeout, `no peer sends ${what}`, wait.signal);
  let known: Promise<PieceFile> | undefined;
  let failure: GtrError | undefined;
  /** Why one can't be connected to, whenever it is tried. */
  let outOfReach: GtrError | undefined;
  let connected = 0;
  const count = (change: number) => wait.connected?.(connected += change);
  /** Pieces that a peer has sent. */
  const taken = new Map<string, number>();
  const begin = async (pieces: Uint8Array) => {
    const begun = new PieceFile(file, pack, pieces);
    await begun.check(idle.signal);
    wait.prefix?.(begun.prefix);
    wait.progress?.(begun.done, pack.size, name);
    return begun;
  };
  const takeFrom = async (peer: PeerAddress, signal: AbortSignal): Promise<boolean> => {
    using own = idleDeadline(wanted.timeout, `a peer sends nothing of ${what}`, signal);
    using conversation = await wanted.connect(peer, own.signal, (ms) => {
      own.extend(ms);
      idle.extend(ms);
      wait.patience?.(ms);
    });
    count(1);
    using _counted = { [Symbol.dispose]: () => count(-1) };
    const silence = Math.max(wanted.timeout / 2, SILENCE_MS);
    using alive = idleDeadline(silence, `packets of a peer with ${what}`, own.signal);
    conversation.heard = alive.touch;
    const pieces = await askPieces(conversation, pack, alive.signal);
    const target = await (known ??= begin(pieces));
    await takeSegments(conversation, target, { ...own, signal: alive.signal }, () => {
      idle.touch();
      taken.set(peer.key, (taken.get(peer.key) ?? 0) + 1);
      wait.prefix?.(target.prefix);
      wait.progress?.(target.done, pack.size, name);
    });
    return target.isWhole;
  };
  const work = async (peer: PeerAddress, signal: AbortSignal): Promise<boolean> => {
    try {
      for (let left = RECONNECTS;; left--) {
        const before = taken.get(peer.key);
        try {
          return await takeFrom(peer, signal);
        } catch (error) {
          // The way to it broke, as where a relay goes; the peer itself may still be there.
          const worked = taken.get(peer.key) !== before;
          if (signal.aborted || left === 0 || !worked || !isLost(error)) throw error;
          idle.touch();
          wait.patience?.(wanted.timeout);
        }
      }
    } catch (error) {
      if (error instanceof GtrError) {
        failure = error;
        if (error.code === "out-of-reach") outOfReach = error;
      }
      if (error instanceof VerificationError) dropped(error.code);
      throw error;
    }
  };
  try {
    for await (const whole of concurrently(wanted.peers, PEERS, work, idle.signal)) {
      if (whole) return await file.truncate(pack.size);
    }
  } catch (error) {
    wait.signal.throwIfAborted();
    if (!(error instanceof GtrError)) throw error;
    failure = error;
  }
  failure = outOfReach ?? failure;
  const why = failure?.message ?? "no peer is known that could have it";
  const code = outOfReach?.code ?? "nobody-answered";
  throw new NetworkError(code, `can't fetch ${what}: ${why}`, {
    hint: failure?.hint ?? "try again: what has come is kept",
    cause: failure,
  });
}

function isLost(error: unknown): boolean {
  return error instanceof NetworkError &&
    (error.code === "no-live-peer" || error.code === "nobody-answered");
}

/** The hashes of the pieces: with what else is known of the pack they make its infohash. */
async function askPieces(
  conversation: Conversation,
  pack: PackRef,
  signal: AbortSignal,
): Promise<Uint8Array> {
  await conversation.send({ version: 1, want: "pieces", sha256: pack.sha256 }, signal);
  const length = Math.ceil(pack.size / pieceLength(pack.size)) * SHA1_BYTES;
  const pieces = await conversation.bytes(await conversation.answer(length, signal), signal);
  if (infohashOf(packInfo(pack.sha256, pack.size, pieces)) === pack.infohash) return pieces;
  throw new VerificationError("wrong-metadata", "a peer's hashes of the pack are of another");
}

/** Fetches what nobody else does, until the file is whole. One request is always on its way. */
async function takeSegments(
  conversation: Conversation,
  target: PieceFile,
  idle: { readonly signal: AbortSignal; touch(): void },
  told: () => void,
): Promise<void> {
  const { signal } = idle;
  const { sha256 } = target.pack;
  const taken: number[][] = [];
  const ask = async (pieces: number[]) => {
    taken.push(pieces);
    const from = target.start(pieces[0]!);
    const bytes = target.start(pieces.at(-1)! + 1) - from;
    await conversation.send({ version: 1, want: "pack", sha256, from, bytes }, signal);
    return bytes;
  };
  try {
    for (;;) {
      if (taken.length === 0) {
        const pieces = await target.take(signal);
        if (!pieces) return;
        idle.touch(); // it may have waited for others
        await ask(pieces);
      }
      const ahead = target.takeNow();
      if (ahead) await ask(ahead);
      const now = taken[0]!;
      const bytes = target.start(now.at(-1)! + 1) - target.start(now[0]!);
      if (await conversation.answer(bytes, signal) !== bytes) {
        throw new VerificationError("wrong-range", "a peer sends another part than was asked for");
      }
      while (now.length > 0) {
        const piece = await conversation.bytes(target.lengthOf(now[0]!), signal);
        await target.write(now[0]!, piece);
        now.shift();
        idle.touch();
        told();
      }
      taken.shift();
    }
  } finally {
    for (const pieces of taken) target.giveBack(pieces);
  }
}
