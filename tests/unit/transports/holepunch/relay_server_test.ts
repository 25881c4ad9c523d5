import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { Counters } from "../../../../lib/common/counters.ts";
import { abortable } from "../../../../lib/common/wait.ts";
import { blindRelay } from "../../../../lib/hyperdht/blind_relay.ts";
import HyperDHT from "../../../../lib/hyperdht/mod.ts";
import { HyperNode } from "../../../../lib/transports/holepunch/node.ts";
import {
  type RelayLimits,
  RelayServer,
} from "../../../../lib/transports/holepunch/relay_server.ts";
import type { NoiseStream } from "../../../../lib/types/hyperdht.d.ts";
import { UDX, type UDXSocket, type UDXStream } from "@gtr/udx";
import { until } from "../../../e2e/until.ts";

const HOST = "127.0.0.1";
/** Another of this machine's addresses. */
const FOREIGN = "127.0.0.2";
const BYTES = 300_000;
const CARRY_MS = 60_000;
const LIMITS: RelayLimits = { connections: 64, perPeer: 16, rate: 0, seconds: 600 };

/** A relay in a network of its own, and a client's node. */
class Bench implements AsyncDisposable {
  readonly dropped = new Counters();
  readonly udx = new UDX();
  private constructor(
    readonly node: HyperNode,
    readonly dht: HyperDHT,
    readonly relay: RelayServer,
  ) {}

  static async make(limits: Partial<RelayLimits> = {}): Promise<Bench> {
    const options = { host: HOST, port: 0, bootstrap: [], seed: randomBytes(32) };
    const node = await HyperNode.open(options);
    const [host, port] = node.first!.split(":");
    const bootstrap = [{ host: host!, port: Number(port) }];
    const dht = new HyperDHT({ udx: new UDX(), host: HOST, bootstrap });
    await Promise.all([node.ready(AbortSignal.timeout(60_000)), dht.fullyBootstrapped()]);
    let made: Bench | undefined;
    const relay = RelayServer.open({
      node,
      seed: randomBytes(32),
      limits: { ...LIMITS, ...limits },
      dropped: (reason) => made?.dropped.add(reason),
    });
    return made = new Bench(node, dht, relay);
  }

  /** A connection to the relay; the first ones may come before it is announced. */
  async connect(): Promise<Connection> {
    for (let i = 0; i < 100; i++) {
      const stream = this.dht.connect(Buffer.from(this.relay.key, "hex")) as Connection;
      stream.on("error", () => {});
      if (await stream.opened) return stream;
    }
    assert.fail("the relay can't be reached");
  }

  /** One side of a pair: connected to the relay's stream once the other side has come. */
  async side(isInitiator: boolean, token: Uint8Array): Promise<Side> {
    const socket = await this.connect();
    const client = blindRelay.Client.from(socket, { id: socket.publicKey });
    const stream = this.dht.createRawStream({ framed: true }) as UDXStream;
    stream.on("error", () => {});
    const pairing = client.pair(isInitiator, token, stream);
    const id = await new Promise<number>((resolve, reject) => {
      pairing.on("data", resolve);
      pairing.on("error", reject);
    });
    return { socket, stream, id };
  }

  pair(): Promise<[Side, Side]> {
    const token = randomBytes(32);
    return Promise.all([this.side(true, token), this.side(false, token)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.relay.close();
    await this.dht.destroy();
    await this.node[Symbol.asyncDispose]();
  }
}

type Connection = NoiseStream & { readonly publicKey: Uint8Array };

interface Side {
  readonly socket: NoiseStream;
  readonly stream: UDXStream;
  readonly id: number;
}

function join({ socket, stream, id }: Side): void {
  const way = socket.rawStream as unknown as UDXStream;
  stream.connect(way.socket!, id, way.remotePort, way.remoteHost);
  stream.trySend(new Uint8Array(0)); // the relay learns from it where this side is
}

/** Sends bytes from one side to the other; the milliseconds that took. */
async function carry(from: Side, to: Side): Promise<number> {
  const begun = performance.now();
  const sent = randomBytes(BYTES);
  const chunks: Uint8Array[] = [];
  const all = new Promise<void>((resolve, reject) => {
    let received = 0;
    to.stream.on("data", (chunk: Uint8Array) => {
      chunks.push(chunk);
      if ((received += chunk.length) >= BYTES) resolve();
    });
    to.stream.on("close", () => reject(new Error("it was closed")));
  });
  from.stream.write(sent);
  await abortable(all, AbortSignal.timeout(CARRY_MS));
  assert.ok(Buffer.concat(chunks).equals(sent));
  return performance.now() - begun;
}

const closed = (stream: NoiseStream) =>
  new Promise<void>((resolve) => stream.on("close", () => resolve()));

Deno.test("blind relay: carries a pair's bytes, and counts it until it ends", async () => {
  await using bench = await Bench.make();
  const [a, b] = await bench.pair();
  assert.equal(bench.relay.pairs, 1);
  for (const side of [a, b]) join(side);
  await carry(a, b);
  await carry(b, a);
  a.socket.destroy();
  await until("the pair is gone", () => Promise.resolve(bench.relay.pairs === 0));
});

Deno.test("blind relay: not more bytes per second than its limit", async () => {
  const rate = 150_000;
  await using bench = await Bench.make({ rate });
  const [a, b] = await bench.pair();
  for (const side of [a, b]) join(side);
  const ms = await carry(a, b);
  assert.ok(ms >= (BYTES - rate) / rate * 1000, `${ms} ms`); // a second's worth comes at once
});

Deno.test("blind relay: connections at once, and of one address", async (t) => {
  for (const limit of ["connections", "perPeer"]) {
    await t.step(limit, async () => {
      await using bench = await Bench.make({ [limit]: 2 });
      await bench.pair();
      const third = bench.dht.connect(Buffer.from(bench.relay.key, "hex"));
      third.on("error", () => {});
      const refused = () => Promise.resolve(bench.dropped.toJSON()["relay-limit"]! > 0);
      await until("the third is refused", refused);
    });
  }
});

Deno.test("blind relay: what lasts too long is ended", async () => {
  await using bench = await Bench.make({ seconds: 1 });
  const [a] = await bench.pair();
  await closed(a.socket);
  assert.ok(bench.dropped.toJSON()["relay-too-long"]! > 0);
});

Deno.test("blind relay: who asks for many pairs is cut off, before they are kept", async () => {
  await using bench = await Bench.make();
  const socket = await bench.connect();
  const client = blindRelay.Client.from(socket, { id: socket.publicKey });
  const gone = closed(socket);
  for (let i = 0; i < 1000; i++) {
    const stream = bench.dht.createRawStream({ framed: true });
    const pairing = client.pair(true, randomBytes(32), stream);
    pairing.on("error", () => {});
    pairing.on("data", () => assert.fail("nobody else has the token"));
  }
  await gone;
  assert.equal(bench.dropped.toJSON()["relay-limit"], 1);
  const [a, b] = await bench.pair(); // others go on
  for (const side of [a, b]) join(side);
  await carry(a, b);
});

Deno.test("blind relay: packets from elsewhere take nobody's place", async () => {
  await using bench = await Bench.make();
  const [a, b] = await bench.pair();
  const way = a.socket.rawStream as unknown as UDXStream;
  const foreign: UDXSocket = bench.udx.createSocket();
  foreign.bind(0, FOREIGN);
  const thief = bench.udx.createStream(1);
  thief.on("error", () => {});
  thief.connect(foreign, a.id, way.remotePort, HOST);
  thief.write(randomBytes(100)); // before the one that the stream is for
  await foreign.send(new Uint8Array(2), way.remotePort, HOST);
  for (const side of [a, b]) join(side);
  await carry(a, b);
  await carry(b, a);
  thief.destroy();
  await foreign.close();
});
