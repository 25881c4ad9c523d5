/**
 * `git upload-pack` for a peer: both ways until git has ended.
 *
 * @module
 */
import type { RateLimiter } from "../../common/rate_limiter.ts";
import { abortable, idleDeadline, sleep } from "../../common/wait.ts";
import type { LiveSource } from "../../ports/streams.ts";

/** The peer's side of a live stream. */
export interface LivePeer {
  /** What it says to git. */
  readonly wishes: ReadableStream<Uint8Array>;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
}

/** At which pace a live stream goes, and when it is over. */
export interface LivePace {
  /** Milliseconds without a byte either way. */
  readonly idleMs: number;
  readonly limiter: RateLimiter;
  readonly signal: AbortSignal;
}

/**
 * Starts git on the repository, tells the peer `greeting` first, and joins the two until git has
 * ended.
 *
 * @throws {NetworkError} "nobody-answered" where nothing moved for too long
 */
export async function relayLive(
  source: LiveSource,
  greeting: Uint8Array,
  { wishes, writer }: LivePeer,
  { idleMs, limiter, signal }: LivePace,
): Promise<void> {
  using idle = idleDeadline(idleMs, "a live stream", signal);
  const stop = new AbortController();
  using _end = { [Symbol.dispose]: () => stop.abort() };
  const git = await source.open(AbortSignal.any([idle.signal, stop.signal]));
  const send = async (chunk: Uint8Array) => {
    const wait = limiter.take(chunk.length);
    if (wait > 0) await sleep(wait, idle.signal);
    await abortable(writer.write(chunk), idle.signal);
    idle.touch();
  };
  await send(greeting);
  const touch = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      idle.touch();
      controller.enqueue(chunk);
    },
  });
  // Not awaited: git ends by itself where it has nothing more to say.
  void wishes.pipeThrough(touch).pipeTo(git.writable, { signal: idle.signal }).catch(() => {});
  const reader = git.readable.getReader();
  for (;;) {
    const { value, done } = await abortable(reader.read(), idle.signal);
    if (done) return;
    await send(value);
  }
}
