/**
 * Which peers have a repository, found through the DHT.
 */
import assert from "node:assert/strict";
import { deadline } from "../../lib/common/wait.ts";
import { signManifest } from "../../lib/manifest/manifest.ts";
import type { Manifest, SignedManifest } from "../../lib/manifest/types.ts";
import type { OpenNetwork } from "../../lib/ports/network.ts";
import type { Duplex } from "../../lib/ports/streams.ts";
import { TorrentNetwork } from "./torrent_nodes.ts";
import { makeManifest, makePack, publish, testKey } from "./publications.ts";

const [alice, bob, carol] = [testKey(1), testKey(2), testKey(3)];

async function holders(node: OpenNetwork, manifest: Manifest, search = true) {
  using limit = deadline(60_000, "the peers");
  const found = await node.packs!.holders(manifest, { signal: limit.signal, search });
  return found.toSorted((a, b) => a.peer < b.peer ? -1 : 1);
}

const here = (node: OpenNetwork) => node.endpoints()[0]!;

/** `git upload-pack` of somebody who says nothing. */
const silent = (): Promise<Duplex> => Promise.resolve(new TransformStream());

Deno.test("torrent: peers with packs are found, and what each of them lacks", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using network = new TorrentNetwork();
    const [a, b, c] = [
      await network.join(alice),
      await network.join(bob),
      await network.join(carol),
    ];
    const [first, second] = [await makePack(folder, 50_000), await makePack(folder, 300)];
    const older = makeManifest(alice, a, { sequence: 1, packs: [first.pack] });
    const newer = makeManifest(alice, a, { sequence: 2, packs: [first.pack, second.pack] });
    await publish(a, newer, [first, second]);
    await publish(b, newer, [first, second]);
    await publish(c, older, [first]);
    assert.deepEqual(await holders(a, newer.manifest, false), [], "nobody is connected yet");
    const expected = [
      { peer: here(b), sequence: 2, complete: true },
      { peer: here(c), sequence: 1, complete: false },
    ].toSorted((a, b) => a.peer < b.peer ? -1 : 1);
    assert.deepEqual(await holders(a, newer.manifest), expected);
    const upToFirst = { ...newer.manifest, packs: [first.pack] };
    assert.ok((await holders(a, upToFirst)).every(({ complete }) => complete));
    const connected = await holders(a, newer.manifest, false);
    assert.deepEqual(connected, [{ peer: here(b), sequence: 2, complete: true }]);
    const { manifest: other } = makeManifest(alice, a, { name: "other", packs: [first.pack] });
    assert.deepEqual(await holders(a, other), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("torrent: of what is only announced, who serves it live has it", async () => {
  await using network = new TorrentNetwork();
  const [a, b, c] = [await network.join(alice), await network.join(bob), await network.join(carol)];
  const announced = (sequence: number): SignedManifest => {
    const { manifest } = makeManifest(alice, a, { sequence, packs: [] });
    return signManifest({ ...manifest, flow: "announce" }, alice);
  };
  const [older, newer] = [announced(1), announced(2)];
  for (const node of [a, b, c]) await publish(node, newer, []);
  b.serve(() => Promise.resolve({ manifest: newer, open: silent }));
  c.serve(() => Promise.resolve({ manifest: older, open: silent }));
  const found = await holders(a, newer.manifest);
  assert.deepEqual(
    new Map(found.map(({ peer, complete }) => [peer, complete])),
    new Map([[here(b), true], [here(c), false]]),
  );
});
