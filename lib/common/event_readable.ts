/**
 * What comes by events, as a web stream with back-pressure.
 *
 * @module
 */

/** Bytes held here before the source is paused. */
const HELD = 256 * 1024;
/** What each piece costs beside its bytes; a peer may send them one byte long. */
const PIECE_COST = 256;

/** A stream of Node's, or one like it. */
export interface ByteSource {
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  on(event: "end" | "close", listener: () => void): unknown;
  destroy(): unknown;
}

/**
 * Reads what the source says from now on. Where it is not read, `flow` is paused.
 *
 * @param broken why a source closed that hadn't ended
 */
export function eventReadable(
  source: ByteSource,
  flow: { pause(): unknown; resume(): unknown },
  broken: () => Error,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      let open = true;
      const end = (finish: () => void) => {
        if (open) finish();
        open = false;
      };
      source.on("data", ({ buffer, byteOffset, length }) => {
        if (!open) return;
        controller.enqueue(new Uint8Array(buffer, byteOffset, length));
        if ((controller.desiredSize ?? 0) <= 0) flow.pause();
      });
      source.on("end", () => end(() => controller.close()));
      source.on("close", () => end(() => controller.error(broken())));
    },
    pull: () => void flow.resume(),
    cancel: () => void source.destroy(),
  }, { highWaterMark: HELD, size: ({ length }) => length + PIECE_COST });
}
