import assert from "node:assert/strict";
import { concurrently } from "../../../../lib/transports/holepunch/concurrently.ts";

const never = new AbortController().signal;

async function* count(to: number) {
  for (let i = 0; i < to; i++) yield i;
}

Deno.test("concurrently: all are run, no more at once than allowed, failures yield nothing", async () => {
  let running = 0;
  let most = 0;
  let together = Promise.withResolvers<void>();
  const run = async (i: number) => {
    most = Math.max(most, ++running);
    const { promise, resolve } = together;
    if (i % 3 === 2) {
      together = Promise.withResolvers();
      resolve(); // three are here: fewer at once would never end
    }
    await promise;
    running--;
    if (i % 3 === 0) throw new Error("no");
    return i % 3 === 1 ? i : undefined;
  };
  const found = await Array.fromAsync(concurrently(() => count(9), 3, run, never));
  assert.deepEqual(found.sort(), [1, 4, 7]);
  assert.equal(most, 3);
});

Deno.test("concurrently: who has enough stops the source and the rest", async () => {
  const stopped: string[] = [];
  async function* source(signal: AbortSignal) {
    yield 0;
    yield 1;
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject()))
      .catch(() => stopped.push("source"));
  }
  const run = (i: number, signal: AbortSignal) =>
    i === 0
      ? Promise.resolve("first")
      : new Promise<string>((_, reject) =>
        signal.addEventListener("abort", () => {
          stopped.push("task");
          reject();
        })
      );
  for await (const result of concurrently(source, 4, run, never)) {
    assert.equal(result, "first");
    break;
  }
  assert.deepEqual(stopped.sort(), ["source", "task"]);
});

Deno.test("concurrently: an abort, and a failure of the source, are the caller's", async () => {
  const stop = new AbortController();
  const reason = new Error("enough");
  const forever = concurrently(() => count(1), 1, () => new Promise<number>(() => {}), stop.signal);
  const next = forever.next();
  stop.abort(reason);
  await assert.rejects(next, (error) => error === reason);
  async function* broken() {
    yield 1;
    throw new Error("broken");
  }
  const found: number[] = [];
  await assert.rejects(async () => {
    for await (const i of concurrently(broken, 2, (i) => Promise.resolve(i), never)) found.push(i);
  }, /broken/);
  assert.deepEqual(found, [1]);
});
