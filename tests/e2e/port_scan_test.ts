/** What somebody learns from the ports of a running gtd who knows none of its addresses. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes, X509Certificate } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect } from "node:tls";
import { certifiedKey, isVouched, voucherOf } from "../../lib/identity/certificate.ts";
import { Node } from "./node.ts";

const HOST = "127.0.0.1";
const ALPN = "gtr-git/2";
/** For how long a port may stay silent, in milliseconds. */
const SILENCE_MS = 3_000;
const DEADLINE_MS = 60_000;

/** All that comes until the other side hangs up, or is silent. */
async function answerOf(socket: Socket): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const ended = Promise.withResolvers<void>();
  socket.on("error", () => {});
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.once("close", () => ended.resolve());
  socket.setTimeout(SILENCE_MS, () => ended.resolve());
  await ended.promise;
  socket.destroy();
  return Buffer.concat(chunks);
}

async function sent(port: number, bytes: Uint8Array): Promise<Buffer> {
  const socket = connectTcp(port, HOST);
  socket.write(bytes);
  return await answerOf(socket);
}

/** The certificate (DER) and what comes after the handshake, to `line` if there is one. */
async function overTls(port: number, options: object, line?: string): Promise<Buffer[]> {
  const socket = connect({ host: HOST, port, rejectUnauthorized: false, ...options });
  const ends = ["secureConnect", "close"];
  socket.on("error", () => {});
  await Promise.race(ends.map((end) => new Promise((done) => socket.once(end, done))));
  const raw = socket.getProtocol() === null ? undefined : socket.getPeerCertificate(true)?.raw;
  if (!raw) return [];
  if (line !== undefined) socket.write(line);
  return [Buffer.from(raw), await answerOf(socket)];
}

/** What openssl shows of a server, its certificates in DER besides. */
async function shownByOpenssl(port: number, ...args: string[]): Promise<Buffer[]> {
  const { stdout, stderr } = await new Deno.Command("openssl", {
    args: ["s_client", "-connect", `${HOST}:${port}`, "-showcerts", ...args],
    stdin: "null",
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).output();
  const text = new TextDecoder().decode(stdout);
  const certificates = text.match(/-----BEGIN CERT[^]*?-----END CERTIFICATE-----/g) ?? [];
  return [
    Buffer.concat([stdout, stderr]),
    ...certificates.map((pem) => Buffer.from(new X509Certificate(pem).raw)),
  ];
}

async function asked(port: number, query: string): Promise<Buffer> {
  const socket = createSocket("udp4");
  try {
    socket.send(Buffer.from(query, "latin1"), port, HOST);
    const [message] = await once(socket, "message", { signal: AbortSignal.timeout(DEADLINE_MS) });
    return message;
  } finally {
    socket.close();
  }
}

/** Every form in which bytes could name the user. */
function assertUnnamed(answers: readonly Buffer[], keys: readonly string[]): void {
  for (const key of keys) {
    const raw = Buffer.from(key, "hex");
    for (const answer of answers) {
      assert.ok(!answer.includes(raw), `${key} in bytes`);
      const text = answer.toString("latin1").toLowerCase().replace(/[\s:]/g, "");
      assert.ok(!text.includes(key), `${key} in hex`);
      assert.ok(!answer.toString("latin1").includes(raw.toString("base64")), `${key} in base64`);
    }
  }
}

async function scan(tcp: number, udp: number): Promise<Buffer[]> {
  const random = () => randomBytes(20).toString("latin1");
  const query = (q: string, a: string) => `d1:ad2:id20:${random()}${a}e1:q${q}1:t2:aa1:y1:qe`;
  const answers = await Promise.all([
    shownByOpenssl(tcp, "-tls1_3"),
    shownByOpenssl(tcp, "-tls1_3", "-alpn", ALPN),
    shownByOpenssl(tcp, "-tls1_2"),
    overTls(tcp, { ALPNProtocols: [ALPN] }, "GET / HTTP/1.1\r\nHost: gtr\r\n\r\n"),
    overTls(tcp, { ALPNProtocols: ["h2"] }),
    sent(tcp, Buffer.from(`GET / HTTP/1.1\r\nHost: ${"a".repeat(200)}\r\n\r\n`)),
    sent(
      tcp,
      Buffer.from(`\x13BitTorrent protocol${"\0".repeat(8)}${random()}${random()}`, "latin1"),
    ),
    sent(tcp, randomBytes(400)),
    asked(udp, query("9:find_node", `6:target20:${random()}`)),
    asked(udp, query("3:get", `6:target20:${random()}`)),
    asked(udp, query("9:get_peers", `9:info_hash20:${random()}`)),
  ]);
  return answers.flat();
}

const portOf = (address: string) => Number(address.slice(address.lastIndexOf(":") + 1));

async function ports(node: Node): Promise<{ tcp: number; udp: number }> {
  const { listen, dht } = (await node.status()).transports.torrent;
  return { tcp: portOf(listen), udp: portOf(dht) };
}

async function identity(node: Node): Promise<{ id: string; publicKey: string }> {
  return JSON.parse(await node.gtr("id", "--json"));
}

Deno.test("port scan: nobody is told whose gtd it is before they ask for what it has (needs openssl)", async () => {
  await using alice = await Node.make("none", { GTR_DEFAULT_LISTEN: "127.0.0.1:0" });
  await alice.share("hello");
  const { id, publicKey } = await identity(alice);
  const { tcp, udp } = await ports(alice);
  const answers = await scan(tcp, udp);
  assert.ok(answers.filter(({ length }) => length > 0).length >= 8);
  assertUnnamed(answers, [id, publicKey]);

  // Only those who name the publisher and a repository hear of the publisher.
  const wish = { version: 1, publisher: publicKey, name: "hello", sequence: 0 };
  const told = async (changes: object) =>
    await overTls(tcp, { ALPNProtocols: [ALPN] }, `${JSON.stringify({ ...wish, ...changes })}\n`);
  for (const changes of [{ name: "other" }, { publisher: "0".repeat(64) }]) {
    const [certificate, answer] = await told(changes);
    assert.match(answer!.toString(), /^\{"version":1,"refused":"unknown"\}\n$/);
    assertUnnamed([certificate!, answer!], [id, publicKey]);
  }
  const [certificate, answer] = await told({});
  const { proof } = JSON.parse(answer!.subarray(0, answer!.indexOf("\n")).toString());
  const [key, tlsKey, signature] = [publicKey, certifiedKey(certificate)!, proof]
    .map((hex) => Uint8Array.fromHex(hex));
  assert.ok(isVouched("liveKey", key!, tlsKey!, signature!));
  assert.notEqual(certifiedKey(certificate), publicKey);

  // Another key after each start.
  await alice.stopGtd();
  await alice.gtr("daemon", "start");
  const [later] = await overTls((await ports(alice)).tcp, { ALPNProtocols: [ALPN] });
  assert.notEqual(certifiedKey(later), certifiedKey(certificate));

  // A reader publishes nothing, and is as unknown.
  await using bob = await Node.make(await alice.dht());
  await bob.git("clone", "-q", `torrent://${id}/hello`, "copy");
  const reader = await identity(bob);
  const theirs = await ports(bob);
  assertUnnamed(await scan(theirs.tcp, theirs.udp), [reader.id, reader.publicKey]);
});

Deno.test("port scan: no TLS 1.2 client has the identity's key sign its bytes (needs openssl)", async () => {
  await using alice = await Node.make("none", { GTR_DEFAULT_LISTEN: "127.0.0.1:0" });
  await alice.share("hello");
  const { publicKey } = await identity(alice);
  const { tcp } = await ports(alice);
  assert.deepEqual(await overTls(tcp, { maxVersion: "TLSv1.2", ALPNProtocols: [ALPN] }), []);
  const [shown, ...none] = await shownByOpenssl(tcp, "-tls1_2");
  assert.match(shown!.toString(), /Cipher is \(NONE\)/);
  assert.deepEqual(none, []);

  // https takes it, for plain git: what signs there is another key, and vouched for.
  const https = portOf((await alice.status()).transports.default.listen);
  const [text, server] = await shownByOpenssl(https, "-tls1_2");
  assert.match(text!.toString(), /Protocol *: TLSv1\.2/);
  assert.equal(voucherOf(server), publicKey);
  assert.notEqual(certifiedKey(server), publicKey);
  assert.throws(() => assertUnnamed([server!], [publicKey]), "it says whose it is");
});
