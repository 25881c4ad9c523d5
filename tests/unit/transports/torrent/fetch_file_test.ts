/** When a search is told to be over: `lib/transports/torrent/fetch_file.ts`. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { abortable, deadline } from "../../../../lib/common/wait.ts";
import type { Address } from "../../../../lib/transports/torrent/address.ts";
import type { Dht } from "../../../../lib/transports/torrent/dht/dht.ts";
import { fetchFile } from "../../../../lib/transports/torrent/fetch_file.ts";
import type { Swarm } from "../../../../lib/transports/torrent/swarm/swarm.ts";

/** How long it takes until it is told of a file that these addresses may have. */
async function searchMs(addresses: readonly Address[]): Promise<number> {
  using limit = deadline(30_000, "the end of the search");
  const end = new AbortController();
  const dht = {
    async *lookup() {
      yield* addresses;
    },
    announce: () => Promise.resolve(),
  } as unknown as Dht;
  const swarm = {
    fetch: ({ peers, signal }: Parameters<Swarm["fetch"]>[0]) => {
      void Array.fromAsync(peers as AsyncIterable<Address>).catch(() => {});
      return abortable(new Promise<never>(() => {}), signal);
    },
  } as unknown as Swarm;
  const { promise, resolve } = Promise.withResolvers<void>();
  const begun = performance.now();
  const fetching = fetchFile({ dht, swarm, dropped: () => {} }, {
    what: "a file",
    infohash: "00".repeat(20),
    name: "a file",
    size: 1,
    known: [],
    targets: [Buffer.alloc(20)],
    into: "unused",
    timeoutMs: 30_000,
  }, { signal: end.signal, searched: resolve });
  await abortable(promise, limit.signal);
  const ms = performance.now() - begun;
  end.abort();
  await fetching.catch(() => {});
  return ms;
}

Deno.test("a search is over when those that were found had the time to answer", async () => {
  const answerMs = await searchMs([{ host: "127.0.0.1", port: 9 }]);
  assert.ok(answerMs >= 1500, "a lost packet is sent again after a second");
  assert.ok(await searchMs([]) < answerMs, "nobody has to answer");
});
