import assert from "node:assert/strict";
import type { Manifest } from "../../../../lib/manifest/types.ts";
import type { Dht } from "../../../../lib/transports/torrent/dht/dht.ts";
import { Notices } from "../../../../lib/transports/torrent/notices.ts";
import type { Swarm } from "../../../../lib/transports/torrent/swarm/swarm.ts";

const REPOSITORIES = 40;

Deno.test("notices: peers of many repositories are looked for a few at a time", async () => {
  let searching = 0;
  let most = 0;
  let ended = 0;
  const all = Promise.withResolvers<void>();
  const dht = {
    async *lookup() {
      most = Math.max(most, ++searching);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      yield* [];
      searching--;
      if (++ended === REPOSITORIES) all.resolve();
    },
  } as unknown as Dht;
  const meeting = { size: 0, members: [], [Symbol.dispose]: () => {} };
  using notices = new Notices({ dht, swarm: { meet: () => meeting } as unknown as Swarm });
  const watches = Array.from({ length: REPOSITORIES }, (_, i) => {
    const manifest = { publisher: "ab".repeat(32), name: `r${i}`, endpoints: {} };
    return notices.watch(manifest as unknown as Manifest, () => {});
  });
  await all.promise; // each gets its turn
  assert.ok(most <= 4, `${most} at a time`);
  for (const watch of watches) watch[Symbol.dispose]();
});
