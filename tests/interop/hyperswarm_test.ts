/**
 * What is built on hyperdht, on our UDX, with the native stack on Node on the other side.
 *
 * @module
 */
import assert from "node:assert/strict";
import { HyperPeer, type PeerOptions } from "../../scripts/local/hyperdht_peer.ts";
import { nativeUdx } from "../../scripts/local/native_udx.ts";

const HOST = "127.0.0.1";
const TOPIC = "7a".repeat(32);
const BLOCKS = 500;
const found = await nativeUdx();
const native: PeerOptions = "folder" in found ? { native: found.folder } : {};
const reason = "reason" in found ? ` (${found.reason})` : "";

const PAIRS: readonly [string, PeerOptions, PeerOptions][] = [
  ["ours finds Node's", {}, native],
  ["Node's finds ours", native, {}],
];

/** Two peers in a network of native nodes. */
async function open(one: PeerOptions, other: PeerOptions) {
  const stack = new AsyncDisposableStack();
  const dht = stack.use(new HyperPeer(native));
  const { bootstrap } = await dht.call("network", { hosts: Array(10).fill(HOST) });
  const peers = [stack.use(new HyperPeer(one)), stack.use(new HyperPeer(other))] as const;
  await Promise.all(peers.map((peer) => peer.call("open", { host: HOST, bootstrap })));
  return { client: peers[0], server: peers[1], [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

for (const [name, one, other] of PAIRS) {
  Deno.test({
    name: `hyperswarm: ${name} by a topic${reason}`,
    ignore: reason !== "",
    fn: async () => {
      await using peers = await open(one, other);
      const { client, server } = peers;
      await server.call("join", { topic: TOPIC, word: "server", server: true, client: false });
      await client.call("join", { topic: TOPIC, word: "client", server: false, client: true });
      assert.equal((await client.call("met")).word, "server");
      assert.equal((await server.call("met")).word, "client");
    },
  });

  // Hypercore 11 needs addons made for libuv: in Deno it is hypercore 10.
  Deno.test({
    name: `hypercore: ${name} and replicates from it${reason}`,
    ignore: reason !== "",
    fn: async () => {
      await using peers = await open(one, other);
      const { key, core } = await peers.server.call("share", { blocks: BLOCKS });
      const { word, received } = await peers.client.call("replicate", {
        key,
        core,
        blocks: BLOCKS,
      });
      assert.deepEqual([word, received], [`block 0, block ${BLOCKS - 1}`, BLOCKS]);
    },
  });
}
