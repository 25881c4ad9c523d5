import assert from "node:assert/strict";
import fc from "fast-check";
import { NetworkError, UsageError } from "../../../lib/common/errors.ts";
import { readLines, streamWork } from "../../../lib/daemon/ndjson.ts";
import type { Wait } from "../../../lib/common/wait.ts";
import { abortOf } from "../common/signals.ts";
import { soon } from "../engine/fixture.ts";

const forever = new AbortController().signal;
const linesOf = async (response: Response) =>
  await Array.fromAsync(readLines(response.body!, forever));

/** A body in the given chunks. */
const bodyOf = (...chunks: string[]) =>
  ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk)));

Deno.test("work that succeeds ends with its result, one that fails with its error", async () => {
  const ok = streamWork(() => Promise.resolve({ n: 1 }));
  assert.equal(ok.headers.get("content-type"), "application/x-ndjson");
  assert.deepEqual(await linesOf(ok), [{ result: { n: 1 } }]);
  const error = new NetworkError("nobody-answered", "no answer", { hint: "wait" });
  assert.deepEqual(await linesOf(streamWork(() => Promise.reject(error))), [
    { error: { code: "nobody-answered", message: "no answer", hint: "wait" } },
  ]);
  assert.deepEqual(await linesOf(streamWork(() => Promise.reject(new UsageError("bad", "no")))), [
    { error: { code: "bad", message: "no", exit: 2 } },
  ]);
  assert.deepEqual(await linesOf(streamWork(() => Promise.reject(new TypeError("odd")))), [
    { error: { code: "internal", message: "odd" } },
  ]);
});

Deno.test("progress comes seldom, and its end always", async () => {
  const lines = await linesOf(streamWork((wait) => {
    for (let done = 0; done <= 1000; done++) wait.progress?.(done, 1000, "1/1");
    return Promise.resolve("done");
  }, ["progress"]));
  assert.deepEqual(lines.slice(-2), [
    { progress: { done: 1000, total: 1000, what: "1/1" } },
    { result: "done" },
  ]);
  assert.ok(lines.length < 10, `${lines.length} lines`);
});

Deno.test("steps are told if they are asked for, and neither too many nor too long ones", async () => {
  const work = (wait: Wait) => {
    for (let i = 0; i < 1000; i++) {
      wait.trace?.(`${i} ${"x".repeat(1000)}`, i === 0 ? 1e9 : undefined);
    }
    return Promise.resolve("done");
  };
  assert.deepEqual(await linesOf(streamWork(work)), [{ result: "done" }]);
  const lines = await linesOf(streamWork(work, ["trace"]));
  assert.deepEqual(lines.pop(), { result: "done" });
  assert.equal(lines.length, 200);
  const steps = lines.map((line) => (line as { step: { ms: number; what: string } }).step);
  assert.ok(steps[0]!.ms < 0);
  assert.ok(steps.every(({ what }) => what.length === 300));
});

Deno.test("a line comes also while nothing happens", async () => {
  using wait = soon();
  const response = streamWork((work) => abortOf(work.signal));
  for await (const line of readLines(response.body!, wait.signal)) {
    assert.deepEqual(line, { progress: { done: 0, total: 0, what: "" } });
    break;
  }
});

Deno.test("that the client goes away aborts the work, and what it says then harms nobody", async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const response = streamWork(async (wait) => {
    wait.progress?.(1, 2, "begun");
    const reason = await abortOf(wait.signal);
    wait.progress?.(2, 2, "too late");
    resolve(reason);
    throw reason;
  });
  for await (const _line of readLines(response.body!, forever)) break;
  assert.match(String(await promise), /the client went away/);
});

Deno.test("a reader's signal cancels the body and ends the reading with its reason", async () => {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const response = streamWork(async (wait) => resolve(await abortOf(wait.signal)));
  const lines = linesWith(response, controller.signal);
  controller.abort(new Error("no longer wanted"));
  await assert.rejects(lines, /no longer wanted/);
  assert.match(String(await promise), /the client went away/);
});

async function linesWith(response: Response, signal: AbortSignal): Promise<unknown[]> {
  return await Array.fromAsync(readLines(response.body!, signal));
}

Deno.test("lines are read whatever the chunks", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.jsonValue(), { maxLength: 5 }),
    fc.array(fc.nat(), { maxLength: 10 }),
    async (values, cuts) => {
      const bytes = new TextEncoder().encode(values.map((v) => JSON.stringify(v) + "\n").join(""));
      const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
      const chunks = [0, ...ends].map((from, i) => bytes.slice(from, ends[i] ?? bytes.length));
      const lines = await Array.fromAsync(readLines(ReadableStream.from(chunks), forever));
      assert.equal(JSON.stringify(lines), JSON.stringify(values));
    },
  ));
});

Deno.test("what is no line of JSON, or one without an end, is an error", async () => {
  await assert.rejects(Array.fromAsync(readLines(bodyOf("{\n"), forever)), SyntaxError);
  const chunk = "x".repeat(1 << 20);
  const endless = ReadableStream.from((function* () {
    for (;;) yield new TextEncoder().encode(chunk);
  })());
  await assert.rejects(Array.fromAsync(readLines(endless, forever)), { code: "bad-answer" });
});
