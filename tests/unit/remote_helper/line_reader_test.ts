import assert from "node:assert/strict";
import fc from "fast-check";
import { LineReader } from "../../../lib/remote_helper/line_reader.ts";

function stream(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks);
}

async function bytesOf(rest: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(rest).arrayBuffer());
}

Deno.test("LineReader: lines and the raw rest are the same however the bytes arrive", async () => {
  const line = fc.string({ unit: "grapheme" }).map((s) => s.replaceAll("\n", ""));
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 5 }),
      fc.uint8Array(),
      fc.array(fc.nat(40)),
      async (lines, rest, cuts) => {
        const text = new TextEncoder().encode(lines.map((l) => `${l}\n`).join(""));
        const all = new Uint8Array([...text, ...rest]);
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) chunks.push(all.subarray(at, at += cut));
        chunks.push(all.subarray(at));

        const reader = new LineReader(stream(...chunks));
        for (const expected of lines) assert.equal(await reader.readLine(), expected);
        assert.deepEqual(await bytesOf(reader.rest()), rest);
      },
    ),
  );
});

Deno.test("LineReader: the end of the stream, and a line cut off by it, read as undefined", async () => {
  const reader = new LineReader(stream(new TextEncoder().encode("list\nfet")));
  assert.equal(await reader.readLine(), "list");
  assert.equal(await reader.readLine(), undefined);
});

Deno.test("LineReader: nothing is read that nobody asks for; whoever stops stops the source", async () => {
  let pulled = 0;
  let reason: unknown;
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode(`${++pulled}\n`)),
    cancel: (why) => void (reason = why),
  }, { highWaterMark: 0 });
  const reader = new LineReader(source);
  assert.equal(pulled, 0);
  assert.equal(await reader.readLine(), "1");
  const rest = reader.rest().getReader();
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(pulled, 1);
  assert.deepEqual((await rest.read()).value, new TextEncoder().encode("2\n"));
  assert.equal(pulled, 2);
  await rest.cancel("enough");
  assert.equal(reason, "enough");
});

Deno.test("LineReader: a line may have 64 KiB, and one that goes on without end is refused", async () => {
  const part = new Uint8Array(1024).fill(97);
  const parts = Array.from({ length: 64 }, () => part);
  const whole = new LineReader(stream(...parts, Uint8Array.of(10)));
  assert.equal((await whole.readLine())?.length, 64 * 1024);
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => sent++ < 1000 ? controller.enqueue(part) : controller.close(),
  });
  await assert.rejects(new LineReader(endless).readLine(), {
    code: "bad-command",
    message: /does not end/,
  });
  assert.ok(sent <= 70, String(sent));
});
