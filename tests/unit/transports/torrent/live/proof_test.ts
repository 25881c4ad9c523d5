/** Who serves a live stream is proven to those who ask, and to nobody else. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { connect, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { deadline } from "../../../../../lib/common/wait.ts";
import { selfSigned } from "../../../../../lib/identity/certificate.ts";
import { keyFromSeed } from "../../../../../lib/identity/keys.ts";
import { ALPN, dialPeer } from "../../../../../lib/transports/torrent/live/dial.ts";
import { LiveServer } from "../../../../../lib/transports/torrent/live/server.ts";
import { encodeEnvelope } from "../../../../../lib/manifest/envelope.ts";
import { makeManifest } from "../../../../contract/publications.ts";
import { openImpostor } from "../../../../fixtures/tls_impostor.ts";
import { openManifest } from "../../../../fixtures/open_manifest.ts";

const [alice, bob] = [1, 2].map((n) => keyFromSeed(new Uint8Array(32).fill(n)));
/** Seed of a TLS key. */
const OTHER = new Uint8Array(32).fill(7);
const at = { scheme: "torrent", endpoints: () => [] };
const manifest = makeManifest(alice!, at);

const closers: (() => Promise<unknown>)[] = [];
/** Listens on a free port of 127.0.0.1 until the test ends. */
async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

/** A live server of alice's that has one repository of hers and one of bob's. */
async function gtd(): Promise<number> {
  const held = [manifest, makeManifest(bob!, at)];
  const open = () => Promise.resolve(new TransformStream<Uint8Array, Uint8Array>());
  const live = new LiveServer({
    identity: alice!,
    answer: ({ publisher }) => {
      const found = held.find((signed) => signed.manifest.publisher === publisher);
      return Promise.resolve(found && { manifest: found, open });
    },
    limits: { streams: 8, perPeer: 8, uploadRate: 0, seconds: 30, idleSeconds: 30 },
    patienceMs: 30_000,
    dropped: () => {},
    log: () => {},
  });
  closers.push(() => Promise.resolve(live.close()));
  return await listen((socket) => live.accept(socket));
}

/** The same over TLS, with a key that is nobody's. */
async function listenTls(onSocket: (socket: TLSSocket) => void): Promise<number> {
  const tls = selfSigned(OTHER);
  const server = createTlsServer({ ...tls, ALPNProtocols: [ALPN] }, (socket) => {
    socket.on("error", () => {});
    closers.push(() => Promise.resolve(socket.destroy()));
    onSocket(socket);
  });
  closers.push(() => new Promise((done) => server.close(done)));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

async function dial(port: number, from = manifest) {
  using limit = deadline(30_000, "a dial");
  return await dialPeer({ host: "127.0.0.1", port }, {
    from,
    signal: limit.signal,
    patienceMs: 30_000,
    openManifest,
    dropped: () => {},
  });
}

async function client(port: number, options = {}): Promise<TLSSocket> {
  const socket = connect({
    host: "127.0.0.1",
    port,
    minVersion: "TLSv1.3",
    ALPNProtocols: [ALPN],
    rejectUnauthorized: false,
    ...options,
  });
  socket.on("error", () => {});
  await Promise.race(
    ["secureConnect", "close"].map((end) => new Promise((done) => socket.once(end, done))),
  );
  return socket;
}

/** What a server answers to a line, up to the manifest. */
async function answer(port: number, line: string): Promise<Record<string, unknown>> {
  const socket = await client(port);
  socket.write(`${line}\n`);
  let text = "";
  for await (const chunk of socket) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  return JSON.parse(text.slice(0, text.indexOf("\n")));
}

function wish(publisher: string, sequence = 0): string {
  return JSON.stringify({ version: 1, publisher, name: "hello", sequence });
}

function test(name: string, run: () => Promise<void>): void {
  Deno.test(`proof: ${name}`, async () => {
    try {
      await run();
    } finally {
      for (const close of closers.splice(0).toReversed()) await close();
    }
  });
}

test("the publisher's own stream is known as that, a follower's is not", async () => {
  const port = await gtd();
  const own = await dial(port);
  assert.match(own.peer, /the publisher/);
  own.close();
  const others = await dial(port, makeManifest(bob!, at));
  assert.doesNotMatch(others.peer, /the publisher/);
  others.close();
});

test("only who asks for a repository of the publisher's is told", async () => {
  const port = await gtd();
  assert.ok("proof" in await answer(port, wish(alice!.publicKeyHex)));
  for (
    const line of [wish(bob!.publicKeyHex), wish("0".repeat(64)), wish(alice!.publicKeyHex, 2)]
  ) {
    assert.ok(!("proof" in await answer(port, line)), line);
  }
});

test("nothing that a scanner gets has to do with the identity", async () => {
  const port = await gtd();
  const told = await client(port);
  const certificate = Buffer.from(told.getPeerCertificate(true).raw);
  assert.ok(certificate.length > 0);
  told.destroy();
  for (const form of [alice!.publicKeyHex, alice!.id]) {
    assert.ok(!certificate.includes(form, 0, "hex"));
  }
  const again = await client(await gtd());
  assert.notDeepEqual(Buffer.from(again.getPeerCertificate(true).raw), certificate);
  again.destroy();
});

test("TLS 1.2 is refused", async () => {
  const socket = await client(await gtd(), { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" });
  assert.equal(socket.getProtocol(), null);
  assert.ok(socket.destroyed);
});

test("a man in the middle with a certificate of his own is refused", async () => {
  const port = await gtd();
  const middle = await listenTls((near) => {
    const far = connect({
      host: "127.0.0.1",
      port,
      minVersion: "TLSv1.3",
      ALPNProtocols: [ALPN],
      rejectUnauthorized: false,
    });
    far.on("error", () => near.destroy());
    near.pipe(far).pipe(near);
    closers.push(() => Promise.resolve(far.destroy()));
  });
  await assert.rejects(dial(middle), { code: "wrong-proof" });
});

test("what was told before proves nothing at another server", async () => {
  const { proof } = await answer(await gtd(), wish(alice!.publicKeyHex));
  const envelope = encodeEnvelope(manifest);
  const replay = await listenTls((socket) => {
    const hello = JSON.stringify({ version: 1, manifest: envelope.length, proof });
    socket.once("data", () => socket.write(Buffer.concat([Buffer.from(`${hello}\n`), envelope])));
  });
  await assert.rejects(dial(replay), { code: "wrong-proof" });
});

test("who shows the publisher's certificate without its key is refused", async () => {
  const port = await gtd();
  const shown = await client(port);
  const certificate = new Uint8Array(shown.getPeerCertificate(true).raw);
  shown.destroy();
  const key = createPrivateKey(selfSigned(OTHER).key);
  await using liar = await openImpostor({ certificate, key, alpn: ALPN });
  await assert.rejects(dial(liar.port), { code: "no-live-peer" });
  // The same server with the certificate's own key is believed: it is the key that matters.
  const own = selfSigned(OTHER);
  const raw = new Uint8Array(new X509Certificate(own.cert).raw);
  await using honest = await openImpostor({ certificate: raw, key, alpn: ALPN });
  const socket = await client(honest.port);
  socket.write("hello");
  assert.equal(new TextDecoder().decode(await honest.believed), "hello");
  socket.destroy();
});
