import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { blossomSource, getBlob } from "../../../../../lib/transports/nostr/blossom/sources.ts";

const SIZE = 3 * 1024 * 1024;
const TIMEOUT = 300;
const bytes = randomBytes(SIZE);
const sha256 = createHash("sha256").update(bytes).digest("hex");

/** A server that sends so much every 60 ms, and how much that was; nothing where it has no blob. */
function server(portion: number | undefined) {
  const sent = { bytes: 0, requests: 0 };
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ headers }) => {
    sent.requests++;
    if (portion === undefined) return new Response(null, { status: 404 });
    const from = Number(/\d+/.exec(headers.get("range") ?? "")?.[0] ?? 0);
    let at = from;
    let timer: ReturnType<typeof setInterval>;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        timer = setInterval(() => {
          controller.enqueue(Uint8Array.from(bytes.subarray(at, at + portion)));
          at += portion;
          sent.bytes += portion;
          if (at < SIZE) return;
          clearInterval(timer);
          controller.close();
        }, 60);
      },
      cancel: () => clearInterval(timer),
    });
    const range = { "content-range": `bytes ${from}-${SIZE - 1}/${SIZE}` };
    return from > 0 ? new Response(body, { status: 206, headers: range }) : new Response(body);
  });
  const source = blossomSource(`http://127.0.0.1:${http.addr.port}/${sha256}`, SIZE, TIMEOUT);
  return { sent, source, [Symbol.asyncDispose]: () => http.shutdown() };
}

async function fetched(...servers: ReturnType<typeof server>[]): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const into = join(folder, "blob");
    const sources = servers.map(({ source }) => source);
    const blob = { what: "a blob", sha256, sources, dropped: () => {} };
    await getBlob(blob, into, { signal: AbortSignal.timeout(60_000) });
    assert(bytes.equals(await Deno.readFile(into)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("get blob: a slow source is left for another, which goes on with what has come", async () => {
  await using slow = server(48 * 1024); // more than 64 KiB in 300 ms, and less than an eighth
  await using quick = server(SIZE / 4);
  await fetched(slow, quick);
  assert(slow.sent.bytes < SIZE / 2, `${slow.sent.bytes} bytes of the slow one`);
  assert.deepEqual([slow.sent.requests, quick.sent.requests], [1, 1]);
});

Deno.test("get blob: a slow source is good enough where no other has it", async () => {
  await using slow = server(48 * 1024);
  await using empty = server(undefined);
  await fetched(slow, empty);
  assert.deepEqual([slow.sent.requests, empty.sent.requests], [2, 1]);
});
