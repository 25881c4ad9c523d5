/**
 * `git upload-pack` for a peer: both ways until git has ended.
 *
 * @module
 */
import type { RateLimiter } from "../../common/rate_limiter.ts";
import { abortable, idleDeadline, sleep } from "../../common/wait.ts";
import { encodeEnvelope } from "../../manifest/envelope.ts";
import type { LiveSource } from "../transport.ts";
import { encodeLine } from "./messages.ts";

/** At which pace a live stream goes, and when it is over. */
export interface LivePace {
  /** Milliseconds without a byte either way. */
  readonly idle: number;
  readonly limiter: RateLimiter;
  readonly signal: AbortSignal;
}

/**
 * Shows the manifest, starts git on the repository, and joins it with the peer until git has ended.
 *
 * @throws {NetworkError} "nobody-answered" where nothing moved for too long
 */
export async function relayLive(
  source: LiveSource,
  wishes: ReadableStream<Uint8Array>,
  peer: WritableStreamDefaultWriter<Uint8Array>,
  { idle: idleMs, limiter, signal }: LivePace,
): Promise<void> {
  using idle = idleDeadline(idleMs, "a live stream", signal);
  const stop = new AbortController();
  using _end = { [Symbol.dispose]: () => stop.abort() };
  const git = await source.open(AbortSignal.any([idle.signal, stop.signal]));
  const send = async (chunk: Uint8Array) => {
    const wait = limiter.take(chunk.length);
    if (wait > 0) await sleep(wait, idle.signal);
    await abortable(peer.write(chunk), idle.signal);
    idle.touch();
  };
  const envelope = encodeEnvelope(source.manifest);
  await send(encodeLine({ version: 1, bytes: envelope.length }));
  await send(envelope);
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
