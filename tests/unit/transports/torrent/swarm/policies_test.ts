/** Choker, pipeline, candidates, bans, blame: no network, no real clock. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Bans } from "../../../../../lib/transports/torrent/swarm/bans.ts";
import { Blame } from "../../../../../lib/transports/torrent/swarm/blame.ts";
import { Candidates } from "../../../../../lib/transports/torrent/swarm/candidates.ts";
import { mostCrowded } from "../../../../../lib/transports/torrent/swarm/crowd.ts";
import { chooseUnchoked } from "../../../../../lib/transports/torrent/swarm/choker.ts";
import { BLOCK } from "../../../../../lib/transports/torrent/swarm/picker.ts";
import { Pipeline } from "../../../../../lib/transports/torrent/swarm/pipeline.ts";

const rates = fc.array(
  fc.record({ downloadRate: fc.nat(1000), uploadRate: fc.nat(1000) }),
  { maxLength: 30 },
);

Deno.test("choker: every slot is used, and the best givers keep theirs", () => {
  fc.assert(fc.property(rates, fc.integer({ min: 1, max: 8 }), (peers, slots) => {
    const applicants = peers.map((p, peer) => ({ peer, servedAt: 0, ...p }));
    const chosen = chooseUnchoked(applicants, slots);
    assert.equal(chosen.size, Math.min(slots, peers.length));
    const givers = [...applicants].sort((a, b) => b.downloadRate - a.downloadRate);
    const [best, second] = givers;
    if (slots > 1 && best && best.downloadRate > (second?.downloadRate ?? -1)) {
      assert.ok(chosen.has(best.peer));
    }
  }));
});

Deno.test("choker: everybody's turn comes", () => {
  fc.assert(fc.property(rates, fc.integer({ min: 1, max: 8 }), (peers, slots) => {
    const applicants = peers.map((p, peer) => ({ peer, servedAt: 0, ...p }));
    const served = new Set<number>();
    for (let round = 1; round <= peers.length; round++) {
      for (const peer of chooseUnchoked(applicants, slots)) {
        applicants[peer]!.servedAt = round;
        served.add(peer);
      }
    }
    assert.equal(served.size, peers.length);
  }));
});

Deno.test("pipeline: fast peers are asked far ahead, slow ones little, none beyond its queue", () => {
  const fast = new Pipeline(250);
  for (let i = 0; i < 1000; i++) fast.blockReceived(20);
  assert.equal(fast.depth, 250);
  for (let i = 0; i < 1000; i++) fast.blockReceived(600);
  assert.equal(fast.depth, 4);
  const far = new Pipeline(250);
  for (let i = 0; i < 1000; i++) far.blockReceived(800);
  assert.equal(far.depth, 250, "far away is not slow");
  assert.equal(new Pipeline(2).depth, 2);
});

Deno.test("candidates: dialled in turn, retried ever later, at last given up", () => {
  const candidates = new Candidates();
  const address = { host: "127.0.0.1", port: 1 };
  assert.equal(candidates.add(address), true);
  assert.equal(candidates.add({ ...address }), false);
  assert.equal(candidates.add({ host: "127.0.0.1", port: 0 }), false);
  assert.equal(candidates.add({ host: "127.0.0.1", port: 65536 }), false);
  let now = 0;
  let attempts = 0;
  while (candidates.nextAt() < Infinity) {
    now = candidates.nextAt();
    assert.ok(candidates.take(now));
    assert.equal(candidates.take(now), undefined);
    attempts++;
    candidates.ended(address, now, "useless");
  }
  assert.equal(attempts, 4);
});

Deno.test("candidates: one that was of use is tried again and again; a liar never", () => {
  const candidates = new Candidates();
  const address = { host: "127.0.0.1", port: 1 };
  candidates.add(address);
  for (let now = 0; now < 100_000; now += 1000) {
    assert.ok(candidates.take(now));
    candidates.ended(address, now, "useful");
  }
  candidates.take(1e6);
  candidates.ended(address, 1e6, "never");
  assert.equal(candidates.take(1e9), undefined);
  assert.equal(candidates.nextAt(), Infinity);
});

Deno.test("candidates: a peer that is here by another address is not dialled at this one", () => {
  const here = new Set<string>();
  const candidates = new Candidates((id) => here.has(id));
  const [one, other] = [{ host: "192.0.2.1", port: 1 }, { host: "2001:db8::1", port: 1 }];
  for (const address of [one, other]) candidates.add(address);
  for (const address of [one, other]) assert.deepEqual(pick(candidates.take(0)), address);
  here.add("id");
  candidates.ended(other, 0, "useless", "id"); // it was slower
  assert.equal(candidates.take(1e6), undefined);
  assert.equal(candidates.nextAt(), Infinity);
  here.delete("id");
  candidates.ended(one, 1e6, "useful", "id");
  assert.deepEqual(pick(candidates.take(1e6)), other);
});

const pick = (address: { host: string; port: number } | undefined) =>
  address && { host: address.host, port: address.port };

Deno.test("candidates: there is a limit, and what was tried in vain makes room", () => {
  const candidates = new Candidates();
  const address = (n: number) => ({ host: `10.0.${n >> 8}.${n & 255}`, port: 1 });
  for (let n = 0; n < 500; n++) assert.ok(candidates.add(address(n)));
  assert.equal(candidates.add(address(500)), false);
  const tried = candidates.take(0)!;
  candidates.ended(tried, 0, "never");
  assert.equal(candidates.add(address(500)), true);
  assert.equal(candidates.add(address(501)), false);
});

Deno.test("candidates: of one peer's addresses only some are taken, and bad ones come last", () => {
  const candidates = new Candidates();
  const address = (n: number) => ({ host: `10.0.${n >> 8}.${n & 255}`, port: 1 });
  for (let n = 0; n < 400; n++) assert.equal(candidates.add(address(n), "10.9.9.9"), n < 100);
  assert.equal(candidates.take(0)!.host, "10.0.0.0");
  candidates.ended(address(0), 0, "useless");
  assert.ok(candidates.add(address(1000), "10.8.8.8"));
  assert.equal(candidates.take(0)!.host, address(1000).host);
});

Deno.test("crowd: whoever has most makes room for those that have less", () => {
  assert.equal(mostCrowded([], "a"), undefined);
  assert.equal(mostCrowded(["a", "b"], "c"), undefined);
  assert.equal(mostCrowded(["a", "b", "b"], "c"), "b");
  assert.equal(mostCrowded(["a", "b", "b"], "a"), undefined);
  assert.equal(mostCrowded(["a", "b", "b", "b"], "a"), "b");
  assert.equal(mostCrowded(["b", "b", "b"], "b"), undefined);
});

Deno.test("bans: by port and peer id, for an hour; the host once liars keep coming", () => {
  let now = 0;
  const bans = new Bans(() => now);
  bans.add("1.2.3.4", 6881, "id");
  assert.ok(bans.has("1.2.3.4", 6881) && bans.has("1.2.3.4", "id"));
  assert.ok(!bans.has("1.2.3.4") && !bans.has("1.2.3.4", 6882) && !bans.has("1.2.3.5", 6881));
  now += 3_600_001;
  assert.ok(!bans.has("1.2.3.4", 6881));
  for (let i = 0; i < 8; i++) bans.add("1.2.3.4", `id${i}`);
  assert.ok(bans.has("1.2.3.4", "any"));
});

Deno.test("bans: 64 bits of IPv6 are one address, each peer in them for itself", () => {
  const bans = new Bans(() => 0);
  bans.add("2001:db8::1", 6881, "id");
  assert.ok(bans.has("2001:db8::1", 6881) && bans.has("2001:db8::1", "id"));
  assert.ok(!bans.has("2001:db8::2", 6881) && !bans.has("2001:db8::2", "other"));
  for (let i = 0; i < 8; i++) bans.add(`2001:db8::${i}`, `id${i}`);
  assert.ok(bans.has("2001:db8::ffff", "any"));
  assert.ok(!bans.has("2001:db8:0:1::1", "any"));
});

Deno.test("blame: a single sender at once; among several, who sent other bytes than the right ones", () => {
  const right = new Uint8Array(3 * BLOCK - 7).fill(1);
  const wrong = right.slice();
  wrong[BLOCK + 5] = 9;
  const blame = new Blame<string>();
  assert.equal(blame.failed(0, wrong, ["a", "a", "a"]), "a");
  assert.equal(blame.failed(1, wrong, ["a", "b", "c"]), undefined);
  assert.deepEqual(blame.verified(1, right), new Set(["b"]));
  assert.deepEqual(blame.verified(1, right), new Set());
});
