/**
 * Which https servers have the packs of a repository.
 */
import assert from "node:assert/strict";
import { deadline } from "../../lib/common/wait.ts";
import type { Manifest } from "../../lib/manifest/types.ts";
import type { OpenNetwork } from "../../lib/ports/network.ts";
import { DefaultNetwork } from "./default_nodes.ts";
import { makeManifest, makePack, publish, testKey } from "./publications.ts";

const [alice, bob, carol, dave] = [testKey(1), testKey(2), testKey(3), testKey(4)];

async function holders(node: OpenNetwork, manifest: Manifest) {
  using limit = deadline(60_000, "the servers");
  return await node.packs!.holders(manifest, { signal: limit.signal, search: false });
}

Deno.test("https servers are asked for the manifest and a byte of each pack", async () => {
  await using network = new DefaultNetwork();
  const [a, b, c] = [
    await network.join(alice),
    await network.join(bob),
    await network.join(carol),
  ];
  const first = await makePack(network.folder, 5000);
  const second = await makePack(network.folder, 300);
  const older = makeManifest(alice, a, { sequence: 1, packs: [first.pack] });
  const newer = makeManifest(alice, a, { sequence: 2, packs: [first.pack, second.pack] });
  await publish(a, newer, [first, second]);
  await publish(b, newer, [first, second]);
  await publish(c, older, [first]);
  const reader = await network.join(dave);
  const seen = new Map((await holders(reader, newer.manifest)).map((h) => [h.peer, h]));
  assert.deepEqual([...seen.keys()].toSorted(), [a, b, c].map((n) => n.endpoints()[0]).toSorted());
  assert.deepEqual(seen.get(b.endpoints()[0]!), {
    peer: b.endpoints()[0],
    sequence: 2,
    complete: true,
  });
  assert.deepEqual(seen.get(c.endpoints()[0]!), {
    peer: c.endpoints()[0],
    sequence: 1,
    complete: false,
  });
  const upToFirst = { ...newer.manifest, packs: [first.pack] };
  assert.ok((await holders(reader, upToFirst)).every(({ complete }) => complete));

  assert.ok((await holders(b, newer.manifest)).every(({ peer }) => peer !== b.endpoints()[0]));
  const other = makeManifest(alice, a, { name: "other", packs: [first.pack] });
  assert.deepEqual(await holders(reader, other.manifest), []);
  await c[Symbol.asyncDispose]();
  assert.equal((await holders(reader, newer.manifest)).length, 2, "who is away says nothing");
});
