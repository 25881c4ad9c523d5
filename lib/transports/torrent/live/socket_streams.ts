/**
 * A socket of Node's as web streams, with back-pressure both ways.
 *
 * @module
 */
import type { Socket } from "node:net";
import { Duplex as NodeDuplex } from "node:stream";
import { eventReadable } from "../../../common/event_readable.ts";
import type { Duplex } from "../../../ports/streams.ts";

/**
 * A socket as the stream that TLS is to run over. Given the socket itself, TLS takes over its
 * handle and, on Deno, reads on whatever is paused: all that a peer sends would pile up in memory.
 */
export function underTls(socket: Socket): NodeDuplex {
  const stream = new NodeDuplex({
    read() {}, // what comes is passed on at once: it is the socket that is paused
    write: (chunk, _encoding, done) => void socket.write(chunk, done),
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (chunk) => stream.push(chunk));
  socket.on("end", () => stream.push(null));
  socket.on("close", () => {
    if (!socket.readableEnded) stream.destroy();
  });
  stream.on("error", () => {}); // whoever has the socket sees it there
  socket.resume(); // it may have been paused for us
  return stream;
}

/**
 * The two directions of a connection. Its errors become those of the streams; it must not be used
 * besides.
 *
 * @param stream what is read and written
 * @param socket what is paused where that is not read
 */
export function socketStreams(stream: NodeDuplex, socket: Socket): Duplex {
  let failure: Error | undefined;
  const broken = () => failure ?? new Error("the connection broke");
  stream.on("error", (error) => failure ??= error);
  const readable = eventReadable(stream, socket, broken);
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      stream.on("close", () => controller.error(broken()));
    },
    write: (chunk) =>
      new Promise<void>((resolve, reject) => {
        const done = (error?: Error | null) => {
          stream.removeListener("close", closed);
          if (error) reject(error);
          else resolve();
        };
        const closed = () => done(broken());
        if (stream.destroyed) return done(broken());
        stream.once("close", closed);
        stream.write(chunk, done);
      }),
    close: () => void stream.end(),
    abort: () => void stream.destroy(),
  });
  return { readable, writable };
}
