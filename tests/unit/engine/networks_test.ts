/** Opening networks: `lib/engine/networks.ts`. */
import assert from "node:assert/strict";
import { NetworkError } from "../../../lib/common/errors.ts";
import { deadline, sleep } from "../../../lib/common/wait.ts";
import type { Engine } from "../../../lib/engine/engine.ts";
import { openNetworks } from "../../../lib/engine/networks.ts";
import type { Network } from "../../../lib/ports/network.ts";
import { World } from "./engines.ts";
import { soon } from "./fixture.ts";
import { MemoryNode } from "./memory_network.ts";
import { openManifest } from "../../fixtures/open_manifest.ts";

async function sync(engine: Engine, url: string) {
  using wait = soon();
  return await engine.sync(url, wait);
}

Deno.test("a network that can't be opened is left out, unless no other gives an address", async () => {
  await using world = await World.make();
  const failing: Network = {
    scheme: "nostr",
    role: "peer",
    isDefault: true,
    open: () => Promise.reject(new NetworkError("port-in-use", "the port is taken")),
  };
  const both = await world.engine("both", [failing, world.network.entry()]);
  assert.deepEqual(both.parts.networks.map(({ scheme }) => scheme), ["torrent"]);
  assert.match(world.logged.join("\n"), /can't open nostr: the port is taken/);
  await assert.rejects(world.engine("one", [failing]), { code: "port-in-use" });
  const serving = (host: string | undefined): Network => ({
    scheme: "default",
    role: "peer",
    isDefault: true,
    open: () =>
      Promise.resolve(
        Object.assign(new MemoryNode(world.network, "default"), { naming: { own: () => host } }),
      ),
  });
  await assert.rejects(world.engine("client", [failing, serving(undefined)]), {
    code: "port-in-use",
  });
  const server = await world.engine("server", [failing, serving("example.org")]);
  assert.equal(server.parts.networks.length, 1);

  const chosen = { GTR_TRANSPORTS: "torrent,gnunet" };
  const some = await world.engine("some", [failing, world.network.entry()], chosen);
  assert.equal(some.parts.networks.length, 1);
  assert.match(world.logged.join("\n"), /this gtr has no network called gnunet/);
  const rare = { ...world.network.entry("rare"), isDefault: false };
  for (const [name, networks] of [["silent", undefined], ["chosen", "rare,torrent"]] as const) {
    const { parts } = await world.engine(name, [world.network.entry(), rare], {
      ...(networks && { GTR_TRANSPORTS: networks }),
    });
    const open = parts.networks.map(({ scheme }) => scheme);
    assert.deepEqual(open, networks?.split(",") ?? ["torrent"], "its row says when it is used");
  }
  const none = await world.engine("none", [world.network.entry()], { GTR_TRANSPORTS: "none" });
  await assert.rejects(sync(none, `torrent://${"0".repeat(40)}/x`), { code: "no-transport" });
});

Deno.test("a network that takes a moment to open is waited for", async () => {
  await using world = await World.make();
  const { parts } = await world.engine("one");
  const network = new MemoryNode(undefined, "nostr");
  const given = { ...parts, openManifest, live: () => () => Promise.resolve(undefined) };
  const opening: Network = {
    scheme: "nostr",
    role: "peer",
    isDefault: true,
    open: async (_context, { signal }) => {
      await sleep(300, signal);
      return network;
    },
  };
  using wait = soon();
  assert.deepEqual((await openNetworks([opening], given, wait)).networks, [network]);
});

Deno.test("a network that hangs while it opens is left out, and closed if it opens late", async () => {
  await using world = await World.make();
  const { parts } = await world.engine("one");
  const late = Promise.withResolvers<MemoryNode>();
  const hanging: Network = {
    scheme: "nostr",
    role: "peer",
    isDefault: true,
    open: () => late.promise,
  };
  const given = { ...parts, openManifest, live: () => () => Promise.resolve(undefined) };
  using limit = deadline(100, "the networks to open");
  const opened = await openNetworks([hanging, world.network.entry()], given, limit);
  assert.deepEqual(opened.networks.map(({ scheme }) => scheme), ["torrent"]);
  assert.match(world.logged.join("\n"), /can't open nostr: waited 0.\d s/);
  await new Promise<void>((closed) =>
    late.resolve(
      Object.assign(new MemoryNode(), {
        [Symbol.asyncDispose]: () => Promise.resolve(closed()),
      }),
    )
  );
});
