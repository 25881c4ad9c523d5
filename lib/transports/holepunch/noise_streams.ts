/**
 * A Noise stream as web streams, with back-pressure both ways.
 *
 * @module
 */
import type { NoiseStream } from "../../types/hyperdht.d.ts";
import type { Duplex } from "../transport.ts";

/** Bytes held here before the stream is paused. */
const HELD = 256 * 1024;
/** What each message costs beside its bytes; a peer may send them one byte long. */
const MESSAGE_COST = 256;
/** Bytes of one message on the wire: each is decrypted as a whole. */
const MAX_MESSAGE = 64 * 1024;

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
  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      let open = true;
      const end = (finish: () => void) => {
        if (open) finish();
        open = false;
      };
      stream.on("data", (chunk) => {
        if (!open) return;
        controller.enqueue(chunk);
        if ((controller.desiredSize ?? 0) <= 0) stream.pause();
      });
      stream.on("end", () => end(() => controller.close()));
      stream.on("close", () => end(() => controller.error(broken())));
    },
    pull: () => stream.resume(),
    cancel: () => stream.destroy(),
  }, { highWaterMark: HELD, size: ({ length }) => length + MESSAGE_COST });
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
