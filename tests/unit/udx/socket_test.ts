/**
 * Real sockets on loopback, with each back-end that there is.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { Lingering } from "../../../lib/udx/lingering.ts";
import {
  type Address,
  mmsgAvailable,
  openDgram,
  openFastest,
  openMmsg,
  UDX,
  type UDXSocket,
  type UDXStream,
} from "../../../lib/udx/mod.ts";
import { encodeHeader, PacketType } from "../../../lib/udx/packet.ts";
import { noise } from "./simulator.ts";

const HOST = "127.0.0.1";
const DEADLINE_MS = 60_000;

/** An event, within the deadline. */
async function event(emitter: UDXSocket | UDXStream, name: string): Promise<unknown[]> {
  return await once(emitter, name, { signal: AbortSignal.timeout(DEADLINE_MS) });
}

/** Two sockets of one UDX, closed at the end with all their streams. */
class World implements AsyncDisposable {
  readonly udx: UDX;
  readonly sockets: UDXSocket[] = [];
  #ids = 0;

  constructor(backend: typeof openFastest) {
    this.udx = new UDX({ backend });
  }

  socket(host = HOST): UDXSocket {
    const socket = this.udx.createSocket();
    socket.bind(0, host);
    this.sockets.push(socket);
    return socket;
  }

  /** Two streams that are connected with each other. */
  streams(a = this.socket(), b = this.socket()): [UDXStream, UDXStream] {
    const [idA, idB] = [++this.#ids, ++this.#ids];
    const left = this.udx.createStream(idA);
    const right = this.udx.createStream(idB);
    left.connect(a, idB, b.address()!.port, HOST);
    right.connect(b, idA, a.address()!.port, HOST);
    return [left, right];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.udx.streams.values()) stream.destroy();
    await Promise.all(this.sockets.map((socket) => socket.close()));
  }
}

/** Everything that a stream receives, until its end. */
async function readAll(stream: UDXStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const BACKENDS = [["node:dgram", openDgram, true], ["mmsg", openMmsg, mmsgAvailable()]] as const;

for (const [name, backend, available] of BACKENDS) {
  const test = (what: string, run: (world: World) => Promise<void>) =>
    Deno.test({
      name: `udx with ${name}: ${what}${available ? "" : " (needs FFI on Linux)"}`,
      ignore: !available,
      fn: async () => {
        await using world = new World(backend);
        await run(world);
      },
    });

  test("messages between sockets, with a TTL too", async (world) => {
    const a = world.socket();
    const b = world.socket();
    for (const ttl of [undefined, 5]) {
      const received = event(b, "message");
      assert.ok(await a.send(Buffer.from("hello"), b.address()!.port, HOST, ttl));
      const [message, from] = await received as [Buffer, Address];
      assert.equal(message.toString(), "hello");
      assert.deepEqual(from, { host: HOST, family: 4, port: a.address()!.port });
    }
  });

  test("a port in use, and an address that isn't ours", (world) => {
    const { port } = world.socket().address()!;
    const other = world.udx.createSocket();
    assert.throws(() => other.bind(port, HOST), { code: "EADDRINUSE" });
    assert.throws(() => other.bind(0, "192.0.2.1"), { code: "EADDRNOTAVAIL" });
    assert.throws(() => other.bind(0, "localhost"), /not a valid IP address/);
    assert.equal(other.bound, false);
    return other.close();
  });

  test("a socket of both families, for IPv4", async (world) => {
    const both = world.udx.createSocket();
    both.bind(0);
    world.sockets.push(both);
    const four = world.socket();
    const received = event(both, "message");
    four.trySend(Buffer.from("there"), both.address()!.port, HOST);
    const [, from] = await received as [Buffer, Address];
    assert.deepEqual(from, { host: HOST, family: 4, port: four.address()!.port });
    const back = event(four, "message");
    both.trySend(Buffer.from("back"), four.address()!.port, HOST);
    assert.equal(String((await back)[0]), "back");
  });

  test("a stream of 5 MB, closed on both sides without a word of error", async (world) => {
    const [a, b] = world.streams();
    const data = noise(5_000_000);
    const received = readAll(b);
    const closed = Promise.all([event(a, "close"), event(b, "close")]);
    a.write(data);
    assert.equal(await a.flush(), true);
    a.end();
    b.end();
    a.resume();
    const digest = (bytes: Uint8Array) => createHash("sha1").update(bytes).digest("hex");
    assert.equal(digest(await received), digest(data));
    await closed;
    assert.equal(world.udx.streams.size, 0);
    assert.ok(a.mtu > 1200 || name === "node:dgram");
  });

  test("a stream over IPv6", async (world) => {
    const a = world.socket("::1");
    const b = world.socket("::1");
    const left = world.udx.createStream(1);
    const right = world.udx.createStream(2);
    left.connect(a, 2, b.address()!.port, "::1");
    right.connect(b, 1, a.address()!.port, "::1");
    assert.deepEqual([left.remoteFamily, left.localFamily], [6, 6]);
    const data = noise(500_000);
    const received = readAll(right);
    left.end(data);
    right.end();
    left.resume();
    assert.equal(Buffer.compare(await received, data), 0);
  });

  test("a listener that throws costs nobody else a message", async (world) => {
    const a = world.socket();
    const b = world.socket();
    const thrown = new Promise<unknown>((resolve, reject) => {
      AbortSignal.timeout(DEADLINE_MS).onabort = () => reject(new Error("nothing was thrown"));
      globalThis.addEventListener("error", (event) => {
        event.preventDefault();
        resolve(event.error);
      }, { once: true });
    });
    b.once("message", () => {
      throw new Error("of the listener");
    });
    a.trySend(Buffer.from("first"), b.address()!.port, HOST);
    assert.match(String(await thrown), /of the listener/);
    const second = event(b, "message");
    a.trySend(Buffer.from("second"), b.address()!.port, HOST);
    assert.equal(String((await second)[0]), "second");
  });

  // All at once in one process, they outrun node:dgram's receive buffer, which Deno can't enlarge.
  const count = backend === openMmsg ? 200 : 30;
  test(`${count} streams at once`, async (world) => {
    const a = world.socket();
    const b = world.socket();
    const data = noise(50_000);
    const pairs = Array.from({ length: count }, () => world.streams(a, b));
    const closed = Promise.all(pairs.flat().map((stream) => event(stream, "close")));
    const received = Promise.all(pairs.map(([, right]) => readAll(right)));
    for (const [left, right] of pairs) {
      left.end(data);
      left.resume();
      right.end();
    }
    for (const bytes of await received) assert.equal(Buffer.compare(bytes, data), 0);
    await closed;
    assert.ok(a.idle && b.idle);
  });

  test("who stops reading makes the writer wait", async (world) => {
    const [a, b] = world.streams();
    const chunk = noise(1_000_000);
    let taken = 0;
    while (a.write(chunk) || taken < 2) if (++taken > 100) break;
    assert.ok(taken < 100, "the writer was never made to wait");
    assert.equal(await Promise.race([a.flush(), quiet(b)]), "quiet");
    assert.ok(b._readableState.buffered < 5_000_000, `${b._readableState.buffered} bytes unread`);
    const sum = readAll(b);
    a.end();
    b.end();
    a.resume();
    assert.equal((await sum).length, 1_000_000 * (taken + 1));
  });

  test("a socket says when it is busy and idle, and closes when its streams have", async (world) => {
    const a = world.socket();
    const said: string[] = [];
    for (const name of ["busy", "idle", "close"]) a.on(name, () => said.push(name));
    const [left, right] = world.streams(a);
    right.on("error", () => {}); // it may hear of the end of the other one, or not
    assert.ok(a.busy);
    const closing = a.close();
    assert.ok(a.closing);
    assert.equal(await a.send(Buffer.from("x"), 1), false);
    assert.deepEqual(said, ["busy"]);
    left.destroy();
    await closing;
    assert.deepEqual(said, ["busy", "close"]);
  });

  test("the first packet connects, where the firewall lets it", async (world) => {
    const { udx } = world;
    const a = world.socket();
    const b = world.socket();
    const asked: [number, string, number][] = [];
    const right = udx.createStream(102, {
      firewall: (socket, port, host, family) => {
        asked.push([port, host, family]);
        if (asked.length < 3) return true;
        right.connect(socket, 101, port, host);
        return false;
      },
    });
    const left = udx.createStream(101);
    left.connect(a, 102, b.address()!.port, HOST);
    const received = event(right, "data");
    left.write(Buffer.from("hello"));
    for (let i = 0; i < 3; i++) left.trySend(Buffer.from("knock"));
    assert.equal(String((await received)[0]), "hello");
    assert.deepEqual(asked[0], [a.address()!.port, HOST, 4]);
  });

  test("a stream goes on over another socket", async (world) => {
    const [a, b] = world.streams();
    const received = readAll(b);
    a.write(Buffer.alloc(100_000, 1));
    const second = world.socket();
    const third = world.socket();
    const changed = Promise.all([
      a.changeRemote(second, b.id, third.address()!.port, HOST),
      b.changeRemote(third, a.id, second.address()!.port, HOST),
    ]);
    assert.throws(() => a.changeRemote(second, b.id, 1, HOST), /already changing/);
    a.write(Buffer.alloc(100_000, 2));
    b.write(Buffer.from("x"));
    a.resume();
    await changed;
    assert.equal(a.localPort, second.address()!.port);
    a.end(Buffer.alloc(100_000, 3));
    b.end();
    const all = await received;
    assert.deepEqual([all.length, all[99_999], all[199_999], all[299_999]], [300_000, 1, 2, 3]);
  });

  test("a stream is destroyed with what it had to send; the other side hears of it", async (world) => {
    const [a, b] = world.streams();
    const failed = new Promise((resolve) => b.on("error", resolve));
    a.write(Buffer.alloc(1_000_000));
    const flushed = a.flush();
    a.destroy();
    assert.equal((await failed as { code?: string }).code, "ECONNRESET");
    assert.equal(await flushed, false);
    assert.equal(world.udx.streams.size, 0);
  });

  test("an end that comes again is acknowledged again, although its stream is gone", async (world) => {
    const a = world.socket();
    const b = world.socket();
    const [left, right] = world.streams(a, b);
    const closed = Promise.all([event(left, "close"), event(right, "close")]);
    for (const stream of [left, right]) stream.resume().end(Buffer.from("all"));
    await closed;
    const end = new Uint8Array(20);
    const header = { type: PacketType.END, offset: 0, stream: left.id, window: 0, seq: 1, ack: 2 };
    encodeHeader(end, header);
    const answer = event(b, "message");
    b.trySend(end, a.address()!.port, HOST);
    const bytes = (await answer)[0] as Buffer;
    assert.deepEqual([bytes[2], bytes.readUInt32LE(4), bytes.readUInt32LE(16)], [0, right.id, 2]);
  });

  test("a flood of packets for streams that aren't there leaves nothing behind", async (world) => {
    const a = world.socket();
    const b = world.socket();
    let messages = 0;
    const last = new Promise<void>((resolve) =>
      b.on("message", (bytes: Buffer) => {
        messages++;
        if (bytes.toString() === "last") resolve();
      })
    );
    const packet = new Uint8Array(40);
    const header = { type: PacketType.DATA, offset: 0, window: 0, seq: 0, ack: 0 };
    for (let i = 0; i < 5000; i++) {
      encodeHeader(packet, { ...header, stream: 1_000_000 + i });
      a.trySend(packet.slice(), b.address()!.port, HOST);
      if (i % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
    }
    const again = setInterval(() => a.trySend(Buffer.from("last"), b.address()!.port, HOST), 10);
    await last;
    clearInterval(again);
    assert.ok(messages > 100, `${messages} came through`); // the kernel drops the others
    assert.equal(world.udx.streams.size, 0);
    assert.equal(world.udx.lingering.size, 0);
    assert.equal(b.packetsTransmitted, 0);
  });
}

/** Resolves with "quiet" when nothing more comes to a stream that isn't read. */
function quiet(stream: UDXStream): Promise<string> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    let before = -1;
    const timer = setInterval(() => {
      const now = stream._readableState.buffered;
      if (now === before && now > 0) resolve("quiet");
      else if (performance.now() - began > DEADLINE_MS) reject(new Error("it never got quiet"));
      else return void (before = now);
      clearInterval(timer);
    }, 100);
  });
}

Deno.test("udx: knows addresses, and its own", () => {
  const udx = new UDX();
  assert.ok(UDX.isIPv4("127.0.0.1") && !UDX.isIPv4("::1") && !UDX.isIPv4("host"));
  assert.ok(UDX.isIPv6("::1") && UDX.isIPv6("fe80::1%lo"));
  assert.deepEqual([UDX.isIP("1.2.3.4"), UDX.isIP("::"), UDX.isIP("x")], [4, 6, 0]);
  const found = udx.networkInterfaces().find(({ host }) => host === HOST);
  assert.equal(found?.internal, true);
  assert.equal(found?.family, 4);
});

Deno.test("udx: watches the network's interfaces until told not to", async () => {
  const udx = new UDX();
  const watcher = udx.watchNetworkInterfaces();
  assert.deepEqual([...watcher], udx.networkInterfaces());
  const closed = once(watcher, "close");
  await watcher.destroy();
  await closed;
});

Deno.test("lingering: remembers the last words of so many streams, for so long", () => {
  const route = { id: 1, host: HOST, port: 1, family: 4 } as const;
  const lingering = new Lingering();
  for (let id = 0; id < 3000; id++) lingering.add(id, Uint8Array.of(id), route, id);
  assert.equal(lingering.size, 1024);
  assert.equal(lingering.get(5, 3000), undefined);
  assert.deepEqual(lingering.get(2999, 3000)?.packet, Uint8Array.of(2999));
  assert.equal(lingering.get(2999, 2999 + 15_000), undefined);
  lingering.add(1, Uint8Array.of(1), route, 100_000);
  assert.equal(lingering.size, 1);
});
