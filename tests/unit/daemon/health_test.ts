import assert from "node:assert/strict";
import { NetworkError } from "../../../lib/common/errors.ts";
import { engineHealth } from "../../../lib/daemon/health.ts";
import { makeParts, tempDir } from "../engine/fixture.ts";
import { MemoryNetwork, MemoryNode } from "../engine/memory_network.ts";

/** A network whose probe says this. */
function network(scheme: string, probe: MemoryNode["probe"]): MemoryNode {
  return Object.assign(new MemoryNode(new MemoryNetwork(), scheme), { probe });
}

Deno.test("health: every network says how it is; what to do is told apart", async () => {
  await using temp = await tempDir();
  const transports = [
    network(
      "ssb",
      () => Promise.reject(new NetworkError("unreachable", "nobody there", { hint: "wait" })),
    ),
    network("torrent", () => Promise.resolve({ reachable: true, summary: "3 nodes", details: {} })),
    network(
      "nostr",
      () => Promise.resolve({ reachable: false, summary: "no relay: name some", details: {} }),
    ),
    network(
      "default",
      () => Promise.resolve({ reachable: true, summary: "locked", hint: "unlock it", details: {} }),
    ),
  ];
  const parts = await makeParts(temp.path, transports, {
    env: { GTR_TRANSPORTS: "torrent,ssb,nostr,gnunet,default" },
  });
  const builtIn = ["torrent", "holepunch", "ssb", "gnunet", "nostr", "default"];
  const { networks } = await engineHealth(
    parts,
    builtIn.map((scheme) => ({ scheme, isDefault: true })),
  );
  assert.deepEqual(networks, [
    { scheme: "torrent", state: "reachable", summary: "3 nodes" },
    { scheme: "holepunch", state: "off", summary: "not among the networks that were chosen" },
    { scheme: "ssb", state: "unreachable", summary: "nobody there", hint: "wait" },
    {
      scheme: "gnunet",
      state: "unreachable",
      summary: "it could not be opened",
      hint: "gtr daemon logs says why",
    },
    { scheme: "nostr", state: "unreachable", summary: "no relay", hint: "name some" },
    { scheme: "default", state: "reachable", summary: "locked", hint: "unlock it" },
  ]);
});
