import assert from "node:assert/strict";
import { Turns } from "../../../../../lib/transports/holepunch/exchange/turns.ts";

const { signal } = new AbortController();

/** Fills all slots; then asks for a turn for each host, and says who got theirs in which order. */
async function order(turns: Turns, waiting: readonly [host: string, cost: number][]) {
  const running = await Promise.all(
    Array.from({ length: 4 }, () => turns.take("busy", () => 0, signal)),
  );
  const got: string[] = [];
  const all = waiting.map(async ([host, cost]) => {
    using _turn = await turns.take(host, () => cost, signal);
    got.push(host);
  });
  running[0]![Symbol.dispose]();
  await Promise.all(all);
  running.forEach((turn) => turn[Symbol.dispose]());
  return got;
}

Deno.test("holepunch turns: who gave the most and got the least comes first", async () => {
  const turns = new Turns();
  turns.sent("a", 5000);
  turns.received("c", 5000);
  assert.deepEqual(await order(turns, [["a", 0], ["b", 0], ["c", 0]]), ["c", "b", "a"]);
  assert.deepEqual(await order(turns, [["a", 0], ["b", 0], ["c", 20_000]]), ["b", "a", "c"]);
});

Deno.test("holepunch turns: what was exchanged long ago counts for little", async () => {
  let now = 0;
  const turns = new Turns(() => now);
  turns.sent("a", 1_000_000);
  now += 300_000;
  turns.sent("b", 5000);
  assert.deepEqual(await order(turns, [["b", 0], ["a", 0]]), ["a", "b"]);
});

Deno.test("holepunch turns: who gives up waiting takes no turn", async () => {
  const turns = new Turns();
  const running = await Promise.all(
    Array.from({ length: 4 }, () => turns.take("busy", () => 0, signal)),
  );
  const gone = new AbortController();
  const gives = turns.take("a", () => 0, gone.signal);
  const stays = turns.take("b", () => 0, signal);
  gone.abort(new Error("gone"));
  await assert.rejects(gives, /gone/);
  running[0]![Symbol.dispose]();
  running[0]![Symbol.dispose](); // once
  (await stays)[Symbol.dispose]();
  running.forEach((turn) => turn[Symbol.dispose]());
});
