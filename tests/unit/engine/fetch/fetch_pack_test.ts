import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { NetworkError } from "../../../../lib/common/errors.ts";
import { deadline, sleep } from "../../../../lib/common/wait.ts";
import { PackSources } from "../../../../lib/engine/fetch/fetch_pack.ts";
import type { PackRef, SignedManifest } from "../../../../lib/manifest/types.ts";
import type { OpenNetwork } from "../../../../lib/ports/network.ts";
import type { FetchWait } from "../../../../lib/ports/packs.ts";
import { loopClock } from "../../common/loop_clock.ts";
import { abortOf } from "../../common/signals.ts";
import { tempDir } from "../fixture.ts";
import { silence, transport } from "../memory_network.ts";

/** A pack of no objects, which is all that matters here. */
const BYTES = new Uint8Array([0x50, 0x41, 0x43, 0x4b, 0, 0, 0, 2, 0, 0, 0, 0, 1, 2, 3, 4]);
const PACK: PackRef = {
  sha256: createHash("sha256").update(BYTES).digest("hex"),
  size: BYTES.length,
  infohash: "0".repeat(40),
  objects: 0,
  tips: [],
};
const FROM = { manifest: { name: "hello" } } as SignedManifest;

const network = (
  scheme: string,
  fetch: (into: string, wait: FetchWait) => Promise<void>,
): OpenNetwork => transport(scheme, { fetch: (_pack, _from, into, wait) => fetch(into, wait) });

const fast = (scheme: string, bytes = BYTES) =>
  network(scheme, async (into, wait) => {
    await Deno.writeFile(into, bytes);
    wait.progress?.(bytes.length, bytes.length, "receiving");
  });
const dead = (scheme: string) =>
  network(scheme, () => Promise.reject(new NetworkError("dead", `${scheme} is dead`)));
const silent = (scheme: string) => network(scheme, (_into, wait) => silence(wait));
/** One that is not to be asked. */
function spare(): OpenNetwork & { calls: number } {
  const made = Object.assign(
    network("spare", () => {
      made.calls++;
      return Promise.reject(new Error("nobody had to be asked"));
    }),
    { calls: 0 },
  );
  return made;
}
/** Sends the first byte, and nothing after that. */
const stalled = (scheme: string) =>
  network(scheme, async (into, wait) => {
    await Deno.writeFile(into, BYTES.subarray(0, 1));
    wait.progress?.(1, BYTES.length, "receiving");
    await silence(wait);
  });

async function fetch(networks: readonly OpenNetwork[], parent?: AbortSignal) {
  await using temp = await tempDir();
  const into = join(temp.path, "pack");
  const progress: number[] = [];
  using wait = deadline(60_000, "a pack", parent);
  const started = performance.now();
  using clock = loopClock();
  const error = await new PackSources(networks).fetch(PACK, FROM, into, {
    signal: wait.signal,
    progress: (done) => void progress.push(done),
  }).then(() => undefined, (error) => error);
  const { ms } = clock;
  const passed = performance.now() - started;
  const files = Object.fromEntries(
    (await Array.fromAsync(Deno.readDir(temp.path))).map(({ name }) =>
      [name, Deno.readFileSync(join(temp.path, name)).length] as const
    ),
  );
  return { error, ms, passed, files, progress };
}

Deno.test("the first network is asked alone where it delivers", async () => {
  const unasked = spare();
  const { error, files } = await fetch([fast("a"), unasked]);
  assert.deepEqual([error, unasked.calls], [undefined, 0]);
  assert.deepEqual(files, { pack: BYTES.length });
});

Deno.test("the next network takes over at once where one fails", async () => {
  const { error, files, ms } = await fetch([dead("a"), dead("b"), fast("c")]);
  assert.equal(error, undefined);
  assert.deepEqual(files, { pack: BYTES.length });
  assert.ok(ms < 1000);
});

for (const [what, slow] of [["is silent", silent], ["stalls halfway", stalled]] as const) {
  Deno.test(`a network that ${what} gets company, and is called off when the other wins`, async () => {
    const { error, files, passed, progress } = await fetch([slow("a"), fast("b")]);
    assert.equal(error, undefined);
    assert.deepEqual(files, { pack: BYTES.length });
    assert.ok(passed > 1900, `${passed} ms`);
    assert.equal(progress.at(-1), BYTES.length);
  });
}

/** Tells that so many peers are connected, and then does as another network does. */
const connected = (peers: number, then: OpenNetwork) =>
  network(then.scheme, async (into, wait) => {
    wait.connected?.(peers);
    await then.packs!.fetch(PACK, FROM, into, wait);
  });

Deno.test("a network without a connected peer gets company at once, and each one is named in vain", async () => {
  const { error, ms } = await fetch([
    connected(0, silent("a")),
    connected(0, silent("b")),
    fast("c"),
  ]);
  assert.equal(error, undefined);
  assert.ok(ms < 1500, `${ms} ms`);

  using limit = deadline(1000, "a pack", undefined, "wait for them");
  const vain = await fetch(
    [connected(0, silent("a")), connected(2, silent("b")), silent("c"), dead("d")],
    limit.signal,
  );
  assert.equal(vain.error.code, "timed-out");
  assert.match(
    vain.error.message,
    /^waited 1 s for a pack: no answer; a: no peer could be connected to; b: 2 peers connected, but sent nothing$/,
  );
  assert.equal(vain.error.hint, "wait for them");
});

/** Fails with this code. */
const failing = (scheme: string, code: string) =>
  network(scheme, () => Promise.reject(new NetworkError(code, `${scheme}: ${code}`)));

Deno.test("the error names no network that had nothing to try", async () => {
  const idle = failing("idle", "no-source");
  const { error } = await fetch([dead("a"), idle, dead("b")]);
  assert.match(error.message, /^can't fetch pack [0-9a-f]{12}: a: a is dead; b: b is dead$/);
  assert.equal((await fetch([idle])).error.message, "idle: no-source");
});

Deno.test("where nobody is there, one sentence says it for all networks", async () => {
  const lonely = connected(0, failing("a", "nobody-answered"));
  const { error } = await fetch([lonely, failing("idle", "no-source"), failing("b", "no-peer")]);
  assert.match(
    error.message,
    /^can't fetch hello: nobody who has it could be reached over a or b in \d+ s$/,
  );
  assert.match(error.hint, /^try again when its publisher/);
  using limit = deadline(1000, "a pack");
  const late = await fetch([connected(0, silent("a")), failing("b", "no-peer")], limit.signal);
  assert.match(late.error.message, /^can't fetch hello: nobody .* over a or b in \d+ s$/);
});

Deno.test("one that tells the same again and again is silent, and gets company", async () => {
  const stuck = network("stuck", async (into, wait) => {
    await Deno.writeFile(into, BYTES.subarray(0, 1));
    const telling = setInterval(() => wait.progress?.(1, BYTES.length, "receiving"), 50);
    await silence(wait).finally(() => clearInterval(telling));
  });
  const { error, files } = await fetch([stuck, fast("b")]);
  assert.deepEqual([error, files], [undefined, { pack: BYTES.length }]);
});

Deno.test("peers that are connected are given time: others may be served before", async () => {
  const queued = network("queued", async (into, wait) => {
    wait.connected?.(1);
    await sleep(2500, wait.signal);
    await fast("queued").packs!.fetch(PACK, FROM, into, wait);
  });
  const unasked = spare();
  const { error } = await fetch([queued, unasked]);
  assert.deepEqual([error, unasked.calls], [undefined, 0]);
});

Deno.test("once one sends, the others stop, and get another turn when it is lost", async () => {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  let turns = 0;
  const late = network("late", async (into, wait) => {
    wait.connected?.(0);
    if (++turns === 2) return await fast("late").packs!.fetch(PACK, FROM, into, wait);
    await abortOf(wait.signal);
    stop();
    throw wait.signal.reason;
  });
  const lost = network("lost", async (into, wait) => {
    wait.connected?.(1);
    await Deno.writeFile(into, BYTES.subarray(0, 9));
    wait.progress?.(9, BYTES.length, "receiving");
    await stopped;
    wait.connected?.(0);
    await silence(wait);
  });
  const { error, files, ms } = await fetch([late, lost]);
  assert.deepEqual([error, turns, files], [undefined, 2, { pack: BYTES.length }]);
  assert.ok(ms < 1900, `${ms} ms`);
});

Deno.test("one that was silent doesn't send again what its company sends by now", async () => {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  const lost = network("lost", async (into, wait) => {
    wait.connected?.(0);
    await Deno.writeFile(into, BYTES.subarray(0, 9));
    wait.progress?.(9, BYTES.length, "receiving");
    await abortOf(wait.signal);
    stop();
    throw wait.signal.reason;
  });
  let start = 0;
  const company = network("company", async (into, wait) => {
    start = (await Deno.stat(into)).size;
    wait.progress?.(12, BYTES.length, "receiving");
    await stopped;
    await fast("company").packs!.fetch(PACK, FROM, into, wait);
  });
  const { error, files } = await fetch([lost, company]);
  assert.deepEqual([error, start, files], [undefined, 9, { pack: BYTES.length }]);
});

Deno.test("where nobody can be connected to, whenever one tries, it is said soon and for all networks", async () => {
  const lonely = network("lonely", (_into, wait) => {
    wait.connected?.(0);
    wait.searched?.();
    return silence(wait);
  });
  const why = new NetworkError("out-of-reach", "no hole can be punched", { hint: "set a relay" });
  const punching = network("punching", () => Promise.reject(why));
  const { error } = await fetch([lonely, punching]);
  assert.equal(error.code, "out-of-reach"); // and not that a deadline has passed
  assert.match(
    error.message,
    /: lonely: no peer could be connected to; punching: no hole can be punched$/,
  );
  assert.equal(error.hint, "set a relay");

  const late = network("late", async (into, wait) => {
    wait.connected?.(0);
    await sleep(1000, wait.signal);
    wait.connected?.(1);
    wait.searched?.();
    await sleep(3000, wait.signal);
    await Deno.writeFile(into, BYTES);
    wait.progress?.(BYTES.length, BYTES.length, "receiving");
  });
  assert.equal((await fetch([late, punching])).error, undefined, "somebody is connected");
});

Deno.test("a network that is slow but moves is left alone", async () => {
  const slow = network("slow", async (into, wait) => {
    for (let done = 1; done <= BYTES.length; done++) {
      await sleep(170, wait.signal);
      wait.progress?.(done, BYTES.length, "receiving");
    }
    await Deno.writeFile(into, BYTES);
  });
  const unasked = spare();
  const { error, progress } = await fetch([slow, unasked]);
  assert.deepEqual([error, unasked.calls], [undefined, 0]);
  assert.equal(error, undefined);
  assert.deepEqual(progress, progress.toSorted((a, b) => a - b));
});

Deno.test("a file that is not the pack is thrown away, and another network makes up for it", async () => {
  const wrong = BYTES.map((byte, i) => (i === 15 ? byte + 1 : byte));
  for (const bytes of [wrong, BYTES.subarray(0, 15)]) {
    const { error, files } = await fetch([fast("liar", bytes), fast("honest")]);
    assert.equal(error, undefined);
    assert.deepEqual(files, { pack: BYTES.length });
    const liars = await fetch([fast("liar", bytes), fast("too", bytes)]);
    assert.equal(liars.error.code, "wrong-pack");
    assert.deepEqual(liars.files, {});
  }
});

Deno.test("where nobody delivers, each network's error is told and what came is kept to be resumed", async () => {
  const partly = (scheme: string) =>
    network(scheme, async (into) => {
      await Deno.writeFile(into, BYTES.subarray(0, 5));
      throw new NetworkError("dead", `${scheme} is dead`);
    });
  const { error, files } = await fetch([partly("a"), partly("b")]);
  assert.equal(error.code, "dead");
  assert.match(error.message, /^can't fetch pack \w+: a: a is dead; b: b is dead$/);
  assert.equal((await fetch([dead("a")])).error.message, "a is dead");
  assert.deepEqual(files, { pack: 5, "pack.b": 5 });
  const { error: none } = await fetch([]);
  assert.deepEqual([none.code, none.hint], ["no-transport", "gtr config transports"]);
});

Deno.test("without room for another copy, networks take turns, and the largest file is kept", async () => {
  await using temp = await tempDir();
  const into = join(temp.path, "pack");
  let running = 0;
  const partly = (scheme: string, bytes: number) =>
    network(scheme, async (path) => {
      assert.equal(++running, 1, "only one writes at a time");
      await sleep(500, new AbortController().signal); // others would join meanwhile
      await Deno.writeFile(path, BYTES.subarray(0, bytes));
      running--;
      throw new NetworkError("dead", `${scheme} is dead`);
    });
  const asked: number[] = [];
  const none = (bytes: number) => asked.push(bytes) === 0;
  using wait = deadline(10_000, "a pack");
  const sources = new PackSources([partly("a", 5), partly("b", 9)], none);
  await assert.rejects(sources.fetch(PACK, FROM, into, wait), { code: "dead" });
  const names = (await Array.fromAsync(Deno.readDir(temp.path))).map(({ name }) => name);
  assert.deepEqual(names, ["pack.b"]);
  assert.equal(Math.min(...asked.map(Math.abs)), 0, "what was not given isn't given back");
  const whole = new PackSources([dead("a"), fast("b")], none);
  await whole.fetch(PACK, FROM, into, wait);
  assert.deepEqual(await Deno.readFile(into), BYTES);
});

Deno.test("an abort reaches every network, and nobody is asked after it", async () => {
  const controller = new AbortController();
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  let ended = false;
  const first = network("a", async (_into, wait) => {
    resolve();
    await abortOf(wait.signal);
    await Promise.resolve();
    ended = true;
    throw wait.signal.reason;
  });
  const unasked = spare();
  const result = fetch([first, unasked], controller.signal);
  await asked;
  controller.abort(new Error("the client left"));
  assert.match(String((await result).error), /the client left/);
  assert.ok(ended, "it was waited for");
  assert.equal(unasked.calls, 0);
});

/** `count` packs by three workers, as a fetch has them; returns which network was asked for each. */
async function fetchMany(networks: readonly OpenNetwork[], count: number): Promise<string> {
  await using temp = await tempDir();
  using wait = deadline(60_000, "packs");
  const sources = new PackSources(networks);
  const left = Array.from({ length: count }, (_, i) => join(temp.path, `pack-${i}`));
  await Promise.all([1, 2, 3].map(async () => {
    for (let into = left.shift(); into; into = left.shift()) {
      await sources.fetch(PACK, FROM, into, { signal: wait.signal });
      assert.deepEqual(await Deno.readFile(into), BYTES);
    }
  }));
  assert.equal((await Array.fromAsync(Deno.readDir(temp.path))).length, count);
  return sources.shares;
}

const taking = (scheme: string, ms: number) =>
  network(scheme, async (into, wait) => {
    await sleep(ms, wait.signal);
    await Deno.writeFile(into, BYTES);
    wait.progress?.(BYTES.length, BYTES.length, "receiving");
  });

Deno.test("several packs come from all networks, more of them from a faster one", async () => {
  // Each pack of the slow one takes as long as twelve of the fast one, however fast the machine is.
  let quick = 0;
  const waiting = new Map<() => void, number>();
  const slow = network("slow", async (into, wait) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.set(resolve, quick + 12);
    await Promise.race([promise, abortOf(wait.signal)]);
    await fast("slow").packs!.fetch(PACK, FROM, into, wait);
  });
  const quicker = network("fast", async (into, wait) => {
    await taking("fast", 5).packs!.fetch(PACK, FROM, into, wait);
    quick++;
    for (const [resolve, at] of waiting) if (at <= quick) resolve();
  });
  const shares = await fetchMany([slow, quicker], 20);
  const [, slowly, quickly] = /^(\d+) from slow, (\d+) from fast$/.exec(shares)!.map(Number);
  assert.equal(slowly! + quickly!, 20 * BYTES.length);
  assert.ok(slowly! >= BYTES.length && quickly! >= 4 * slowly!, shares);
});

Deno.test("a network that failed is left out for the other packs, unless no other has one", async () => {
  let asked = 0;
  const failing = network("failing", (into) => {
    asked++;
    return dead("failing").packs!.fetch(PACK, FROM, into, { signal: new AbortController().signal });
  });
  assert.match(await fetchMany([failing, taking("good", 20)], 10), /^\d+ from good$/);
  assert.ok(asked <= 2, `it was asked ${asked} times`);

  let first = true;
  const recovering = network("recovering", async (into, wait) => {
    if (!first) return await fast("").packs!.fetch(PACK, FROM, into, wait);
    first = false;
    throw new NetworkError("dead", "it starts anew");
  });
  let had = 0;
  const poor = network("poor", async (into, wait) => {
    if (had++ > 0) throw new NetworkError("nobody-answered", "nobody has it");
    await fast("").packs!.fetch(PACK, FROM, into, wait);
  });
  await using temp = await tempDir();
  using wait = deadline(60_000, "packs");
  const sources = new PackSources([recovering, poor]);
  for (const name of ["one", "two"]) {
    await sources.fetch(PACK, FROM, join(temp.path, name), { signal: wait.signal });
  }
});

Deno.test("the last pack doesn't wait for a slow network while a faster one is idle", async () => {
  const crawling = network("crawling", async (_into, wait) => {
    for (let done = 1;; done++) {
      wait.progress?.(done, BYTES.length, "receiving");
      await sleep(1500, wait.signal);
    }
  });
  using clock = loopClock();
  await fetchMany([crawling, taking("fast", 20)], 6);
  assert.ok(clock.ms < 1900, `${clock.ms} ms`); // before it could have been called silent
});

Deno.test("the next network goes on with what the one before has brought", async () => {
  const breaking = network("breaking", async (into) => {
    await Deno.writeFile(into, BYTES.subarray(0, 9));
    throw new NetworkError("dead", "the line is cut");
  });
  let start: Uint8Array | undefined;
  const heir = network("heir", async (into, wait) => {
    start = await Deno.readFile(into);
    await fast("").packs!.fetch(PACK, FROM, into, wait);
  });
  const { error, files } = await fetch([breaking, heir]);
  assert.deepEqual([error, start], [undefined, BYTES.slice(0, 9)]);
  assert.deepEqual(files, { pack: BYTES.length });
});

Deno.test("nothing is written after the end, also by networks that came too late", async () => {
  let ended = false;
  const late = network("late", async (_into, wait) => {
    await abortOf(wait.signal);
    await Promise.resolve();
    ended = true;
    throw wait.signal.reason;
  });
  const { error, files } = await fetch([late, fast("b")]);
  assert.deepEqual([error, ended, files], [undefined, true, { pack: BYTES.length }]);
});
