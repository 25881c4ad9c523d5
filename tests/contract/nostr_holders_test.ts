/** Which Blossom servers have the packs of a repository. */
import assert from "node:assert/strict";
import { deadline } from "../../lib/common/wait.ts";
import type { Manifest } from "../../lib/manifest/types.ts";
import type { OpenNetwork } from "../../lib/ports/network.ts";
import { NostrNetwork } from "./nostr_nodes.ts";
import { makeManifest, makePack, publish, testKey } from "./publications.ts";

const [alice, bob] = [testKey(1), testKey(2)];
const SMALL = 5_000;

async function holders(node: OpenNetwork, manifest: Manifest, search = false) {
  using limit = deadline(60_000, "the servers");
  const found = await node.packs!.holders(manifest, { signal: limit.signal, search });
  return found.toSorted((a, b) => a.peer < b.peer ? -1 : 1);
}

Deno.test("nostr: holders are the Blossom servers that have every pack", async () => {
  // The first takes only the smaller pack, the third is away in the end.
  await using network = await NostrNetwork.start({ servers: 3, largest: SMALL });
  const a = await network.join(alice);
  const [large, small] = [
    await makePack(network.folder, 4 * SMALL),
    await makePack(network.folder, SMALL),
  ];
  const { manifest, ...signed } = makeManifest(alice, a, {
    sequence: 7,
    packs: [large.pack, small.pack],
  });
  assert.deepEqual(await holders(a, manifest), [], "none has any of it yet");
  await publish(a, { ...signed, manifest }, [large, small]);
  const peers = network.servers.map(({ url }) => new URL(url).host);
  const whole = (i: number) => ({ peer: peers[i]!, sequence: 7, complete: true });
  const part = { peer: peers[0]!, sequence: 0, complete: false };
  const sorted = (found: { peer: string }[]) => found.toSorted((x, y) => x.peer < y.peer ? -1 : 1);
  assert.deepEqual(await holders(a, manifest), sorted([part, whole(1), whole(2)]));

  await network.servers[2]!.kill();
  assert.deepEqual(await holders(a, manifest), sorted([part, whole(1)]));
  const older = { ...manifest, packs: [small.pack] };
  assert.deepEqual(
    await holders(a, older),
    sorted([whole(0), whole(1)]),
    "enough for what it held",
  );
  assert.deepEqual(await holders(a, { ...manifest, flow: "announce", packs: [] }), []);

  // Who has no servers set asks those that the events name, where looking for them is wanted.
  const b = await network.join(bob, { env: { GTR_NOSTR_BLOSSOM: "none" } });
  assert.deepEqual(await holders(b, manifest), []);
  assert.deepEqual(await holders(b, manifest, true), sorted([part, whole(1)]));
});
