import assert from "node:assert/strict";
import { inAll } from "../../../../../lib/transports/torrent/dht/in_all.ts";

const never = (signal: AbortSignal) =>
  new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })
  );

function walker(nodes: number, joined: Promise<void> = Promise.resolve()) {
  return { nodes, joined };
}

const { signal } = new AbortController();

Deno.test("both DHTs: both are waited for where both have nodes", async () => {
  const walkers = [walker(1), walker(2)];
  assert.deepEqual(await inAll(walkers, signal, ({ nodes }) => Promise.resolve(nodes)), [1, 2]);
});

Deno.test("both DHTs: one that has no node is waited for no longer than the other one", async () => {
  const walkers = [walker(0), walker(2)];
  const walk = ({ nodes }: { nodes: number }, signal: AbortSignal) =>
    nodes > 0 ? Promise.resolve(nodes) : never(signal);
  assert.deepEqual(await inAll(walkers, signal, walk), [2]);
});

Deno.test("both DHTs: one that still joins is waited for", async () => {
  const joining = Promise.withResolvers<void>();
  const late = { nodes: 0, joined: joining.promise };
  const walk = async (one: { nodes: number; joined: Promise<void> }) => {
    await one.joined;
    return one.nodes;
  };
  const both = inAll([walker(1), late], signal, walk);
  late.nodes = 3;
  joining.resolve();
  assert.deepEqual(await both, [1, 3]);
});

Deno.test("both DHTs: one failure is none, two are the first one's", async () => {
  const walk = ({ nodes }: { nodes: number }) =>
    nodes > 1 ? Promise.resolve(nodes) : Promise.reject(new Error(`${nodes}`));
  assert.deepEqual(await inAll([walker(1), walker(2)], signal, walk), [2]);
  await assert.rejects(inAll([walker(1), walker(0)], signal, walk), { message: "1" });
});

Deno.test("both DHTs: an abort ends both", async () => {
  const stop = new AbortController();
  const both = inAll([walker(1), walker(0)], stop.signal, (_, signal) => never(signal));
  stop.abort(new Error("enough"));
  await assert.rejects(both, { message: "enough" });
});
