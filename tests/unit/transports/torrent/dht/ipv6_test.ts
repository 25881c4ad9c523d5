/** Nodes of the DHT of IPv6, and of both, on loopback. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
// @ts-types="../../../../../lib/types/bencode.d.ts"
import bencode from "bencode";
import { keyFromSeed } from "../../../../../lib/identity/keys.ts";
import { formatHostPort } from "../../../../../lib/transports/torrent/address.ts";
import { contactsIn } from "../../../../../lib/transports/torrent/dht/contacts.ts";
import type { Dht } from "../../../../../lib/transports/torrent/dht/dht.ts";
import { DhtNode } from "../../../../../lib/transports/torrent/dht/node.ts";
import { mutableTarget, signItem } from "../../../../../lib/transports/torrent/dht/items.ts";
import { addressOf, DhtNetwork, within } from "./network.ts";

const key = keyFromSeed(new Uint8Array(32).fill(7));

const itemOf = (text: string) =>
  signItem(key, { salt: Buffer.from("hello"), seq: 1, value: bencode.encode(text) });

/** Opens a node at `host` that knows only these. */
const joining = (network: DhtNetwork, host: string, ...bootstrap: string[]) =>
  network.open({ host, bootstrap });

async function peersOf(node: Dht, infohash: Buffer): Promise<string[]> {
  return await within(async (wait) => {
    const found: string[] = [];
    for await (const peer of node.lookup(infohash, wait)) found.push(formatHostPort(peer));
    return found.sort();
  });
}

Deno.test("IPv6: items and peers among nodes that have nothing else", async () => {
  await using network = new DhtNetwork();
  const first = await joining(network, "::1");
  const others = await Promise.all(
    [1, 2, 3].map(() => joining(network, "::1", addressOf(first, "::1"))),
  );
  const [one, two] = others as [Dht, Dht];
  assert.ok(await within((wait) => one.putMutable(itemOf("news"), wait)) > 0);
  const found = await within((wait) => two.getMutable(itemOf("news"), wait));
  assert.deepEqual(found?.value, itemOf("news").value);
  const target = randomBytes(20);
  assert.ok(await within((wait) => one.announce(target, 4321, wait)) > 0);
  assert.deepEqual(await peersOf(two, target), ["[::1]:4321"]);
  assert.deepEqual(network.dropped.toJSON(), {});
});

Deno.test("both: a node whose IPv6 could not be opened is one of IPv4 alone", async () => {
  const options = { timeoutMs: 400, dropped: () => {} };
  const node = new DhtNode({ family: 4, ...options });
  const other = new DhtNode({ family: 6, ...options, other: node });
  assert.ok(node.isDouble);
  await new Promise<void>((closed) => other.destroy(closed));
  assert.ok(!node.isDouble);
  await new Promise<void>((closed) => node.destroy(closed));
});

Deno.test("both: nodes of one family meet through a node of both", async () => {
  await using network = new DhtNetwork();
  const both = await joining(network, "::");
  const ipv4 = await joining(network, "127.0.0.1", addressOf(both));
  const ipv6 = await joining(network, "::1", addressOf(both, "::1"));
  assert.ok(await within((wait) => ipv4.putMutable(itemOf("news"), wait)) > 0);
  const found = await within((wait) => ipv6.getMutable(itemOf("news"), wait));
  assert.deepEqual(found?.value, itemOf("news").value);
  const value = bencode.encode("immutable");
  assert.ok(await within((wait) => ipv6.putImmutable(value, wait)) > 0);

  const target = randomBytes(20);
  await within((wait) => ipv4.announce(target, 4444, wait));
  await within((wait) => ipv6.announce(target, 6666, wait));
  assert.deepEqual(await peersOf(both, target), ["127.0.0.1:4444", "[::1]:6666"]);
  const reader = await joining(network, "::", addressOf(both), addressOf(both, "::1"));
  assert.deepEqual(await peersOf(reader, target), ["127.0.0.1:4444", "[::1]:6666"]);
});

Deno.test("both: a node that knows IPv4 addresses only learns of IPv6 nodes there", async () => {
  await using network = new DhtNetwork();
  const first = await joining(network, "::");
  const ipv6 = await joining(network, "::1", addressOf(first, "::1"));
  const target = randomBytes(20);
  await within((wait) => ipv6.announce(target, 6666, wait));
  const late = await joining(network, "::", addressOf(first));
  const met = Promise.withResolvers<void>();
  using _node = late.onNode(() => late.nodes >= 3 && met.resolve());
  if (late.nodes < 3) await within(({ signal }) => Promise.race([met.promise, aborted(signal)]));
  assert.deepEqual(await peersOf(late, target), ["[::1]:6666"]);
});

Deno.test("both: nodes of both families are known again after a restart", async () => {
  await using network = new DhtNetwork();
  const first = await joining(network, "::");
  const bootstrap = [addressOf(first), addressOf(first, "::1")];
  const cache = await Deno.makeTempDir();
  try {
    const before = await network.open({ host: "::", cache, bootstrap });
    await before[Symbol.asyncDispose]();
    const { nodes } = JSON.parse(await Deno.readTextFile(`${cache}/nodes.json`));
    assert.deepEqual(nodes, bootstrap);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("both: what is in a reply follows the packet's family, and what the query wants", async () => {
  await using network = new DhtNetwork();
  const both = await joining(network, "::");
  await joining(network, "::", addressOf(both), addressOf(both, "::1"));
  const target = randomBytes(20);
  for (const [family, host] of [[4, "127.0.0.1"], [6, "::1"]] as const) {
    const ask = (q: string, a: Record<string, unknown>) => query(host, both.port, q, a);
    const own = await ask("find_node", { target });
    assert.equal(contactsIn(own, family).length, 1);
    assert.equal(own[family === 4 ? "nodes6" : "nodes"], undefined);
    const all = await ask("find_node", { target, want: ["n4", "n6"] });
    assert.equal(contactsIn(all, 4).length + contactsIn(all, 6).length, 2);

    const { token } = await ask("get_peers", { info_hash: target });
    await ask("announce_peer", { info_hash: target, port: 7, token });
    const { values } = await ask("get_peers", { info_hash: target });
    assert.deepEqual((values as Uint8Array[]).map(({ length }) => length), [family === 4 ? 6 : 18]);
  }
});

Deno.test("IPv6: an item and the nodes beside it fit into one packet of 1,500 bytes", async () => {
  await using network = new DhtNetwork();
  const first = await joining(network, "::1");
  for (let i = 0; i < 9; i++) await joining(network, "::1", addressOf(first, "::1"));
  const value = bencode.encode("x".repeat(992));
  const item = signItem(key, { salt: Buffer.from("hello"), seq: 1e9, value });
  await within((wait) => first.putMutable(item, wait));
  const reply = await query("::1", first.port, "get", { target: mutableTarget(item) });
  assert.equal(contactsIn(reply, 6).length, 4);
  // What k-rpc-socket and extra_keys.ts put around it, and the headers of IPv6 and UDP.
  assert.ok(
    bencode.encode({ ip: new Uint8Array(18), r: reply, t: "aa", v: "GT00", y: "r" }).length + 48 <=
      1500,
  );
});

/** The `r` of the answer to one packet, of a sender without an id: nobody keeps it as a node. */
async function query(
  host: string,
  port: number,
  q: string,
  a: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    const answer = once(socket, "message", { signal: AbortSignal.timeout(60_000) });
    socket.send(bencode.encode({ t: "aa", y: "q", q, a }), port, host);
    const [packet] = await answer;
    const { r } = bencode.decode(packet) as { r: Record<string, unknown> };
    const members = Object.entries(r).map((
      [name, value],
    ) => [name, value instanceof Uint8Array ? Buffer.from(value) : value]);
    return Object.fromEntries(members);
  } finally {
    socket.close();
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}
