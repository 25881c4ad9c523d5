/**
 * A Noise stream as web streams, with back-pressure both ways.
 *
 * @module
 */
import { eventReadable } from "../../common/event_readable.ts";
import type { NoiseStream } from "../../types/hyperdht.d.ts";
import type { Duplex } from "../../ports/streams.ts";
import { MAX_MESSAGE } from "./message_limit.ts";

/** The stream's two directions. Its errors become theirs; it must not be used besides. */
export function noiseStreams(stream: NoiseStream): Duplex {
  let failure: Error | undefined;
  const broken = () => failure ?? new Error("the connection broke");
  let closed = false;
  let drained = Promise.withResolvers<void>();
  const move = () => {
    drained.resolve();
    drained = Promise.withResolvers();
  };
  stream.on("error", (error) => failure ??= error);
  stream.on("drain", move);
  const readable = eventReadable(stream, stream, broken);
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      stream.on("close", () => {
        closed = true;
        move();
        controller.error(broken());
      });
    },
    async write(chunk) {
      for (let from = 0; from < chunk.length; from += MAX_MESSAGE) {
        if (closed || stream.destroying) throw broken();
        const next = drained.promise;
        if (!stream.write(chunk.subarray(from, from + MAX_MESSAGE))) await next;
      }
    },
    close: () => stream.end(),
    abort: () => stream.destroy(),
  });
  return { readable, writable };
}
