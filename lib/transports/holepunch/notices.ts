/**
 * Hearing of news: a few peers of each repository that is followed stay connected.
 *
 * @module
 */
import { sleep } from "../../common/wait.ts";
import type { Conversation } from "./conversation.ts";
import { concurrently } from "./concurrently.ts";
import type { PeerAddress } from "./node.ts";

/** Peers that one repository keeps connected. */
const PEERS = 4;
/** Until peers are looked for again, doubled while none is found. */
const AGAIN_MS = 5_000;
const LONGEST_MS = 10 * 60_000;

/** Where peers are, and how to ask them. */
export interface NoticeSource {
  readonly id: string;
  readonly name: string;
  readonly peers: (signal: AbortSignal) => AsyncIterable<PeerAddress>;
  readonly connect: (peer: PeerAddress, signal: AbortSignal) => Promise<Conversation>;
}

/** Calls the listener with each sequence number that a peer tells of, until the signal's abort. */
export async function watchNotices(
  source: NoticeSource,
  listener: (sequence: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let pause = AGAIN_MS;
  const listen = async (peer: PeerAddress, own: AbortSignal): Promise<undefined> => {
    using conversation = await source.connect(peer, own);
    for await (const sequence of conversation.notices(source, own)) {
      pause = AGAIN_MS;
      if (!own.aborted) listener(sequence);
    }
  };
  while (!signal.aborted) {
    // Ends when all peers that were found have hung up: each tells of everything that is new.
    await Array.fromAsync(concurrently(source.peers, PEERS, listen, signal)).catch(() => {});
    await sleep(pause, signal).catch(() => {});
    pause = Math.min(2 * pause, LONGEST_MS);
  }
}
