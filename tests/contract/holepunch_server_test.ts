/** What strangers may use of Holepunch's server, over real connections. */
import assert from "node:assert/strict";
import { abortable, deadline } from "../../lib/common/wait.ts";
import { pieceLength } from "../../lib/manifest/pack_torrent.ts";
import { Conversation } from "../../lib/transports/holepunch/conversation.ts";
import { Exchange } from "../../lib/transports/holepunch/exchange/exchange.ts";
import { pieceCount } from "../../lib/transports/holepunch/exchange/piece_set.ts";
import type { HyperNode } from "../../lib/transports/holepunch/node.ts";
import { Offers } from "../../lib/transports/holepunch/offers.ts";
import { PeerServer, type ServerLimits } from "../../lib/transports/holepunch/server.ts";
import { Watchers } from "../../lib/transports/holepunch/watchers.ts";
import type { LiveAnswer } from "../../lib/ports/streams.ts";
import { HolepunchNetwork, plainNode } from "./holepunch_nodes.ts";
import { makeManifest, makePack, testKey } from "./publications.ts";
import { openManifest } from "../fixtures/open_manifest.ts";

const alice = testKey(1);
const DEADLINE_MS = 60_000;
const LIVE = { streams: 9, perPeer: 9, uploadRate: 0, seconds: 60, idleSeconds: 60 };
const LIMITS: ServerLimits = { connections: 80, uploadRate: 0, patienceMs: 60_000, live: LIVE };
const HELLO = { id: alice.id, name: "hello" };
const SEED = new Uint8Array(32);
const NOWHERE = { scheme: "holepunch", endpoints: () => [] };

/** A server, and somebody who asks it. */
class World implements AsyncDisposable {
  readonly offers = new Offers();
  readonly watchers = new Watchers(2);
  readonly server: PeerServer;
  readonly signal: AbortSignal;
  live: LiveAnswer | undefined;
  readonly #reasons: string[] = [];
  readonly node: HyperNode;
  readonly #stranger: HyperNode;
  readonly #stack: AsyncDisposableStack;
  #counted = () => {};

  private constructor(
    limits: ServerLimits,
    nodes: readonly [HyperNode, HyperNode],
    stack: AsyncDisposableStack,
  ) {
    [this.node, this.#stranger] = nodes;
    this.#stack = stack;
    this.signal = stack.use(deadline(DEADLINE_MS, "the test")).signal;
    this.server = new PeerServer({
      limits,
      offers: this.offers,
      exchange: new Exchange(this.offers),
      watchers: this.watchers,
      live: (wanted) => this.live?.(wanted) ?? Promise.resolve(undefined),
      dropped: (reason) => {
        this.#reasons.push(reason);
        this.#counted();
      },
      log: () => {},
    });
  }

  static async make(limits: Partial<ServerLimits> = {}): Promise<World> {
    const stack = new AsyncDisposableStack();
    const network = stack.use(await HolepunchNetwork.make());
    const node = stack.use(await plainNode(network, SEED));
    const stranger = stack.use(await plainNode(network));
    const world = new World({ ...LIMITS, ...limits }, [node, stranger], stack);
    await node.listen(() => world.server.admits(), (stream) => world.server.accept(stream));
    return world;
  }

  async ask(signal = this.signal): Promise<Conversation> {
    const peer = { key: this.node.key };
    return this.#stack.use(await Conversation.open(this.#stranger, peer, { openManifest }, signal));
  }

  /** A connection that asks, and reads nothing of the answer. */
  async askOnly(request: object): Promise<void> {
    const stream = await this.#stranger.connect({ key: this.node.key }, this.signal);
    stream.write(new TextEncoder().encode(`${JSON.stringify({ version: 1, ...request })}\n`));
  }

  /** Resolves when the server has counted something for this reason. */
  async counted(reason: string): Promise<void> {
    while (!this.#reasons.includes(reason)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#counted = resolve;
      await abortable(promise, this.signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    await this.#stack.disposeAsync();
  }
}

const refused = (reason: string) => ({
  code: "refused",
  message: new RegExp(`refuses: ${reason}`),
});

Deno.test("holepunch server: who says nothing is hung up on", async () => {
  await using world = await World.make({ patienceMs: 300 });
  const conversation = await world.ask();
  await world.counted("idle-peer");
  await assert.rejects(conversation.answer(1, world.signal), { code: "no-live-peer" });
  assert.equal(world.server.size, 0);
});

Deno.test("holepunch server: who doesn't read a pack is hung up on; no more than it is sent", async () => {
  await using world = await World.make({ patienceMs: 1000 });
  const folder = await Deno.makeTempDir();
  try {
    const file = await makePack(folder, 30_000_000);
    const { sha256, size } = file.pack;
    world.offers.seed(file);
    const conversation = await world.ask();
    const get = { version: 1, want: "pack", sha256, of: "c0" } as const;
    const last = pieceCount(size) - 1;
    await conversation.send({ ...get, first: last, most: 9 }, world.signal);
    const rest = size - last * pieceLength(size);
    assert.equal(await conversation.answer(size, world.signal), rest);
    await conversation.bytes(rest, world.signal);
    // It was sent, and further pieces there are none.
    await conversation.send({ ...get, first: last, most: 9 }, world.signal);
    await assert.rejects(conversation.answer(1, world.signal), refused("unknown"));
    await conversation.send({ ...get, first: 1e15, most: 9 }, world.signal);
    await assert.rejects(conversation.answer(1, world.signal), refused("unknown"));
    conversation[Symbol.dispose]();
    await world.askOnly({ want: "pack", sha256, first: 0, of: "ff".repeat(32), most: 1e9 });
    await world.counted("slow-peer");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("holepunch server: while handshakes without number hang, nobody is let in", async () => {
  await using world = await World.make();
  const ask = async (signal = world.signal) => {
    await (await world.ask(signal)).manifest(HELLO, signal);
  };
  const streams = Array.from(
    { length: 16_384 },
    () => world.node.dht.createRawStream({}) as { destroy(): void },
  );
  using limit = deadline(2000, "a connection", world.signal);
  await assert.rejects(ask(limit.signal), (error) => !/refuses/.test(String(error)));
  for (const stream of streams) stream.destroy();
  await assert.rejects(ask(), refused("unknown"));
});

Deno.test("holepunch server: one address may have 32 connections that ask for something", async () => {
  await using world = await World.make();
  const ask = async () => await (await world.ask()).manifest(HELLO, world.signal);
  for (let i = 0; i < 32; i++) await assert.rejects(ask(), refused("unknown"));
  assert.equal(world.server.size, 32);
  await assert.rejects(ask());
  await world.counted("connection-limit");
  assert.equal(world.server.size, 32);
});

Deno.test("holepunch server: so many may wait for news, and nobody who doesn't read them", async () => {
  await using world = await World.make({ patienceMs: 300 });
  const { manifest, ...rest } = makeManifest(alice, NOWHERE);
  world.offers.announce({ manifest, ...rest });
  await world.askOnly({ want: "notices", ...HELLO });
  const heard = (await world.ask()).notices(HELLO, world.signal);
  assert.equal((await heard.next()).value, 1);
  await assert.rejects((await world.ask()).notices(HELLO, world.signal).next(), refused("busy"));
  const repository = `${alice.id}/hello`;
  for (let sequence = 2; world.watchers.of(repository) === 2; sequence++) {
    world.signal.throwIfAborted();
    for (let i = 0; i < 10; i++) world.watchers.tell(repository, sequence);
    for (let i = 0; i < 10; i++) assert.equal((await heard.next()).value, sequence);
  }
  assert.equal(world.watchers.of(repository), 1);
});

for (const limit of ["streams", "perPeer"] as const) {
  Deno.test(`holepunch server: live streams at once, by live.${limit}`, async () => {
    await using world = await World.make({ live: { ...LIVE, [limit]: 1 } });
    const signed = makeManifest(alice, NOWHERE);
    const open = () =>
      Promise.resolve({ readable: new ReadableStream(), writable: new WritableStream() });
    world.live = () => Promise.resolve({ manifest: signed, open });
    await (await world.ask()).live(signed, world.signal);
    await assert.rejects((await world.ask()).live(signed, world.signal), refused("busy"));
    await world.counted("live-limit");
  });
}

Deno.test("holepunch server: an older manifest than was asked for is not served live", async () => {
  await using world = await World.make();
  const [old, newer] = [1, 2].map((sequence) => makeManifest(alice, NOWHERE, { sequence }));
  let opened = 0;
  const open = () => {
    opened++;
    return Promise.resolve({ readable: new ReadableStream(), writable: new WritableStream() });
  };
  world.live = () => Promise.resolve({ manifest: old!, open });
  await assert.rejects((await world.ask()).live(newer!, world.signal), refused("older"));
  world.live = () => Promise.resolve(undefined);
  await assert.rejects((await world.ask()).live(newer!, world.signal), refused("unknown"));
  assert.equal(opened, 0);
  world.live = () => Promise.resolve({ manifest: newer!, open });
  const { manifest } = await (await world.ask()).live(old!, world.signal);
  assert.equal(manifest.manifest.sequence, newer!.manifest.sequence);
});

Deno.test("holepunch server: a live stream that doesn't move, or takes too long, ends", async () => {
  for (
    const [limit, reason] of [["idleSeconds", "live-idle"], ["seconds", "live-too-long"]] as const
  ) {
    await using world = await World.make({ live: { ...LIVE, [limit]: 0.3 } });
    const signed = makeManifest(alice, NOWHERE);
    const open = () =>
      Promise.resolve({ readable: new ReadableStream(), writable: new WritableStream() });
    world.live = () => Promise.resolve({ manifest: signed, open });
    const { readable } = await (await world.ask()).live(signed, world.signal);
    await world.counted(reason);
    await assert.rejects(abortable(readable.getReader().read(), world.signal));
  }
});
