/** Hearing of the publications of many repositories from a relay that allows 20 subscriptions. */
import assert from "node:assert/strict";
import { abortable, deadline } from "../../lib/common/wait.ts";
import type { Manifest } from "../../lib/manifest/types.ts";
import { nostrEndpoints } from "../../lib/transports/nostr/repositories/binding.ts";
import { STATE } from "../../lib/transports/nostr/events/kinds.ts";
import { localSigner } from "../../lib/transports/nostr/events/signer.ts";
import { Relays } from "../../lib/transports/nostr/relays/relays.ts";
import { NostrNetwork } from "./nostr_nodes.ts";
import { makeManifest, testKey } from "./publications.ts";

const MS = 60_000;
const FOLLOWED = 200;
const KEYS = 40;
/** A time in the past, as events that replace others have to be newer. */
const START = Math.floor(Date.now() / 1000) - 1000;

const keys = Array.from({ length: KEYS }, (_, i) => localSigner(new Uint8Array(32).fill(i + 1)));
const signerOf = (i: number) => keys[i % KEYS]!;
const nameOf = (i: number) => `repository-${i}`;

/** What a node watches, and what it hears of. */
async function setting() {
  const stack = new AsyncDisposableStack();
  const network = stack.use(await NostrNetwork.start({ servers: 0 }));
  const node = await network.join(testKey(1));
  const relays = stack.use(new Relays({ dropped: () => {} }));
  const urls = network.relays.map(({ url }) => url);
  const limit = stack.use(deadline(MS, "a notice"));
  const heard = new Map<string, number[]>();
  const waiting = new Map<string, () => void>();
  const manifest = (i: number): Manifest => ({
    ...makeManifest(testKey(2), node).manifest,
    name: nameOf(i),
    endpoints: { nostr: nostrEndpoints(signerOf(i).pubkey, urls) },
  });
  /** Puts a state on the relay. */
  const publish = async (i: number, sequence: number) => {
    const event = await signerOf(i).sign({
      kind: STATE,
      created_at: START + sequence,
      tags: [["d", nameOf(i)], ["gtr-sequence", String(sequence)]],
      content: "",
    }, limit.signal);
    await relays.publish(urls, event, 1, limit.signal);
  };
  const watch = (i: number) =>
    stack.use(node.notices.watch(manifest(i), (sequence) => {
      const all = heard.get(nameOf(i)) ?? [];
      heard.set(nameOf(i), [...all, sequence]);
      waiting.get(`${i} ${sequence}`)?.();
    }));
  /** Resolves once a publication was heard of, which may be already. */
  const hears = async (i: number, sequence: number) => {
    if (heard.get(nameOf(i))?.includes(sequence)) return;
    const told = Promise.withResolvers<void>();
    waiting.set(`${i} ${sequence}`, told.resolve);
    await abortable(told.promise, limit.signal);
  };
  return {
    network,
    publish,
    watch,
    hears,
    heard,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test(`nostr: of ${FOLLOWED} repositories each publication is heard of, once`, async () => {
  await using s = await setting();
  const all = Array.from({ length: FOLLOWED }, (_, i) => i);
  for (const i of all) s.watch(i);
  // What was there before, what comes, and what comes after the relay was away.
  await s.publish(0, 1);
  await s.hears(0, 1);
  await Promise.all(all.map((i) => s.publish(i, 2)));
  await Promise.all(all.map((i) => s.hears(i, 2)));
  await s.network.relays[0]!.restart();
  await Promise.all(all.map((i) => s.publish(i, 3)));
  await Promise.all(all.map((i) => s.hears(i, 3)));
  assert.deepEqual(s.heard.get(nameOf(0)), [1, 2, 3]);
  for (const i of all.slice(1)) assert.deepEqual(s.heard.get(nameOf(i)), [2, 3], nameOf(i));
  assert.deepEqual(s.network.dropped.toJSON(), {});
});

Deno.test("nostr: watching more, or less, loses nothing of what else is watched", async () => {
  await using s = await setting();
  s.watch(0);
  await s.publish(0, 1);
  await s.hears(0, 1);
  for (let i = 1; i <= 150; i++) {
    const watch = s.watch(i);
    await s.publish(0, i + 1); // in the middle of a change
    if (i % 2 === 0) watch[Symbol.dispose]();
  }
  await s.hears(0, 151);
  await s.publish(1, 1);
  await s.hears(1, 1);
  await s.publish(2, 1);
  await s.publish(149, 1);
  await s.hears(149, 1);
  assert.equal(s.heard.has(nameOf(2)), false, "no longer watched");
  // Who comes later is told what the relay has told the others.
  s.heard.clear();
  s.watch(1);
  await s.hears(1, 1);
});
