import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
// @ts-types="../../../../../lib/types/bencode.d.ts"
import bencode from "bencode";
import fc from "fast-check";
import { NetworkError } from "../../../../../lib/common/errors.ts";
import { keyFromSeed } from "../../../../../lib/identity/keys.ts";
import {
  immutableTarget,
  type MutableItem,
  mutableTarget,
  signItem,
} from "../../../../../lib/transports/torrent/dht/items.ts";
import type { Dht } from "../../../../../lib/transports/torrent/dht/dht.ts";
import { addressOf, DhtNetwork, within } from "./network.ts";
import { loopClock } from "../../../common/loop_clock.ts";

const key = keyFromSeed(new Uint8Array(32).fill(5));
const salt = Buffer.from("hello");
const name = { publicKey: key.publicKey, salt };
const itemOf = (seq: number): MutableItem =>
  signItem(key, { salt, seq, value: bencode.encode({ v: 1, seq }) });

function get(node: Dht): Promise<MutableItem | undefined> {
  return within((wait) => node.getMutable(name, wait));
}

Deno.test("dht: a single node finds its own items, and those put before others came are found", async () => {
  await using network = new DhtNetwork();
  const first = await network.open();
  const value = bencode.encode("alone");
  await within(async (wait) => {
    assert.equal(await first.putMutable(itemOf(1), wait), 0);
    assert.equal(await first.putImmutable(value, wait), 0);
    assert.equal(await first.announce(Buffer.alloc(20, 1), 4321, wait), 0);
  });
  assert.equal((await get(first))?.seq, 1);

  const second = await network.open();
  assert.equal((await get(second))?.seq, 1);
  await within(async (wait) => {
    const found = await second.getImmutable(immutableTarget(value), wait);
    assert.equal(found?.toHex(), value.toHex());
    const peers = await Array.fromAsync(second.lookup(Buffer.alloc(20, 1), wait));
    assert.deepEqual(peers, [{ host: "127.0.0.1", port: 4321 }]);
  });
});

Deno.test("dht: fifty nodes find what any of them put", async () => {
  await using network = new DhtNetwork();
  const nodes = await network.openMany(50);
  const pick = (n: number) => nodes[n * 7 % nodes.length]!;
  for (let n = 0; n < 10; n++) {
    await within(async (wait) => {
      assert.equal(await pick(n).putMutable(itemOf(n), wait), 8);
      assert.equal((await pick(n + 3).getMutable(name, wait))?.seq, n);
      const value = bencode.encode(randomBytes(990));
      assert.equal(await pick(n).putImmutable(value, wait), 8);
      const found = await pick(n + 4).getImmutable(immutableTarget(value), wait);
      assert.equal(found?.toHex(), value.toHex());
      const infohash = randomBytes(20);
      await pick(n).announce(infohash, 1000 + n, wait);
      const peers = await Array.fromAsync(pick(n + 5).lookup(infohash, wait));
      assert.deepEqual(peers, [{ host: "127.0.0.1", port: 1000 + n }]);
      assert.equal(await pick(n).getMutable({ publicKey: key.publicKey }, wait), undefined);
      assert.equal(await pick(n).getImmutable(randomBytes(20), wait), undefined);
    });
  }
  assert.deepEqual(network.dropped.toJSON(), {});
});

Deno.test("dht: the highest sequence number wins wherever the older ones are", async () => {
  await using network = new DhtNetwork();
  const nodes = await network.openMany(12);
  await within((wait) => nodes[0]!.putMutable(itemOf(5), wait));
  // Put past its own publisher: eight nodes have 6, others and the reader itself still have 5.
  await within((wait) => nodes[3]!.putMutable(itemOf(6), wait));
  for (const node of nodes) assert.equal((await get(node))?.seq, 6);
  const seen = await within((wait) => Array.fromAsync(nodes[0]!.mutableItems(name, wait)));
  const sequences = seen.map((item) => item.seq);
  assert.deepEqual(sequences, sequences.toSorted((a, b) => a - b));
});

Deno.test("dht: the same item can be put again", async () => {
  await using network = new DhtNetwork();
  const [first] = await network.openMany(4);
  for (let i = 0; i < 2; i++) {
    assert.equal(await within((wait) => first!.putMutable(itemOf(1), wait)), 3);
  }
});

Deno.test("dht: an item with a wrong signature is stored by nobody", async () => {
  await using network = new DhtNetwork();
  const nodes = await network.openMany(3);
  const forged = { ...itemOf(1), signature: new Uint8Array(64) };
  assert.equal(await within((wait) => nodes[0]!.putMutable(forged, wait)), 0);
  assert.equal(await get(nodes[1]!), undefined);
  assert.equal(await get(nodes[0]!), undefined);
});

Deno.test("dht: without an answer from anyone the error names what was tried", async () => {
  await using network = new DhtNetwork();
  const socket = createSocket("udp4").bind(0, "127.0.0.1"); // never answers
  await once(socket, "listening");
  try {
    const silent = `127.0.0.1:${socket.address().port}`;
    const node = await network.open({ bootstrap: [silent] });
    await assert.rejects(get(node), (error) => {
      assert.ok(error instanceof NetworkError && error.code === "unreachable");
      assert.match(error.message, /1 first node/);
      assert.match(error.hint!, /torrent\.bootstrap/);
      assert.ok(error.hint!.includes(silent));
      return true;
    });
  } finally {
    socket.close();
  }
});

Deno.test("dht: a node that has gone costs one lookup a timeout, not the next ones", async () => {
  await using network = new DhtNetwork();
  const nodes = await network.openMany(5);
  await within((wait) => nodes[0]!.putMutable(itemOf(1), wait));
  await nodes[0]![Symbol.asyncDispose]();
  assert.equal((await get(nodes[4]!))?.seq, 1);
  using clock = loopClock();
  assert.equal((await get(nodes[4]!))?.seq, 1);
  assert.ok(clock.ms < 300, `${clock.ms} ms`);
});

Deno.test("dht: a node that restarts at its address is found again at once", async () => {
  await using network = new DhtNetwork();
  const first = await network.open();
  const second = await network.open();
  const { port } = second;
  await second[Symbol.asyncDispose]();
  await network.open({ port });
  assert.equal(await within((wait) => first.putMutable(itemOf(1), wait)), 1);
});

Deno.test("dht: known nodes bring a node back when the first ones have gone", async () => {
  await using network = new DhtNetwork();
  const folder = await Deno.makeTempDir();
  try {
    const [first, second] = await network.openMany(2);
    const cache = join(folder, "cache");
    const bootstrap = [addressOf(first!)];
    const third = await network.open({ cache, bootstrap });
    await third[Symbol.asyncDispose]();
    await first![Symbol.asyncDispose]();
    const again = await network.open({ cache, bootstrap });
    assert.ok(again.nodes > 0);
    assert.equal(await within((wait) => again.putMutable(itemOf(1), wait)), 1);
    assert.equal((await get(second!))?.seq, 1);
    const other = await network.open({ cache, bootstrap: [addressOf(again)] });
    assert.ok(other.nodes > 0, "another network's nodes are not used, and no harm");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("dht: a taken port is said to be taken", async () => {
  await using network = new DhtNetwork();
  const { port } = await network.open();
  await assert.rejects(
    network.open({ port }),
    (error) => error instanceof NetworkError && error.code === "port-in-use",
  );
});

Deno.test("dht: whoever waits is told when the node is closed", async () => {
  await using network = new DhtNetwork();
  const node = await network.open();
  await node[Symbol.asyncDispose]();
  await assert.rejects(get(node), /closed/);
});

Deno.test("dht: an abort ends a lookup at once, with its reason", async () => {
  await using network = new DhtNetwork();
  const [node] = await network.openMany(2);
  const stop = new AbortController();
  const reason = new Error("enough");
  const pending = node!.getMutable(name, { signal: stop.signal });
  stop.abort(reason);
  await assert.rejects(pending, (error) => error === reason);
});

Deno.test("dht: malformed packets are counted and do no harm", async () => {
  await using network = new DhtNetwork();
  const [node, other] = await network.openMany(2);
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  try {
    const send = (packet: Uint8Array) =>
      new Promise((resolve) => socket.send(packet, node!.port, "127.0.0.1", resolve));
    const id = randomBytes(20);
    const anything = fc.oneof(
      fc.constantFrom<unknown>(7, "x", "x".repeat(20), [], {}, randomBytes(20), randomBytes(32)),
      fc.uint8Array({ maxLength: 70 }),
    );
    const argument = fc.dictionary(
      fc.constantFrom(
        "id",
        "target",
        "info_hash",
        "token",
        "v",
        "k",
        "sig",
        "seq",
        "salt",
        "port",
        "cas",
      ),
      anything,
    );
    const method = fc.constantFrom(
      "ping",
      "find_node",
      "get_peers",
      "announce_peer",
      "get",
      "put",
      "x",
      7,
    );
    const queries = fc.tuple(method, argument, fc.boolean()).map(([q, a, named]) =>
      bencode.encode({ t: "aa", y: "q", q, a: named ? { ...a, id } : a })
    );
    const replies = fc.tuple(argument, fc.constantFrom("r", "e")).map(([r, y]) =>
      bencode.encode({ t: randomBytes(2), y, r, e: [201, "x"] })
    );
    const packets = fc.oneof(
      queries,
      replies,
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom("l-3:", "d1:", "i", "99999999999:", "d4:l-3:e").map((s) => Buffer.from(s)),
      fc.constant(Buffer.from("l".repeat(1400))),
    );
    for (const packet of fc.sample(packets, 2000)) await send(packet);
  } finally {
    socket.close();
  }
  assert.equal(await within((wait) => other!.putMutable(itemOf(1), wait)), 1);
  assert.equal((await get(node!))?.seq, 1);
  assert.ok((network.dropped.toJSON()["bad-dht-packet"] ?? 0) > 0);
});

Deno.test("dht: replies stay small and name no more than eight nodes", async () => {
  await using network = new DhtNetwork();
  const [node] = await network.openMany(30);
  const infohash = randomBytes(20);
  const largest = signItem(key, { salt, seq: 1, value: bencode.encode("x".repeat(992)) });
  await within((wait) => node!.putMutable(largest, wait));
  for (let port = 1; port <= 120; port++) {
    await within((wait) => node!.announce(infohash, port, wait));
  }
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  try {
    const target = mutableTarget(largest);
    for (
      const [q, a] of Object.entries({
        find_node: { target },
        get: { target },
        get_peers: { info_hash: infohash },
      })
    ) {
      const query = bencode.encode({ t: "aa", y: "q", q, a: { id: randomBytes(20), ...a } });
      socket.send(query, node!.port, "127.0.0.1");
      const [reply] = await once(socket, "message") as [Uint8Array];
      assert.ok(reply.length < 1472, `${q}: ${reply.length} bytes`);
      const { r } = bencode.decode(reply) as { r: { nodes: Uint8Array } };
      assert.equal(r.nodes.length, 8 * 26);
    }
  } finally {
    socket.close();
  }
});

Deno.test("dht: a value that is too large is refused whatever its type", async () => {
  await using network = new DhtNetwork();
  const [node, other] = await network.openMany(2);
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const ask = async (q: string, a: object) => {
    const message = bencode.encode({ t: "aa", y: "q", q, a: { id: randomBytes(20), ...a } });
    socket.send(message, node!.port, "127.0.0.1");
    const [reply] = await once(socket, "message") as [Uint8Array];
    return bencode.decode(reply) as { y: Uint8Array; r: { token: Uint8Array }; e: unknown[] };
  };
  try {
    const v = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`key${i}`, "x".repeat(20)]),
    );
    const target = immutableTarget(bencode.encode(v));
    const { r: { token } } = await ask("get", { target });
    assert.equal((await ask("put", { token, v })).e[0], 205);
    assert.equal(await within((wait) => other!.getImmutable(target, wait)), undefined);
  } finally {
    socket.close();
  }
});
