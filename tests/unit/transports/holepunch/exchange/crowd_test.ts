import assert from "node:assert/strict";
import { Crowd, type News } from "../../../../../lib/transports/holepunch/exchange/crowd.ts";

const ALL = [0, 1, 2, 3, 4, 5, 6, 7];
const key = (n: number) => n.toString(16).padStart(64, "0");

Deno.test("holepunch crowd: one reader gets a pack in order", () => {
  const alone = new Crowd().join(() => {});
  assert.deepEqual(alone.choose(ALL, 3), [0, 1, 2]);
  assert.deepEqual(alone.choose(ALL, 3), [3, 4, 5]);
  assert.deepEqual(alone.choose(ALL, 3), [6, 7]);
  assert.deepEqual(alone.choose(ALL, 3), []);
});

Deno.test("holepunch crowd: each reader gets what nobody has, as long as there is any", () => {
  const crowd = new Crowd();
  const [a, b, c] = [crowd.join(() => {}), crowd.join(() => {}), crowd.join(() => {})];
  assert.deepEqual(a.choose(ALL, 2), [0, 1]);
  assert.deepEqual(b.choose(ALL, 2), [2, 3]);
  assert.deepEqual(c.choose(ALL, 8), [4, 5, 6, 7]);
  assert.equal(a.rarity([0, 4]), 1);
  assert.deepEqual(a.choose(ALL, 8), [2, 3, 4, 5, 6, 7]);
  assert.deepEqual(b.choose([1, 4, 6], 8), [1]);
  // What a reader that has gone got, nobody has.
  c[Symbol.dispose]();
  a[Symbol.dispose]();
  assert.equal(crowd.size, 1);
  assert.deepEqual(crowd.join(() => {}).choose(ALL, 1), [0]);
});

Deno.test("holepunch crowd: those that want to be met are told of one another, once", () => {
  const crowd = new Crowd();
  const told = Array.from({ length: 40 }, (): News[] => []);
  crowd.join((news) => told[0]!.push(news), key(0));
  crowd.join((news) => told[1]!.push(news)); // says nothing of itself
  crowd.join((news) => told[2]!.push(news), key(2));
  crowd.join((news) => told[3]!.push(news), key(2)); // again, or somebody else who says so
  assert.deepEqual(told[0], [{ peers: [key(2)] }]);
  assert.deepEqual(told[1], []);
  assert.deepEqual(told[2], [{ peers: [key(0)] }]);
  for (let n = 4; n < 40; n++) crowd.join((news) => told[n]!.push(news), key(n));
  for (const news of told) {
    const keys = news.flatMap(({ peers = [] }) => peers);
    assert.ok(keys.length <= 32);
    assert.equal(new Set(keys).size, keys.length);
  }
  crowd.tell({ have: [5] });
  for (const news of told) assert.deepEqual(news.at(-1), { have: [5] });
});
