import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { Refusal } from "../../../../lib/transports/default/reply.ts";
import { MAX_BODY_BYTES, requestBody } from "../../../../lib/transports/default/request_body.ts";

const MOST = 10_000;

function body(bytes: Uint8Array, coding?: string): Promise<Uint8Array[]> {
  const chunks = [];
  for (let at = 0; at < bytes.length; at += 1000) chunks.push(bytes.subarray(at, at + 1000));
  const request = Object.assign(Readable.from(chunks), {
    headers: coding === undefined ? {} : { "content-encoding": coding },
  });
  return Array.fromAsync(requestBody(request as unknown as IncomingMessage, MOST));
}

const refusal = (status: number) => (error: unknown) =>
  error instanceof Refusal && error.status === status;

Deno.test("request body: as it is, and inflated", async () => {
  const text = Buffer.from("0032want ".repeat(1000));
  assert.deepEqual(Buffer.concat(await body(text)), text);
  for (const coding of ["gzip", "x-gzip", "GZIP"]) {
    assert.deepEqual(Buffer.concat(await body(gzipSync(text), coding)), text);
  }
});

Deno.test("request body: too much is refused, sent or inflated", async () => {
  assert.equal(Buffer.concat(await body(Buffer.alloc(MOST))).length, MOST);
  assert.equal(Buffer.concat(await body(gzipSync(Buffer.alloc(MOST)), "gzip")).length, MOST);
  await assert.rejects(body(gzipSync(Buffer.alloc(MOST + 1)), "gzip"), refusal(413));
  await assert.rejects(body(Buffer.alloc(MOST + 1)), refusal(413));
  assert.equal(MAX_BODY_BYTES, 10 * 1024 * 1024);
  const bomb = gzipSync(Buffer.alloc(5_000_000));
  assert.ok(bomb.length < MOST);
  await assert.rejects(body(bomb, "gzip"), refusal(413));
  // Empty members inflate to nothing, for ever.
  const empty = gzipSync(Buffer.alloc(0));
  await assert.rejects(body(Buffer.concat(Array(600).fill(empty)), "gzip"), refusal(413));
});

Deno.test("request body: what is no gzip, or ends early, is refused", async () => {
  await assert.rejects(body(Buffer.from("0000"), "gzip"), refusal(400));
  const cut = gzipSync(Buffer.from("hello")).subarray(0, -4);
  await assert.rejects(body(cut, "gzip"), refusal(400));
  await assert.rejects(body(Buffer.from("0000"), "br"), refusal(415));
});
