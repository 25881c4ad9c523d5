import assert from "node:assert/strict";
import fc from "fast-check";
import { Crowd, type Place } from "../../../../../lib/transports/holepunch/exchange/crowd.ts";
import { Scheduler } from "../../../../../lib/transports/holepunch/exchange/scheduler.ts";

const all = (count: number) => Array.from({ length: count }, (_, i) => i);

/** A fetch of `count` pieces, of which each of these peers has some. */
function fetchFrom(count: number, peers: Record<string, readonly number[]>, now = () => 0) {
  const scheduler = new Scheduler<string>(count, [], now, () => 0.5);
  for (const [peer, pieces] of Object.entries(peers)) {
    scheduler.join(peer);
    scheduler.peerHas(peer, pieces);
  }
  return scheduler;
}

Deno.test("holepunch scheduler: what only one peer has, that peer may choose from", () => {
  const scheduler = fetchFrom(8, { seed: all(8), reader: [2, 5] });
  assert.deepEqual(scheduler.next("seed", 3), {
    pieces: [0, 1, 3, 4, 6, 7],
    most: 3,
    isExact: false,
  });
  assert.equal(scheduler.answered("seed", [3, 4]), true);
  assert.deepEqual(scheduler.next("seed", 9)?.pieces, [0, 1, 6, 7]);
  // So much is on its way from it already that nothing would be left for another request.
  assert.deepEqual(scheduler.next("seed", 1)?.pieces, [5]);
});

Deno.test("holepunch scheduler: answers have to be what was asked for", () => {
  const scheduler = fetchFrom(8, { seed: all(8) });
  assert.equal(scheduler.answered("seed", [0]), false, "nobody asked");
  scheduler.next("seed", 2);
  assert.equal(scheduler.answered("seed", [0, 1, 2]), false, "too much");
  scheduler.next("seed", 2);
  assert.equal(scheduler.answered("seed", [8]), false, "no piece");
});

Deno.test("holepunch scheduler: of what several have the rarest comes first, in order or by chance", () => {
  const seeds = fetchFrom(8, { one: all(8), other: all(8) });
  assert.deepEqual(seeds.next("one", 2)?.pieces, [0, 1]);
  assert.deepEqual(seeds.next("other", 2)?.pieces, [2, 3]);
  assert.deepEqual(seeds.next("one", 2)?.pieces, [4, 5]);
  const readers = fetchFrom(8, { one: [0, 1, 2, 3], two: [0, 1, 2, 3], three: [0, 1] });
  assert.deepEqual(readers.next("one", 2)?.pieces, [3], "two have it, three have others");
  assert.deepEqual(readers.next("two", 2)?.pieces, [2]);
});

Deno.test("holepunch scheduler: who leaves, or is late, is replaced", () => {
  let now = 0;
  const scheduler = fetchFrom(4, { one: all(4), other: all(4) }, () => now);
  assert.deepEqual(scheduler.next("one", 4)?.pieces, [0, 1, 2, 3]);
  assert.equal(scheduler.next("other", 4), undefined);
  now = 2_000;
  assert.deepEqual(scheduler.next("other", 2)?.pieces, [0, 1]);
  scheduler.join("third");
  scheduler.peerHas("third", all(4));
  assert.deepEqual(scheduler.next("third", 4)?.pieces, [2, 3], "two are asked at most");
  scheduler.leave("one");
  scheduler.leave("third");
  assert.deepEqual(scheduler.next("other", 4)?.pieces, [2, 3]);
});

Deno.test("holepunch scheduler: whatever peers do, all is fetched once they have it all", () => {
  const steps = fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(4)), { maxLength: 120 });
  fc.assert(fc.property(fc.integer({ min: 1, max: 40 }), steps, (count, steps) => {
    let now = 0;
    const scheduler = new Scheduler<number>(count, [], () => now);
    const here = new Set<number>();
    const crowds = all(4).map(() => new Crowd());
    const places = new Map<number, Place>();
    const asks = new Map<number, { pieces: readonly number[]; most: number }[]>();
    const join = (peer: number, pieces: readonly number[]) => {
      scheduler.leave(peer);
      scheduler.join(peer);
      scheduler.peerHas(peer, pieces);
      places.set(peer, crowds[peer]!.join(() => {}));
      asks.set(peer, []);
    };
    const ask = (peer: number, most: number) => {
      const ask = places.has(peer) ? scheduler.next(peer, most) : undefined;
      if (ask) asks.get(peer)!.push(ask);
      return ask !== undefined;
    };
    const answer = (peer: number) => {
      const first = asks.get(peer)?.shift();
      if (!first) return false;
      const pieces = places.get(peer)!.choose(first.pieces, first.most);
      assert.ok(pieces.length > 0, "there is something to send for each request");
      assert.equal(scheduler.answered(peer, pieces), true);
      for (const piece of pieces) {
        here.add(piece);
        scheduler.arrived(piece);
      }
      return true;
    };
    for (const [peer, what, n] of steps) {
      now += 300;
      if (what === 0) join(peer, all(count).filter((piece) => piece % 4 >= n));
      if (what === 1) ask(peer, n + 1);
      if (what === 2) answer(peer);
      if (what === 3) {
        scheduler.leave(peer);
        places.delete(peer);
        asks.delete(peer);
      }
    }
    join(0, all(count));
    join(1, all(count));
    for (let idle = 0; here.size < count && idle < 3;) {
      now += 1_500;
      const moved = [0, 1].map((peer) => ask(peer, 2) || answer(peer)).includes(true);
      idle = moved ? 0 : idle + 1;
    }
    assert.equal(here.size, count);
    assert.equal(scheduler.isInteresting(0), false);
  }));
});
