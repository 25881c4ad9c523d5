/** Which network is asked for a pack, and when it gets company: by numbers alone. */
import assert from "node:assert/strict";
import { NetworkError, StoreError } from "../../../../lib/common/errors.ts";
import { failureOf, stateOf, unanswered } from "../../../../lib/engine/fetch/fetch_failure.ts";
import {
  type Attempt,
  bestNetwork,
  hopeless,
  isOvertaken,
  isSilent,
  type PackNetwork,
  untried,
} from "../../../../lib/engine/fetch/pack_networks.ts";
import type { PackRef } from "../../../../lib/manifest/types.ts";
import { transport } from "../memory_network.ts";

const network = (scheme: string, changes: Partial<PackNetwork> = {}): PackNetwork => ({
  ...untried(scheme, transport(scheme)),
  ...changes,
});
const ago = (ms: number) => performance.now() - ms;
const attempt = (changes: Partial<Attempt> = {}): Attempt => ({
  network: network("a"),
  started: ago(0),
  moved: ago(0),
  done: 0,
  bytes: 0,
  stop: new AbortController(),
  ended: Promise.resolve(),
  ...changes,
});
const failure = (code: string, message = code, hint?: string) =>
  new NetworkError(code, message, { hint });

Deno.test("the best network is the fastest; an unknown one counts as that, failed ones are last", () => {
  const [slow, fast] = [
    network("slow", { bytes: 10, ms: 10 }),
    network("fast", { bytes: 90, ms: 10 }),
  ];
  const [silent, failed] = [network("silent", { stalled: true }), network("x", { failed: true })];
  const fresh = network("fresh");
  const best = (all: PackNetwork[], attempts: Attempt[] = []) => bestNetwork(all, attempts)?.scheme;
  assert.equal(best([slow, fast]), "fast");
  assert.equal(best([slow, fresh, fast]), "fresh", "the first of those that are as fast");
  assert.equal(best([failed, silent, slow]), "slow");
  assert.equal(best([failed, silent]), "silent");
  assert.equal(best([failed]), "x");
  assert.equal(
    best([slow, fast], [attempt({ network: fast })]),
    "slow",
    "it has this pack already",
  );
  assert.equal(best([slow], [attempt({ network: slow })]), undefined);
  assert.equal(best([]), undefined);
  const busy = network("busy", { bytes: 90, ms: 10, running: new Set([attempt()]) });
  const half = network("half", { bytes: 60, ms: 10 });
  assert.equal(best([busy, half]), "half", "each of two packs has half of it");
});

Deno.test("a network is silent after 0.3, 2 or 5 seconds, by what it tells of its peers", () => {
  const silent = (ms: number, peers?: number) => isSilent(attempt({ moved: ago(ms), peers }));
  assert.deepEqual([silent(250, 0), silent(350, 0)], [false, true]);
  assert.deepEqual([silent(1900), silent(2001)], [false, true]);
  assert.deepEqual([silent(4900, 1), silent(5001, 1)], [false, true]);
});

Deno.test("it is hopeless if nobody can be connected to, and all others have looked in vain", () => {
  const out = attempt({ failure: failure("out-of-reach") });
  const lonely = { searched: true, peers: 0 };
  const code = (...attempts: Attempt[]) => hopeless(attempts)?.code;
  assert.equal(code(out), "out-of-reach");
  assert.equal(code(attempt(lonely), out), "out-of-reach");
  assert.equal(code(out, attempt({ failure: failure("dead") })), "out-of-reach");
  assert.equal(code(attempt(lonely)), undefined, "it may still find somebody");
  for (const more of [{ searched: false }, { peers: 1 }, { peers: undefined }, { bytes: 1 }]) {
    assert.equal(code(out, attempt({ ...lonely, ...more })), undefined, JSON.stringify(more));
  }
});

Deno.test("a network is overtaken by an idle one that would be more than twice as soon", () => {
  const size = 100_000;
  const quick = (changes: Partial<PackNetwork> = {}) =>
    network("q", { bytes: 100, ms: 1, ...changes });
  const slow = (changes: Partial<Attempt> = {}) =>
    attempt({ started: ago(10_000), done: 10_000, bytes: 10_000, ...changes });
  assert.equal(isOvertaken(slow(), size, quick()), true);
  assert.equal(isOvertaken(slow(), size, undefined), false);
  assert.equal(isOvertaken(slow(), size, quick({ failed: true })), false);
  assert.equal(isOvertaken(slow(), size, quick({ running: new Set([attempt()]) })), false);
  assert.equal(isOvertaken(slow(), size, network("q")), false, "nobody knows how fast that is");
  assert.equal(isOvertaken(slow({ bytes: 0 }), size, quick()), false, "it is silent, if anything");
  assert.equal(isOvertaken(slow({ done: 99_000 }), size, quick()), false, "it is nearly there");
  // 90 s are left. The other would take 40 s, or 50 s.
  assert.equal(isOvertaken(slow(), size, quick({ bytes: 2500, ms: 1000 })), true);
  assert.equal(isOvertaken(slow(), size, quick({ bytes: 2000, ms: 1000 })), false);
});

Deno.test("what a network has come to is said in a few words", () => {
  const pack = "can't fetch pack 0123: ";
  assert.equal(stateOf(attempt({ failure: failure("x", `${pack}it broke`) })), "a: it broke");
  assert.equal(stateOf(attempt({ peers: 1, bytes: 1 })), "a: 1 peer connected, but no more came");
  assert.equal(stateOf(attempt({ peers: 2 })), "a: 2 peers connected, but sent nothing");
  assert.equal(stateOf(attempt({ peers: 0 })), "a: no peer could be connected to");
  assert.equal(stateOf(attempt()), "a: no answer");
});

Deno.test("the error for a pack names networks, its hint is the first there is, and the disk's comes first", () => {
  const pack = { sha256: "ab".repeat(32) } as PackRef;
  const at = (scheme: string, why: NetworkError | StoreError, started = ago(0)) =>
    attempt({ network: network(scheme), failure: why, started });
  const of = (...attempts: Attempt[]) => failureOf(attempts, pack, "hello");
  const two = of(at("a", failure("x", "it broke")), at("b", failure("y", "that too", "mend it")));
  assert.deepEqual([two.code, two.message, two.hint], [
    ...["x", "can't fetch pack abababababab: a: it broke; b: that too", "mend it"],
  ]);
  const full = new StoreError("disk-full", "no space");
  assert.equal(of(at("a", failure("x")), at("b", full)), full);
  const nobody = of(
    at("a", failure("no-peer"), ago(7000)),
    at("b", failure("nobody-answered"), ago(3000)),
  );
  assert.match(nobody.message, /: a: no-peer; b: nobody-answered$/, "b has told of no peers");
  const lonely = of(
    at("a", failure("no-peer"), ago(7000)),
    at("b", failure("no-peer"), ago(3000)),
  );
  assert.match(lonely.message, /hello: nobody who has it could be reached over a or b in 7 s$/);
  assert.match(
    of(at("a", failure("no-peer")), at("b", failure("no-peer"))).message,
    /in 1 s$/,
    "not in 0 s",
  );
  assert.match(lonely.hint!, /^try again when its publisher/);
  assert.equal(failureOf([], pack, "hello").code, "no-transport");
});

Deno.test("a deadline's error says what each network has come to, the caller's own stays", () => {
  const late = failure("timed-out", "waited 1 s");
  const told = attempt({ peers: 2 });
  const message = (...attempts: Attempt[]) =>
    (unanswered(late, attempts, "hello") as NetworkError).message;
  assert.equal(message(told), "waited 1 s; a: 2 peers connected, but sent nothing");
  assert.equal(message(attempt()), "waited 1 s", "nothing was heard");
  assert.match(message(attempt({ peers: 0 })), /^can't fetch hello: nobody /);
  const left = new Error("the client left");
  assert.equal(unanswered(left, [told], "hello"), left);
  const hint = unanswered(late, [attempt({ failure: failure("x", "x", "do it") })], "hello");
  assert.equal((hint as NetworkError).hint, "do it");
});
