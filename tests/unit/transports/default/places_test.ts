import assert from "node:assert/strict";
import fc from "fast-check";
import { Places } from "../../../../lib/transports/default/places.ts";

Deno.test("places: never more than there are, nor more than a peer's share", async () => {
  const step = fc.record({ peer: fc.constantFrom("a", "b", "c"), gives: fc.boolean() });
  await fc.assert(fc.asyncProperty(fc.array(step), async (steps) => {
    const places = new Places(3, 2);
    const signal = new AbortController().signal;
    const held: { peer: string; place: Disposable }[] = [];
    const waits: Promise<void>[] = [];
    const enter = (peer: string) =>
      waits.push(places.wait(peer, signal).then((place) => void held.push({ peer, place })));
    for (const { peer, gives } of steps) {
      if (gives) held.shift()?.place[Symbol.dispose]();
      else enter(peer);
      await Promise.resolve();
      assert.ok(held.length <= 3);
      for (const one of "abc") assert.ok(held.filter(({ peer }) => peer === one).length <= 2);
    }
    // Everybody's turn comes.
    let left = waits.length;
    for (const wait of waits) void wait.then(() => left--);
    for (let round = 0; round < 100 * waits.length && left > 0; round++) {
      held.shift()?.place[Symbol.dispose]();
      await Promise.resolve();
    }
    assert.equal(left, 0);
  }));
});

Deno.test("places: who waits gets one in turn, but for whom has its share", async () => {
  const places = new Places(2, 1);
  const { signal } = new AbortController();
  const [a, b] = [places.take("a")!, places.take("b")!];
  assert.equal(places.take("c"), undefined);
  const order: string[] = [];
  const wait = (peer: string) =>
    places.wait(peer, signal).then((place) => {
      order.push(peer);
      return place;
    });
  const [again, c, d] = [wait("a"), wait("c"), wait("d")];
  b[Symbol.dispose]();
  const place = await c; // the first in the row has a place already
  assert.deepEqual(order, ["c"]);
  place[Symbol.dispose]();
  await d;
  a[Symbol.dispose]();
  await again;
  assert.deepEqual(order, ["c", "d", "a"]);
  assert.equal(places.take("e"), undefined);
});

Deno.test("places: who gives up waiting takes none, who gives twice gives one", async () => {
  const places = new Places(1, 1);
  const first = places.take("a")!;
  const stop = new AbortController();
  const waiting = places.wait("b", stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.ok(places.take("c"));
  assert.equal(places.take("d"), undefined);
});
