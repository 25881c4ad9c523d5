/**
 * hyperdht without native addons (our UDX, libsodium in JavaScript), with the native stack on Node
 * on the other side.
 *
 * @module
 */
import assert from "node:assert/strict";
import { nativeUdx } from "../../scripts/local/native_udx.ts";
import { HyperPeer, type PeerOptions } from "../../scripts/local/hyperdht_peer.ts";

const HOST = "127.0.0.1";
const BYTES = 2_000_000;
const found = await nativeUdx();
const native: PeerOptions = "folder" in found ? { native: found.folder } : {};
const reason = "reason" in found ? ` (${found.reason})` : "";

const PAIRS: readonly [string, PeerOptions, PeerOptions][] = [
  ["connects to Node's", { withoutAddons: true }, native],
  ["is connected to by Node's", native, { withoutAddons: true }],
];

for (const [name, one, other] of PAIRS) {
  Deno.test({
    name: `hyperdht: without native addons, ours ${name}${reason}`,
    ignore: reason !== "",
    fn: async () => {
      await using dht = new HyperPeer(native);
      const { bootstrap } = await dht.call("network", { hosts: Array(10).fill(HOST) });
      await using client = new HyperPeer(one);
      await using server = new HyperPeer(other);
      await Promise.all([client, server].map((p) => p.call("open", { host: HOST, bootstrap })));
      const { key } = await server.call("serve");
      assert.equal((await client.call("connect", { key, bytes: BYTES })).received, BYTES);
    },
  });
}
