/**
 * Hearing of news: a few peers of each repository that is followed stay connected.
 *
 * @module
 */
import { deadline, sleep } from "../../common/wait.ts";
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
  let highest = 0;
  while (!signal.aborted) {
    const left = new AbortController();
    // A new round finds who has come since: the publisher, perhaps, who is asked first.
    using round = deadline(LONGEST_MS, "news", AbortSignal.any([signal, left.signal]));
    const listen = async (peer: PeerAddress, own: AbortSignal): Promise<undefined> => {
      using conversation = await source.connect(peer, own);
      for await (const sequence of ended(conversation.notices(source, own), left)) {
        if (sequence > highest) pause = AGAIN_MS;
        highest = Math.max(highest, sequence);
        if (!own.aborted) listener(sequence);
      }
    };
    await Array.fromAsync(concurrently(source.peers, PEERS, listen, round.signal)).catch(() => {});
    await sleep(pause, signal).catch(() => {});
    pause = Math.min(2 * pause, LONGEST_MS);
  }
}

/** Passes notices on, and ends the round where a peer that has told something hangs up. */
async function* ended(
  notices: AsyncIterable<number>,
  round: AbortController,
): AsyncGenerator<number> {
  let told = false;
  try {
    for await (const sequence of notices) {
      told = true;
      yield sequence;
    }
  } finally {
    if (told) round.abort();
  }
}
