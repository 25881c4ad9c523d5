import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
// @ts-types="../../../../../lib/types/bencode.d.ts"
import bencode from "bencode";
import { DialBack, PAUSE_MS } from "../../../../../lib/transports/torrent/dht/dial_back.ts";
import { isOfGtr, seenAddress } from "../../../../../lib/transports/torrent/dht/extra_keys.ts";
import { DhtNetwork, within } from "./network.ts";

/** A TCP port, and the connections that come. */
async function listener() {
  const server = createServer();
  let connections = 0;
  server.on("connection", (socket) => {
    connections++;
    socket.on("error", () => {});
    socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    port,
    server,
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: () => new Promise<void>((closed) => server.close(() => closed())),
  };
}

Deno.test("gtr_dial: a node connects to who asks, once in a while", async () => {
  await using network = new DhtNetwork();
  const [one, other] = await network.openMany(2);
  await using tcp = await listener();
  const to = { host: "127.0.0.1", port: one!.port };
  const came = once(tcp.server, "connection");
  assert.equal(await within((wait) => other!.askToDial(to, tcp.port, wait)), true);
  await came;
  assert.equal(await within((wait) => other!.askToDial(to, tcp.port, wait)), false, "too soon");
  assert.equal(tcp.connections, 1);
});

Deno.test("gtr_dial: nobody is dialled without a token of that address, or at no port", async () => {
  await using network = new DhtNetwork();
  const node = await network.open();
  await using tcp = await listener();
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const ask = async (q: string, a: Record<string, unknown>) => {
    const id = Buffer.alloc(20, 1);
    const message = bencode.encode({ t: Buffer.from("aa"), y: "q", q, a: { id, ...a } });
    const reply = once(socket, "message");
    socket.send(message, node.port, "127.0.0.1");
    return bencode.decode((await reply)[0]) as Record<string, unknown>;
  };
  try {
    const { r } = await ask("get_peers", { info_hash: Buffer.alloc(20, 2) });
    const { token } = r as { token: Buffer };
    for (
      const a of [
        { port: tcp.port },
        { port: tcp.port, token: Buffer.alloc(20) },
        { port: tcp.port, token: 7 },
        { port: 0, token },
        { port: 70_000, token },
        { port: "80", token },
        { token },
      ]
    ) {
      const { e } = await ask("gtr_dial", a);
      assert.equal((e as [number])[0], 203, JSON.stringify(a));
    }
    const came = once(tcp.server, "connection");
    assert.ok((await ask("gtr_dial", { port: tcp.port, token })).r);
    await came;
    assert.equal(tcp.connections, 1);
  } finally {
    socket.close();
  }
});

Deno.test("gtr_dial: an address waits for its next connection, and few are open at once", async () => {
  await using tcp = await listener();
  using dialBack = new DialBack();
  assert.equal(dialBack.dial("127.0.0.1", tcp.port, 0), true);
  assert.equal(dialBack.dial("127.0.0.1", tcp.port, PAUSE_MS - 1), false);
  assert.equal(dialBack.dial("127.0.0.1", tcp.port, PAUSE_MS), true);
  const dialled = Array.from({ length: 20 }, (_, n) => dialBack.dial(`127.0.1.${n}`, tcp.port, 0));
  assert.equal(dialled.filter(Boolean).length, 6, "two are open already");
});

Deno.test("gtr_dial: nobody is dialled after the end", async () => {
  await using tcp = await listener();
  const dialBack = new DialBack();
  dialBack[Symbol.dispose]();
  assert.equal(dialBack.dial("127.0.0.1", tcp.port), false);
});

Deno.test("dht: replies say where they go, and messages that gtr sends them", async () => {
  await using network = new DhtNetwork();
  const node = await network.open();
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  try {
    const a = { id: Buffer.alloc(20, 1) };
    const came = once(socket, "message");
    const ping = bencode.encode({ t: Buffer.from("aa"), y: "q", q: "ping", a });
    socket.send(ping, node.port, "127.0.0.1");
    const reply = bencode.decode((await came)[0]) as { ip: Uint8Array };
    assert.deepEqual([...seenAddress(reply)!], [127, 0, 0, 1]);
    const { port } = socket.address();
    assert.deepEqual([...reply.ip.subarray(4)], [port >> 8, port & 255]);
    assert.ok(isOfGtr(reply));
  } finally {
    socket.close();
  }
});

Deno.test("dht: what is no address in a reply is ignored", () => {
  for (const ip of [undefined, 1, "x", new Uint8Array(5), new Uint8Array(19), [1, 2]]) {
    assert.equal(seenAddress({ ip }), undefined);
  }
  assert.equal(isOfGtr({ v: Buffer.from("LT\x01\x02", "latin1") }), false);
});
