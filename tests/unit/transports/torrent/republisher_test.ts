import assert from "node:assert/strict";
import { deadline } from "../../../../lib/common/wait.ts";
import { hasGrown, Republisher } from "../../../../lib/transports/torrent/republisher.ts";

/** A network that grows when told to. */
class Growing {
  nodes = 0;
  #listener = () => {};
  onNode(listener: () => void): Disposable {
    this.#listener = listener;
    return { [Symbol.dispose]: () => this.#listener = () => {} };
  }
  grow(nodes: number): void {
    this.nodes = nodes;
    this.#listener();
  }
}

/** A duty that counts its runs and tells when one has begun. */
function counted(every = 60_000, outcome: () => number | Error = () => 1, outlives = true) {
  const waiting: { runs: number; resolve: () => void }[] = [];
  const duty = {
    every,
    outlives,
    runs: 0,
    run: () => {
      duty.runs++;
      for (const w of waiting) if (duty.runs >= w.runs) w.resolve();
      const result = outcome();
      return result instanceof Error ? Promise.reject(result) : Promise.resolve(result);
    },
    async reached(runs: number): Promise<void> {
      if (duty.runs >= runs) return;
      using limit = deadline(60_000, `run ${runs}`);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      limit.signal.addEventListener("abort", () => reject(limit.signal.reason));
      waiting.push({ runs, resolve });
      await promise;
    },
  };
  return duty;
}

const wait = { signal: new AbortController().signal };

Deno.test("republisher: runs a duty now, then each time it is due", async () => {
  await using republisher = new Republisher(new Growing(), () => {});
  const duty = counted(10);
  assert.equal(await republisher.setNow("a", duty, wait), 1);
  await duty.reached(4);
});

Deno.test("republisher: a failed run is reported and tried again", async () => {
  const failures: unknown[] = [];
  await using republisher = new Republisher(new Growing(), (error) => failures.push(error));
  const error = new Error("no network");
  const duty = counted(10, () => duty.runs < 3 ? error : 1);
  await assert.rejects(republisher.setNow("a", duty, wait), error);
  await duty.reached(3);
  assert.deepEqual(failures, [error, error]);
});

Deno.test("republisher: runs again when a small network grows, and when a large one doubles", async () => {
  assert.ok(hasGrown(0, 1) && hasGrown(7, 8) && hasGrown(10, 20));
  assert.ok(!hasGrown(8, 9) && !hasGrown(5, 5) && !hasGrown(5, 4));
  const network = new Growing();
  await using republisher = new Republisher(network, () => {});
  const duty = counted();
  await republisher.setNow("a", duty, wait);
  for (const [i, nodes] of [1, 2, 8, 16].entries()) {
    network.grow(nodes);
    await duty.reached(i + 2);
  }
});

Deno.test("republisher: a removed duty runs no more, one that was replaced is replaced", async () => {
  const network = new Growing();
  await using republisher = new Republisher(network, () => {});
  const [first, second, third] = [counted(10), counted(10), counted(10)];
  await republisher.setNow("a/x", first, wait);
  await republisher.setNow("a/x", second, wait);
  await republisher.setNow("b", third, wait);
  republisher.remove("a/");
  assert.deepEqual(republisher.keys(""), ["b"]);
  const runs = [first.runs, second.runs];
  await third.reached(5);
  assert.deepEqual([first.runs, second.runs], runs);
});

Deno.test("republisher: flushing waits for what outlives the node, and for nothing else", async () => {
  await using republisher = new Republisher(new Growing(), () => {});
  const [lasting, passing] = [counted(), counted(60_000, () => 1, false)];
  for (let i = 0; i < 10; i++) republisher.set(`passing ${i}`, passing);
  republisher.set("lasting", lasting);
  await republisher.flush(wait);
  assert.equal(lasting.runs, 1);
});

Deno.test("republisher: what tells something else now runs again, also if it is running", async () => {
  await using republisher = new Republisher(new Growing(), () => {});
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<number>();
  const told: number[] = [];
  let port = 1;
  const done = Promise.withResolvers<void>();
  const slow = {
    every: 60_000,
    outlives: false,
    run: () => {
      told.push(port);
      begun.resolve();
      if (told.length === 2) done.resolve();
      return told.length === 1 ? end.promise : Promise.resolve(1);
    },
  };
  const other = counted();
  const first = republisher.setNow("a/peer/1", slow, wait);
  await republisher.setNow("a/record", other, wait);
  await begun.promise;
  port = 2;
  republisher.again((key) => key.includes("/peer/"));
  end.resolve(1);
  await first;
  await done.promise;
  assert.deepEqual(told, [1, 2]);
  assert.equal(other.runs, 1);
  port = 3;
  const third = Promise.withResolvers<void>();
  slow.run = () => (told.push(port), third.resolve(), Promise.resolve(1));
  republisher.again((key) => key.includes("/peer/"));
  await third.promise;
  assert.deepEqual(told, [1, 2, 3]);
});
