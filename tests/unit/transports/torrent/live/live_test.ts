/** Both sides of a live stream against each other, and against peers that misbehave. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { connect, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { Counters } from "../../../../../lib/common/counters.ts";
import { deadline } from "../../../../../lib/common/wait.ts";
import { selfSigned, vouch } from "../../../../../lib/identity/certificate.ts";
import { keyFromSeed } from "../../../../../lib/identity/keys.ts";
import { encodeEnvelope } from "../../../../../lib/manifest/envelope.ts";
import { signManifest } from "../../../../../lib/manifest/manifest.ts";
import type { SignedManifest } from "../../../../../lib/manifest/types.ts";
import { ALPN, dialPeer } from "../../../../../lib/transports/torrent/live/dial.ts";
import type { LiveLimits } from "../../../../../lib/transports/shared/live_limits.ts";
import { LiveServer } from "../../../../../lib/transports/torrent/live/server.ts";
import type { LiveSource, LiveStream } from "../../../../../lib/ports/streams.ts";
import { until } from "../../../../e2e/until.ts";
import { openManifest } from "../../../../fixtures/open_manifest.ts";

const [alice, bob] = [1, 2].map((n) => keyFromSeed(new Uint8Array(32).fill(n)));
const LIMITS: LiveLimits = { streams: 4, perPeer: 4, uploadRate: 0, seconds: 10, idleSeconds: 5 };

function manifestOf(sequence = 1, key = alice!, name = "hello"): SignedManifest {
  return signManifest({
    version: 1,
    publisher: key.publicKeyHex,
    name,
    sequence,
    created: 1_700_000_000,
    objectFormat: "sha1",
    head: "refs/heads/main",
    refs: { "refs/heads/main": "1".repeat(40) },
    packs: [],
    endpoints: {},
  }, key);
}

/** Sends back what it gets. */
function echo(manifest = manifestOf()): LiveSource {
  return {
    manifest,
    open: (signal) => {
      const both = new TransformStream<Uint8Array, Uint8Array>();
      signal.addEventListener(
        "abort",
        () => void both.writable.abort(signal.reason).catch(() => {}),
      );
      return Promise.resolve(both);
    },
  };
}

/** A port with a live server behind it. */
class Peer implements AsyncDisposable {
  readonly dropped = new Counters();
  readonly live: LiveServer;
  source: LiveSource | undefined;
  readonly #server = createServer((socket) => this.live.accept(socket));
  port = 0;

  constructor(limits: Partial<LiveLimits>, key = alice!) {
    this.live = new LiveServer({
      identity: key,
      answer: () => Promise.resolve(this.source),
      limits: { ...LIMITS, ...limits },
      patienceMs: 300,
      dropped: (reason) => this.dropped.add(reason),
      log: () => {},
    });
  }

  static async open(
    limits: Partial<LiveLimits> = {},
    source: LiveSource | undefined = echo(),
    key = alice!,
  ): Promise<Peer> {
    const peer = new Peer(limits, key);
    peer.source = source;
    await once(peer.#server.listen(0, "127.0.0.1"), "listening");
    peer.port = (peer.#server.address() as AddressInfo).port;
    return peer;
  }

  async untilDropped(reason: string): Promise<void> {
    await until(`${reason} is counted`, () => Promise.resolve(reason in this.dropped.toJSON()));
    await until("the socket is closed", async () => {
      await new Promise((done) => setImmediate(done));
      return this.live.size === 0;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.live.close();
    await new Promise((done) => this.#server.close(done));
  }
}

const dialDropped = new Counters();
async function dial(port: number, from = manifestOf(), patienceMs = 2000) {
  using limit = deadline(60_000, "a dial");
  return await dialPeer({ host: "127.0.0.1", port }, {
    from,
    signal: limit.signal,
    patienceMs,
    openManifest,
    dropped: (reason) => dialDropped.add(reason),
  });
}

/** So many bytes; closing the stream for writing would end it both ways. */
async function readBytes({ readable }: LiveStream, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  let at = 0;
  for await (const chunk of readable) {
    bytes.set(chunk, at);
    at += chunk.length;
    if (at >= count) return bytes;
  }
  assert.fail(`${at} of ${count} bytes`);
}

const text = (value: string) => new TextEncoder().encode(value);

/** Zeroes without end, until who reads hangs up. */
function flood(sent: (bytes: number) => void): ReadableStream<Uint8Array> {
  const chunk = new Uint8Array(64 << 10);
  return new ReadableStream({
    pull(controller) {
      sent(chunk.length);
      controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
}

/** What the kernel holds for both sides of a connection on loopback, with room to spare, in bytes. */
const IN_FLIGHT = 32 << 20;

Deno.test("what the dialling side doesn't read, the other doesn't send", async () => {
  let sent = 0;
  const ended = Promise.withResolvers<void>();
  await using peer = await Peer.open({ idleSeconds: 1 }, {
    manifest: manifestOf(),
    open: (signal) => {
      signal.addEventListener("abort", () => ended.resolve());
      return Promise.resolve({
        readable: flood((bytes) => sent += bytes),
        writable: new WritableStream(),
      });
    },
  });
  const stream = await dial(peer.port);
  await ended.promise; // it could send nothing for a second
  assert.ok(sent < IN_FLIGHT, `${sent} bytes were sent`);
  await peer.untilDropped("live-idle");
  stream.close();
});

Deno.test("what is dialled doesn't take in what git doesn't read", async () => {
  const opened = Promise.withResolvers<void>();
  await using peer = await Peer.open({ idleSeconds: 1 }, {
    manifest: manifestOf(),
    open: () => {
      opened.resolve();
      return Promise.resolve({
        readable: new ReadableStream<Uint8Array>(),
        writable: new WritableStream<Uint8Array>({ write: () => new Promise(() => {}) }),
      });
    },
  });
  const stream = await dial(peer.port);
  await opened.promise;
  let sent = 0;
  await assert.rejects(flood((bytes) => sent += bytes).pipeTo(stream.writable)); // until it is idle
  assert.ok(sent < IN_FLIGHT, `${sent} bytes were taken in`);
  await peer.untilDropped("live-idle");
  stream.close();
});

for (const [who, key] of [["the publisher", alice], ["a follower", bob]] as const) {
  Deno.test(`a stream of ${who}, with its manifest, both ways`, async () => {
    await using peer = await Peer.open({}, echo(manifestOf(3)), key);
    const stream = await dial(peer.port);
    assert.deepEqual(stream.manifest, manifestOf(3));
    assert.equal(stream.peer.endsWith("(the publisher)"), key === alice);
    const big = new Uint8Array(3_000_000).fill(7);
    const writer = stream.writable.getWriter();
    const read = readBytes(stream, big.length);
    await writer.write(big);
    assert.deepEqual(await read, big);
    stream.close();
    await until("it is closed", async () => {
      await new Promise((done) => setImmediate(done));
      return peer.live.size === 0;
    });
    assert.deepEqual(peer.dropped.toJSON(), {});
  });
}

Deno.test("what is not there, or older, is refused", async () => {
  for (const source of [undefined, echo(manifestOf(1))]) {
    await using peer = await Peer.open({}, source ?? echo(manifestOf(1)));
    peer.source = source;
    const why = source ? /'older'/ : /'unknown'/;
    await assert.rejects(dial(peer.port, manifestOf(2)), { code: "no-live-peer", message: why });
  }
});

Deno.test("nobody listens, or answers after its end", async () => {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  await assert.rejects(dial(port), { code: "no-live-peer" });
  const peer = new Peer({});
  await using _peer = peer;
  peer.live.close();
  const closed = createServer((socket) => peer.live.accept(socket));
  await once(closed.listen(0, "127.0.0.1"), "listening");
  await assert.rejects(dial((closed.address() as AddressInfo).port), { code: "no-live-peer" });
  assert.deepEqual(peer.dropped.toJSON(), { "live-limit": 1 });
  await new Promise((done) => closed.close(done));
});

/** Seed of the TLS key of peers that lie. */
const LIAR = new Uint8Array(32).fill(9);

/** A peer that answers the hello with these bytes. */
async function lyingPeer(
  answer: Uint8Array | undefined,
  options = {},
): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<Socket>();
  const server = createTlsServer({
    ...selfSigned(LIAR),
    minVersion: "TLSv1.3",
    ALPNProtocols: [ALPN],
    ...options,
  }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => answer && socket.write(answer));
  });
  server.on("tlsClientError", () => {});
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

function shown(
  signed: { bytes: Uint8Array; signature: Uint8Array },
  proof?: string,
): Uint8Array {
  const envelope = encodeEnvelope(signed);
  const hello = JSON.stringify({ version: 1, manifest: envelope.length, proof });
  return new Uint8Array([...text(`${hello}\n`), ...envelope]);
}

for (
  const [what, answer, code] of [
    ["another publisher's manifest", shown(manifestOf(9, bob)), "wrong-key"],
    ["the manifest of another repository", shown(manifestOf(9, alice, "other")), "wrong-name"],
    ["an older manifest", shown(manifestOf(1)), "old-manifest"],
    [
      "a forged manifest",
      shown({ ...manifestOf(9), signature: new Uint8Array(64) }),
      "bad-signature",
    ],
    [
      "a proof for another connection",
      shown(manifestOf(9), vouch("liveKey", alice!, bob!.publicKey).toHex()),
      "wrong-proof",
    ],
    [
      "another's proof",
      shown(manifestOf(9), vouch("liveKey", bob!, keyFromSeed(LIAR).publicKey).toHex()),
      "wrong-proof",
    ],
    ["a proof that is none", shown(manifestOf(9), "00"), "bad-hello"],
    ["no manifest", text('{"version":1,"manifest":5}\nabcde'), "bad-manifest"],
    ["another protocol", text("SSH-2.0-OpenSSH_9.2\r\n"), "bad-hello"],
    ["an endless line", text("x".repeat(5000)), "bad-hello"],
  ] as const
) {
  Deno.test(`a peer that shows ${what} is refused and counted`, async () => {
    await using peer = await lyingPeer(answer);
    const before = dialDropped.toJSON()[`live-${code}`] ?? 0;
    await assert.rejects(dial(peer.port, manifestOf(2)), { code });
    assert.equal(dialDropped.toJSON()[`live-${code}`], before + 1);
  });
}

Deno.test("a silent peer is given up in time, and counted", async () => {
  await using peer = await lyingPeer(undefined);
  await assert.rejects(dial(peer.port, manifestOf(), 200), { code: "timed-out" });
  assert.equal(dialDropped.toJSON()["live-silent-peer"], 1);
});

Deno.test("a server of another protocol is refused", async () => {
  await using peer = await lyingPeer(undefined, { ALPNProtocols: ["h2"] });
  await assert.rejects(
    dial(peer.port),
    (error: { code?: string }) => error.code === "bad-peer" || error.code === "no-live-peer",
  );
});

/** A TLS client that a test drives. */
async function client(port: number, options = {}): Promise<TLSSocket> {
  const socket = connect({
    host: "127.0.0.1",
    port,
    servername: "gtr",
    minVersion: "TLSv1.3",
    ALPNProtocols: [ALPN],
    rejectUnauthorized: false,
    ...options,
  });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  return socket;
}

const closedBy = async (socket: Socket) => {
  socket.resume();
  if (!socket.destroyed) await once(socket, "close");
};

Deno.test("clients that are silent, rude or not even TLS cost one count each", async () => {
  await using peer = await Peer.open();
  const silent = await client(peer.port);
  await closedBy(silent);
  await peer.untilDropped("live-too-long");
  const rude = await client(peer.port);
  rude.write("GET / HTTP/1.1\r\nhost: gtr\r\n\r\n");
  await closedBy(rude);
  await peer.untilDropped("live-bad-hello");
  const plain = connectTcp(peer.port, "127.0.0.1");
  plain.on("error", () => {});
  plain.write(new Uint8Array(1000).fill(0x16));
  await closedBy(plain);
  await peer.untilDropped("live-bad-peer");
});

Deno.test("one address has so many streams, and all together", async () => {
  for (
    const [limits, reason] of [
      [{ perPeer: 1 }, "live-peer-limit"],
      [{ streams: 1 }, "live-limit"],
      [{ streams: 0 }, "live-limit"],
    ] as const
  ) {
    await using peer = await Peer.open(limits);
    const first = reason === "live-limit" && limits.streams === 0
      ? undefined
      : await dial(peer.port);
    await assert.rejects(dial(peer.port), { code: "no-live-peer" });
    assert.deepEqual(peer.dropped.toJSON(), { [reason]: 1 });
    if (!first) continue;
    first.close();
    await until("it is closed", async () => {
      await new Promise((done) => setImmediate(done));
      return peer.live.size === 0;
    });
    (await dial(peer.port)).close();
  }
});

for (
  const [limits, reason] of [[{ idleSeconds: 0.1 }, "live-idle"], [
    { seconds: 0.2 },
    "live-too-long",
  ]] as const
) {
  Deno.test(`a stream is ended by its limit: ${Object.keys(limits)[0]}`, async () => {
    await using peer = await Peer.open(limits);
    const stream = await dial(peer.port);
    await new Response(stream.readable).bytes().catch(() => {}); // ends
    await peer.untilDropped(reason);
  });
}

Deno.test("all streams together have one rate", async () => {
  await using peer = await Peer.open({ uploadRate: 100_000 });
  const send = async () => {
    const stream = await dial(peer.port);
    const writer = stream.writable.getWriter();
    const read = readBytes(stream, 80_000);
    await writer.write(new Uint8Array(80_000));
    return (await read).length;
  };
  const since = performance.now();
  assert.deepEqual(await Promise.all([send(), send()]), [80_000, 80_000]);
  // The first second's worth goes out at once.
  assert.ok(performance.now() - since >= 550);
});
