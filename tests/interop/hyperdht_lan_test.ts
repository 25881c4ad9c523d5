/**
 * A local network: two hosts on one wire, and what hyperdht does for them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { nativeUdx } from "../../scripts/local/native_udx.ts";
import { HyperPeer, type PeerOptions } from "../../scripts/local/hyperdht_peer.ts";
import { hasNamespaces, ip, newName } from "./namespace.ts";

const A = "192.168.7.1";
const B = "192.168.7.2";
const BYTES = 200_000;
/** With fewer, native peers too fail to connect now and then: they compare what nodes see of them. */
const NODES = 5;
const found = await nativeUdx();
const native: PeerOptions = "folder" in found ? { native: found.folder } : {};
const why = "reason" in found ? found.reason : hasNamespaces() ? "" : "needs root and iproute2";
const reason = why ? ` (${why})` : "";

const PAIRS: readonly [string, PeerOptions, PeerOptions][] = [
  ["native to native", native, native],
  ["ours to native", {}, native],
  ["native to ours", native, {}],
  ["ours to ours", {}, {}],
];

/** Two namespaces with a wire between them, and no route to anywhere else. */
class Wire implements Disposable {
  readonly a = newName();
  readonly b = newName();

  constructor() {
    for (const name of [this.a, this.b]) ip("netns", "add", name);
    const other = ["peer", "name", "net", "netns", this.b];
    ip("-n", this.a, "link", "add", "net", "type", "veth", ...other);
    for (const [name, host] of [[this.a, A], [this.b, B]] as const) {
      ip("-n", name, "addr", "add", `${host}/24`, "dev", "net");
      for (const device of ["lo", "net"]) ip("-n", name, "link", "set", device, "up");
    }
  }

  [Symbol.dispose](): void {
    for (const name of [this.a, this.b]) ip("netns", "delete", name);
  }
}

Deno.test({
  name: `LAN: peers without any route find each other by a node among them${reason}`,
  ignore: reason !== "",
  fn: async (t) => {
    using wire = new Wire();
    for (const [name, one, other] of PAIRS) {
      await t.step(name, async () => {
        // The first host has the whole network, as a gtd that begins one.
        await using first = new HyperPeer({ ...one, namespace: wire.a });
        const { bootstrap } = await first.call("network", { hosts: Array(NODES).fill(A) });
        await using client = new HyperPeer({ ...one, namespace: wire.a });
        await using server = new HyperPeer({ ...other, namespace: wire.b });
        await Promise.all([client, server].map((peer) => peer.call("open", { bootstrap })));
        const { key } = await server.call("serve");
        const echo = await client.call("connect", { key, bytes: BYTES });
        assert.deepEqual([echo.received, echo.remoteHost], [BYTES, B]);
      });
    }
  },
});
