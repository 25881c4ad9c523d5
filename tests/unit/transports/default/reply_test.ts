/** Answers of the https server, as a client sees them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  end,
  IMMUTABLE,
  NO_CACHE,
  Refusal,
  sendBytes,
  sendFile,
  sendText,
  write,
} from "../../../../lib/transports/default/reply.ts";
import { tempDir } from "../../git_interface/fixture.ts";
import { type Asked, exchange } from "./exchange.ts";

const ETAG = '"abc"';

Deno.test("reply: a short text, and of HEAD its headers only", async () => {
  for (const method of ["GET", "HEAD"]) {
    const { got } = await exchange(
      (e) => sendText(e, 404, "nö", { "X-Reason": "none" }),
      { method },
    );
    assert.equal(got!.status, 404);
    assert.equal(got!.headers["content-length"], "4");
    assert.equal(got!.headers["content-type"], "text/plain; charset=utf-8");
    assert.equal(got!.headers["x-reason"], "none");
    assert.equal(got!.body, method === "HEAD" ? "" : Buffer.from("nö\n").toString("latin1"));
  }
});

Deno.test("reply: bytes, unless the client has them", async () => {
  const headers = { type: "application/x-gtr", etag: ETAG, cache: NO_CACHE };
  const send = (asked: Asked) =>
    exchange((e) => sendBytes(e, Buffer.from("hello"), headers), asked);
  const whole = await send({});
  assert.equal(whole.error, undefined);
  assert.deepEqual([whole.got!.status, whole.got!.body], [200, "hello"]);
  assert.deepEqual(
    ["content-type", "content-length", "cache-control", "etag"].map((h) => whole.got!.headers[h]),
    ["application/x-gtr", "5", NO_CACHE, ETAG],
  );
  assert.deepEqual(whole.seen.paced, [5]);
  const head = await send({ method: "HEAD" });
  assert.deepEqual([head.got!.headers["content-length"], head.got!.body], ["5", ""]);
  assert.deepEqual(head.seen.paced, []);
  const known = await send({ headers: { "if-none-match": ETAG } });
  assert.deepEqual([known.got!.status, known.got!.body], [304, ""]);
  assert.deepEqual([known.got!.headers.etag, known.got!.headers["cache-control"]], [
    ETAG,
    NO_CACHE,
  ]);
  assert.equal((await send({ headers: { "if-none-match": '"b"' } })).got!.status, 200);
});

/** A file of some bytes, and what comes before it. */
async function setUp(size: number, head?: Uint8Array) {
  const temp = await tempDir();
  const path = join(temp.path, "file");
  const bytes = randomBytes(size);
  await Deno.writeFile(path, bytes);
  const all = Buffer.concat([head ?? new Uint8Array(), bytes]);
  return {
    path,
    /** What the client should get, as text. */
    part: (first: number, last: number) => all.subarray(first, last + 1).toString("latin1"),
    send: (asked: Asked, change: { size?: number; path?: string } = {}) =>
      exchange((e) => sendFile(e, { path, size, etag: ETAG, head, ...change }), asked),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

Deno.test("reply: a file, in parts that are paced, with what comes before it", async () => {
  for (const head of [undefined, new TextEncoder().encode("# v2 git bundle\n")]) {
    const size = 2 * 65536 + 7;
    await using p = await setUp(size, head);
    const length = size + (head?.length ?? 0);
    const { got, seen, error } = await p.send({});
    assert.equal(error, undefined);
    assert.equal(got!.status, 200);
    assert.deepEqual(
      ["content-length", "accept-ranges", "cache-control", "etag", "content-range"]
        .map((h) => got!.headers[h]),
      [String(length), "bytes", IMMUTABLE, ETAG, undefined],
    );
    assert.equal(got!.headers["content-type"], "application/octet-stream");
    assert.equal(got!.body, p.part(0, length));
    const parts = [...head ? [head.length] : [], 65536, 65536, 7];
    assert.deepEqual(seen.paced, parts);
    assert.equal(seen.touched, parts.length);
    const asked = await p.send({ method: "HEAD" });
    assert.deepEqual([asked.got!.headers["content-length"], asked.got!.body], [String(length), ""]);
    assert.deepEqual(asked.seen.paced, []);
    assert.equal((await p.send({ headers: { "if-none-match": ETAG } })).got!.status, 304);
  }
});

Deno.test("reply: the part of a file that is asked for (RFC 9110, 14)", async () => {
  const head = new TextEncoder().encode("head");
  await using p = await setUp(6, head); // 10 bytes in all
  for (
    const [range, first, last] of [
      ["bytes=0-0", 0, 0],
      ["bytes=0-3", 0, 3],
      ["bytes=3-4", 3, 4],
      ["bytes=4-4", 4, 4],
      ["bytes=5-9", 5, 9],
      ["bytes=5-10", 5, 9],
      ["bytes=9-", 9, 9],
      ["bytes=0-", 0, 9],
      ["bytes=-1", 9, 9],
      ["bytes=-10", 0, 9],
      ["bytes=-99", 0, 9],
    ] as const
  ) {
    const { got, error } = await p.send({ headers: { range } });
    assert.equal(error, undefined);
    assert.equal(got!.status, 206, range);
    assert.equal(got!.body, p.part(first, last), range);
    assert.equal(got!.headers["content-range"], `bytes ${first}-${last}/10`, range);
    assert.equal(got!.headers["content-length"], String(last - first + 1));
  }
  for (const range of ["bytes=10-", "bytes=10-12", "bytes=-0"]) {
    const { error } = await p.send({ headers: { range } });
    assert.ok(error instanceof Refusal && error.status === 416, range);
    assert.deepEqual(error.headers, { "Content-Range": "bytes */10" });
  }
  const whole = ["bytes=-", "bytes=5-4", "bytes=0-1,3-4", "items=0-1", `bytes=${"1".repeat(16)}-`];
  for (const range of whole) {
    const { got } = await p.send({ headers: { range } });
    assert.deepEqual([got!.status, got!.body], [200, p.part(0, 9)], range);
  }
  const range = "bytes=0-3";
  assert.equal((await p.send({ headers: { range, "if-range": ETAG } })).got!.status, 206);
  assert.equal((await p.send({ headers: { range, "if-range": '"b"' } })).got!.status, 200);
});

Deno.test("reply: any range of any file is that part of it", async () => {
  const head = new TextEncoder().encode("head");
  await using p = await setUp(200, head);
  const place = fc.nat(220);
  await fc.assert(
    fc.asyncProperty(place, place, async (first, last) => {
      const { got, error } = await p.send({ headers: { range: `bytes=${first}-${last}` } });
      if (last < first) assert.equal(got!.status, 200);
      else if (first >= 204) assert.equal((error as Refusal).status, 416);
      else assert.equal(got!.body, p.part(first, Math.min(last, 203)));
    }),
    { numRuns: 30 },
  );
});

Deno.test("reply: a file that is gone is not promised, one that shrank breaks off", async () => {
  await using p = await setUp(100);
  const gone = await p.send({}, { path: `${p.path}.gone` });
  assert.ok(gone.error instanceof Refusal && gone.error.status === 404);
  const shorter = await p.send({}, { size: 101 });
  assert.match(String(shorter.error), /is shorter than it was/);
  assert.equal(shorter.got, undefined);
});

Deno.test("reply: nothing more is sent to who has gone", async () => {
  await using p = await setUp(100);
  const gone = AbortSignal.abort(new Error("gone"));
  const sends = [
    (e: Parameters<typeof write>[0]) => write(e, new Uint8Array(1)),
    (e: Parameters<typeof write>[0]) => end(e, new Uint8Array(1)),
    (e: Parameters<typeof write>[0]) => end(e),
    (e: Parameters<typeof write>[0]) => sendFile(e, { path: p.path, size: 100, etag: ETAG }),
  ];
  for (const send of sends) {
    const { error, seen, got } = await exchange(send, {}, gone);
    assert.match(String(error), /gone/);
    assert.deepEqual([seen.paced, seen.touched, got], [[], 0, undefined]);
  }
});

Deno.test("reply: who doesn't read is waited for", async () => {
  const leaving = new AbortController();
  const { error, seen } = await exchange(
    async (e) => {
      e.response.cork(); // as a client that takes nothing
      const writing = write(e, new Uint8Array(1 << 20));
      await new Promise((resolve) => setTimeout(resolve));
      leaving.abort(new Error("slow"));
      await writing;
    },
    {},
    leaving.signal,
  );
  assert.notEqual(error, undefined);
  assert.deepEqual([seen.paced, seen.touched], [[1 << 20], 0]);
});
