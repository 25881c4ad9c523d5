/**
 * A socket of Node's as web streams, with back-pressure both ways.
 *
 * @module
 */
import type { Duplex as NodeDuplex } from "node:stream";
import type { Duplex } from "../../transport.ts";

/** Bytes held here before the socket is paused. */
const HELD = 256 * 1024;

/** The socket's two directions. Its errors become those of the streams; it must not be used besides. */
export function socketStreams(socket: NodeDuplex): Duplex {
  const broken = () => new Error("the connection broke");
  let failure: Error | undefined;
  socket.on("error", (error) => failure ??= error);
  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      let open = true;
      const end = (finish: () => void) => {
        if (open) finish();
        open = false;
      };
      socket.on("data", (chunk: Uint8Array) => {
        if (!open) return;
        controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
        if ((controller.desiredSize ?? 0) <= 0) socket.pause();
      });
      socket.on("end", () => end(() => controller.close()));
      socket.on("close", () => end(() => controller.error(failure ?? broken())));
    },
    pull: () => void socket.resume(),
    cancel: () => void socket.destroy(),
  }, new ByteLengthQueuingStrategy({ highWaterMark: HELD }));
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      socket.on("close", () => controller.error(failure ?? broken()));
    },
    write: (chunk) =>
      new Promise<void>((resolve, reject) => {
        const done = (error?: Error | null) => {
          socket.removeListener("close", closed);
          if (error) reject(error);
          else resolve();
        };
        const closed = () => done(failure ?? broken());
        if (socket.destroyed) return done(failure ?? broken());
        socket.once("close", closed);
        socket.write(chunk, done);
      }),
    close: () => void socket.end(),
    abort: () => void socket.destroy(),
  });
  return { readable, writable };
}
