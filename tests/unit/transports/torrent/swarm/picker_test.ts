import assert from "node:assert/strict";
import fc from "fast-check";
import { Bitfield } from "../../../../../lib/transports/torrent/swarm/bitfield.ts";
import { BLOCK, type Block, Picker } from "../../../../../lib/transports/torrent/swarm/picker.ts";

const PIECE = 4 * BLOCK;

function picker(pieces: number, maxActive = 100, random = () => 0): Picker<string> {
  const layout = { length: pieces * PIECE - 5, pieceLength: PIECE };
  return new Picker<string>(layout, new Bitfield(pieces), maxActive, random);
}

function addPeer(picker: Picker<string>, name: string, pieces: readonly number[]): void {
  picker.addPeer(name);
  for (const piece of pieces) picker.peerHas(name, piece);
}

Deno.test("the rarest piece is asked for first", () => {
  const p = picker(3);
  addPeer(p, "a", [0, 1, 2]);
  addPeer(p, "b", [0, 2]);
  addPeer(p, "c", [0]);
  assert.deepEqual(p.next("a", 5).map((b) => b.piece), [1, 1, 1, 1, 2]);
});

Deno.test("pieces come in order where nobody could want one of us, else from anywhere", () => {
  const all = [0, 1, 2, 3];
  const first = (...peers: (readonly number[])[]) => {
    const p = picker(4, 100, () => 0.5);
    peers.forEach((pieces, n) => addPeer(p, `${n}`, pieces));
    return p.next("0", 1)[0]!.piece;
  };
  assert.equal(first(all), 0, "a single peer");
  assert.equal(first([1, 3]), 1, "a single peer that has some");
  assert.equal(first(all, all, all), 0, "seeds only");
  assert.equal(first(all, all, []), 2, "another reader");
  assert.equal(first(all, [0, 2, 3]), 1, "the rarest comes before either");
});

Deno.test("a started piece is finished before another is begun", () => {
  const p = picker(9);
  addPeer(p, "a", [0, 1, 2]);
  addPeer(p, "b", [0, 1, 2]);
  const first = p.next("a", 2);
  p.removePeer("a");
  assert.deepEqual(p.next("b", 2), first);
});

Deno.test("the last block is shorter", () => {
  const p = picker(1);
  addPeer(p, "a", [0]);
  assert.equal(p.next("a", 9).at(-1)!.length, BLOCK - 5);
});

Deno.test("endgame: the last blocks are asked of two peers, and cancelled at the other", () => {
  const p = picker(1);
  for (const name of ["a", "b", "c"]) addPeer(p, name, [0]);
  const blocks = p.next("a", 9);
  assert.deepEqual(p.next("b", 9), blocks);
  assert.deepEqual(p.next("c", 9), []);
  assert.deepEqual(p.received("b", blocks[0]!), { wanted: true, cancel: ["a"] });
  assert.deepEqual(p.received("a", blocks[0]!), { wanted: false, cancel: [] });
  assert.equal(p.outstanding("a"), 3);
});

Deno.test("a piece that failed comes from one peer alone", () => {
  const p = picker(1);
  for (const name of ["a", "b"]) addPeer(p, name, [0]);
  const [one, two] = [p.next("a", 2), p.next("b", 2)];
  for (const block of one) p.received("a", block);
  assert.deepEqual(
    two.map((block) => p.received("b", block)).at(-1)!.complete,
    ["a", "a", "b", "b"],
  );
  p.failed(0);
  const again = p.next("b", 1);
  assert.equal(again.length, 1);
  assert.deepEqual(p.next("a", 9), []);
  p.received("b", again[0]!);
  p.removePeer("b");
  assert.equal(p.next("a", 9).length, 4, "all of it again, from the other peer");
});

Deno.test("a piece whose peers are gone is not in the way of others", () => {
  const p = picker(2, 1);
  addPeer(p, "a", [0]);
  addPeer(p, "b", [1]);
  p.received("a", p.next("a", 1)[0]!);
  assert.deepEqual(p.next("b", 1).map((b) => b.piece), [1]);
});

Deno.test("whatever peers do, every block is asked for as the rules say, and all arrive", () => {
  const peer = fc.record({
    name: fc.constantFrom("a", "b", "c", "d"),
    act: fc.constantFrom("ask", "ask", "deliver", "deliver", "choke", "leave", "corrupt"),
    count: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.array(fc.nat(6)), { minLength: 4, maxLength: 4 }),
      fc.array(peer, { maxLength: 150 }),
      (pieces, maxActive, has, steps) => {
        const p = picker(pieces, maxActive);
        const asked = new Map<string, Block[]>();
        const holdings = new Map<string, number[]>();
        const join = (name: string, held: number[]) => {
          addPeer(p, name, held);
          asked.set(name, []);
          holdings.set(name, held);
        };
        ["a", "b", "c", "d"].forEach((name, i) => join(name, has[i]!.filter((n) => n < pieces)));

        const ask = (name: string, count: number) => {
          const blocks = p.next(name, count);
          assert.ok(blocks.length <= count);
          for (const block of blocks) {
            assert.ok(holdings.get(name)!.includes(block.piece));
            assert.ok(!p.have.has(block.piece));
            const same = (b: Block) => b.piece === block.piece && b.offset === block.offset;
            assert.ok(!asked.get(name)!.some(same), "asked the same peer twice");
            asked.get(name)!.push(block);
            assert.ok([...asked.values()].flat().filter(same).length <= 2);
          }
          const active = new Set([...asked.values()].flat().map((b) => b.piece));
          assert.ok(active.size <= maxActive);
        };
        const deliver = (name: string, corrupt: boolean) => {
          const block = asked.get(name)!.shift();
          if (!block) return;
          const arrival = p.received(name, block);
          assert.ok(arrival.wanted);
          for (const other of arrival.cancel) {
            const rest = asked.get(other)!;
            rest.splice(
              rest.findIndex((b) => b.piece === block.piece && b.offset === block.offset),
              1,
            );
          }
          if (!arrival.complete) return;
          if (corrupt) p.failed(block.piece);
          else p.verified(block.piece);
        };
        for (const { name, act, count } of steps) {
          if (act === "ask") ask(name, count);
          else if (act === "deliver" || act === "corrupt") deliver(name, act === "corrupt");
          else {
            if (act === "choke") p.releaseAll(name);
            else p.removePeer(name);
            if (act === "leave") join(name, holdings.get(name)!);
            asked.set(name, []);
          }
          for (const [peer, blocks] of asked) assert.equal(p.outstanding(peer), blocks.length);
        }
        // From here on somebody has everything and everybody is honest: it must end.
        p.removePeer("a");
        join("a", [...Array(pieces).keys()]);
        for (const name of ["b", "c", "d"]) {
          p.removePeer(name);
          asked.delete(name);
        }
        for (let i = 0; i < 1_000 && !p.done; i++) {
          ask("a", 3);
          deliver("a", false);
        }
        assert.ok(p.done);
        assert.equal(p.outstanding("a"), 0);
      },
    ),
    { numRuns: 300 },
  );
});
