/**
 * Hole punching and relays: hyperdht on our UDX and with its native stack on Node, behind routers.
 * What native peers do among themselves, in the same network, is what the others have to do.
 *
 * @module
 */
import assert from "node:assert/strict";
import { nativeUdx } from "../../scripts/local/native_udx.ts";
import { HyperPeer, type PeerOptions } from "../../scripts/local/hyperdht_peer.ts";
import { cantTranslate, type Nat, NatNetwork, PUBLIC_HOSTS } from "./nat_network.ts";

const BYTES = 200_000;
const found = await nativeUdx();
const native: PeerOptions = "folder" in found ? { native: found.folder } : {};
const why = "reason" in found ? found.reason : cantTranslate();
const reason = why ? ` (${why})` : "";

const PAIRS: readonly [string, PeerOptions, PeerOptions][] = [
  ["native to native", native, native],
  ["ours to native", {}, native],
  ["native to ours", native, {}],
  ["ours to ours", {}, {}],
];

const ROUTERS: readonly [Nat, Nat, "directly" | "relayed"][] = [
  ["full cone", "full cone", "directly"],
  ["port-restricted", "port-restricted", "directly"],
  ["full cone", "port-restricted", "directly"],
  ["symmetric", "symmetric", "relayed"],
];

for (const [natA, natB, way] of ROUTERS) {
  Deno.test({
    name: `NAT: ${natA} to ${natB}: ${way}${reason}`,
    ignore: reason !== "",
    fn: async (t) => {
      using network = new NatNetwork();
      network.translate("a", natA);
      network.translate("b", natB);
      await using dht = new HyperPeer({ ...native, namespace: network.public });
      const { bootstrap, relay } = await dht.call("network", { hosts: PUBLIC_HOSTS });
      for (const [name, a, b] of PAIRS) {
        await t.step(name, async () => {
          await using client = new HyperPeer({ ...a, namespace: network.host("a") });
          await using server = new HyperPeer({ ...b, namespace: network.host("b") });
          await Promise.all([client, server].map((peer) => peer.call("open", { bootstrap })));
          const through = way === "relayed" ? { relay } : {};
          const { key } = await server.call("serve", through);
          if (way === "relayed") {
            const { key } = await server.call("serve");
            const alone = client.call("connect", { key, bytes: BYTES });
            await assert.rejects(alone, /HOLEPUNCH/);
          }
          const echo = await client.call("connect", { key, bytes: BYTES, ...through });
          const from = way === "relayed" ? PUBLIC_HOSTS.at(-1) : network.outside("b");
          assert.deepEqual([echo.received, echo.remoteHost], [BYTES, from]);
        });
      }
    },
  });
}
