/**
 * https against strangers who want more than their share, and servers that lie.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { GtrError } from "../../lib/common/errors.ts";
import { abortable, deadline } from "../../lib/common/wait.ts";
import { httpsCertificate } from "../../lib/identity/certificate.ts";
import { encodeEnvelope } from "../../lib/manifest/envelope.ts";
import type { LiveSource } from "../../lib/ports/streams.ts";
import { DefaultNetwork } from "./default_nodes.ts";
import { getRequest, RawClient, rawRequest } from "./raw_http.ts";
import { HASTY } from "./network_contract.ts";
import { fetchBytes, makeManifest, makePack, publish, testKey } from "./publications.ts";

const [alice, carol] = [testKey(1), testKey(3)];
const PLAIN = { GTR_DEFAULT_TLS: "off" };
const CLIENT = { GTR_DEFAULT_LISTEN: "", GTR_DEFAULT_SERVERS: "none" };
const HOME = `/${alice.id}/hello`;
const REFS = `${HOME}/info/refs?service=git-upload-pack`;

function test(name: string, run: (network: DefaultNetwork) => Promise<void>): void {
  Deno.test(`https: ${name}`, async () => {
    await using network = new DefaultNetwork();
    await run(network);
  });
}

const ended = (clients: RawClient[]) => {
  const limit = deadline(60_000, "the server to hang up");
  return abortable(Promise.all(clients.map(({ closed }) => closed)), limit.signal)
    .finally(() => limit[Symbol.dispose]());
};

test("no address takes all connections", async (network) => {
  const limits = { connections: 5, connectionsPerPeer: 3 };
  const node = await network.join(alice, { limits });
  await publish(node, makeManifest(alice, node), []);
  const clients: RawClient[] = [];
  for (let i = 0; i < 3; i++) clients.push(await RawClient.connect(node.endpoints()[0]!));
  const more = [
    await RawClient.connect(node.endpoints()[0]!),
    await RawClient.connect(node.endpoints()[0]!),
  ];
  await ended(more);
  assert.equal(network.dropped.toJSON()["http-connection-limit"], 2);
  // A place that is given back is free again.
  for (const client of clients) client.socket.destroy();
  await ended(clients);
  const reader = await network.join(carol, { env: CLIENT });
  const address = { scheme: "default", id: alice.id, name: "hello", host: node.endpoints()[0] };
  using limit = deadline(60_000, "a free place");
  let answered = 0;
  while (answered < 20) {
    limit.signal.throwIfAborted();
    // Until the server has seen who hung up, it may turn this one away.
    const found = await Array.fromAsync(reader.records.resolve(address, limit)).catch(() => []);
    answered += found.length;
  }
});

test("behind another server all count as one, up to what there is", async (network) => {
  const limits = { connections: 4, connectionsPerPeer: 1 };
  const node = await network.join(alice, { limits, env: PLAIN });
  using wait = deadline(60_000, "health");
  const address = String((await node.health.probe(wait)).details.listen);
  const clients: RawClient[] = [];
  for (let i = 0; i < 4; i++) clients.push(await RawClient.connect(address));
  const fifth = await RawClient.connect(address);
  await ended([fifth]);
  assert.ok(clients.every(({ socket }) => !socket.destroyed));
  for (const client of clients) client[Symbol.dispose]();
});

test("git processes are few; who waits too long for one is told to come back", async (network) => {
  const env = { ...PLAIN, GTR_DEFAULT_PROCESSES: "2" };
  const node = await network.join(alice, { env, limits: { queueMs: 300 } });
  const signed = makeManifest(alice, node);
  await publish(node, signed, []);
  let running = 0;
  let most = 0;
  const twoRun = Promise.withResolvers<void>();
  const held: LiveSource["open"] = (signal) => {
    most = Math.max(most, ++running);
    if (running === 2) twoRun.resolve();
    signal.addEventListener("abort", () => running--, { once: true });
    const readable = new ReadableStream<Uint8Array>({
      start: (controller) =>
        signal.addEventListener("abort", () => controller.error(signal.reason), { once: true }),
    });
    return Promise.resolve({ readable, writable: new WritableStream() });
  };
  node.serve(() => Promise.resolve({ manifest: signed, open: held }));
  using wait = deadline(60_000, "health");
  const address = String((await node.health.probe(wait)).details.listen);
  const [a, b] = [await RawClient.connect(address), await RawClient.connect(address)];
  for (const client of [a, b]) client.send(getRequest(REFS));
  await twoRun.promise;
  const third = await rawRequest(address, getRequest(REFS));
  assert.equal(third.status, 503);
  assert.match(third.text, /Retry-After: 30/i);
  // Files need none.
  assert.equal((await rawRequest(address, getRequest(`${HOME}/manifest`))).status, 200);
  // And when one has gone, the next may.
  node.serve(() =>
    Promise.resolve({
      manifest: signed,
      open: () =>
        Promise.resolve({
          readable: new Response("000eversion 2\n0000").body!,
          writable: new WritableStream(),
        }),
    })
  );
  a.socket.destroy();
  assert.equal((await rawRequest(address, getRequest(REFS))).status, 200);
  assert.equal(most, 2);
  b.socket.destroy();
});

test("answers go out at the rate that is set", async (network) => {
  const node = await network.join(alice, { env: { ...PLAIN, GTR_DEFAULT_UPLOADRATE: "100000" } });
  const file = await makePack(network.folder, 200_000);
  await publish(node, makeManifest(alice, node, { packs: [file.pack] }), [file]);
  using wait = deadline(60_000, "health");
  const address = String((await node.health.probe(wait)).details.listen);
  const start = performance.now();
  const target = `${HOME}/packs/${file.pack.sha256}.pack`;
  const { status, text } = await rawRequest(address, getRequest(target));
  const ms = performance.now() - start;
  assert.equal(status, 200);
  assert.ok(text.length > 200_000);
  // A second's worth goes at once.
  assert.ok(ms > 800, `${ms} ms`);
});

test("requests that are two at once, or none, change nothing for others", async (network) => {
  const node = await network.join(alice, { env: PLAIN });
  await publish(node, makeManifest(alice, node), []);
  using wait = deadline(60_000, "health");
  const address = String((await node.health.probe(wait)).details.listen);
  const post = `POST ${HOME}/git-upload-pack HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`;
  const hostile = [
    // Where one server ends the body and the next doesn't, a request could be smuggled.
    `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${post}Content-Length: 4\r\nContent-Length: 5\r\n\r\n00000`,
    `${post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n`,
    `${post}Content-Length: -1\r\n\r\n`,
    "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\nConnection: close\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    `GET ${HOME}/manifest HTTP/9.9\r\n\r\n`,
    "\0\0\0\0\r\n\r\n",
  ];
  for (const request of hostile) {
    using limit = deadline(60_000, `an answer to ${request}`);
    const { status, text } = await abortable(rawRequest(address, request), limit.signal);
    assert.ok(status === 0 || status >= 400, `${request}: ${text}`);
  }
  const upgrade = getRequest(`${HOME}/manifest`, { Connection: "Upgrade, close", Upgrade: "h2c" });
  const { status } = await rawRequest(address, upgrade);
  assert.ok(status === 200 || status >= 400);
  assert.equal((await rawRequest(address, getRequest(`${HOME}/manifest`))).status, 200);
});

test("a name of the server that is none gets into no answer", async (network) => {
  const env = { ...PLAIN, GTR_DEFAULT_ADDRESS: "" };
  const node = await network.join(alice, { env });
  const file = await makePack(network.folder, 5000);
  await publish(node, makeManifest(alice, node, { packs: [file.pack] }), [file]);
  using wait = deadline(60_000, "health");
  const address = String((await node.health.probe(wait)).details.listen);
  const list = (host: string) => rawRequest(address, getRequest(`${HOME}/bundles`, { Host: host }));
  assert.match((await list("mirror.example:8443")).text, /uri = http:\/\/mirror\.example:8443\//);
  for (const host of ["a/b", "a b", "a@b", "[::g]", 'a"\\', "a:99999"]) {
    assert.doesNotMatch((await list(host)).text, /uri/, host);
  }
});

test("bundles of no other pack than the first", async (network) => {
  const node = await network.join(alice, { env: PLAIN });
  const [base, next] = [
    await makePack(network.folder, 5000),
    await makePack(network.folder, 5000),
  ];
  await publish(node, makeManifest(alice, node, { packs: [base.pack, next.pack] }), [base, next]);
  using wait = deadline(60_000, "health");
  const address = String((await node.health.probe(wait)).details.listen);
  const ask = async (sha256: string) =>
    (await rawRequest(address, getRequest(`${HOME}/bundles/${sha256}.bundle`))).status;
  assert.equal(await ask(base.pack.sha256), 200);
  // It builds on the first: as a bundle without that it would break a clone.
  assert.equal(await ask(next.pack.sha256), 404);
  // One that has gone from the disk is not promised.
  await Deno.remove(base.path);
  assert.equal(await ask(base.pack.sha256), 404);
});

/** A server with the publisher's key that answers as it likes. */
async function liar(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ address: string } & AsyncDisposable> {
  const server = createServer(httpsCertificate(alice), answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const at = (address: string) => ({ scheme: "default", endpoints: () => [address] }) as never;
const code = (expected: string) => (error: unknown) =>
  error instanceof GtrError && error.code === expected;

test("servers that lie about packs are given up", async (network) => {
  const file = await makePack(network.folder, 100_000);
  const whole = await Deno.readFile(file.path);
  const honest = await network.join(alice);
  await publish(honest, makeManifest(alice, honest, { packs: [file.pack] }), [file]);
  const torrent = await (async () => {
    const { get } = await import("../../lib/transports/default/client.ts");
    const { parseEndpoint } = await import("../../lib/transports/default/endpoint.ts");
    using limit = deadline(60_000, "the torrent");
    const path = `${HOME}/packs/${file.pack.sha256}.torrent`;
    const server = parseEndpoint(honest.endpoints()[0]!)!;
    const chunks = await Array.fromAsync(
      await get({ server, publisher: alice.id, path }, limit.signal),
    );
    return chunks[0] as Uint8Array;
  })();
  type Lie = (request: IncomingMessage, response: ServerResponse) => void;
  const SLOW = "a byte now and then"; // the only one that ends by the reader's patience
  const lies: [string, Lie, string | undefined][] = [
    [
      "another part",
      (_, r) => void r.writeHead(206, { "Content-Range": "bytes 5-9/10" }).end("x"),
      "wrong-range",
    ],
    [
      "more than the pack",
      (_, r) => void r.writeHead(200).end(new Uint8Array([...whole, 1])),
      "wrong-piece",
    ],
    ["half of it", (_, r) => void r.writeHead(200).end(whole.slice(0, 50_000)), undefined],
    ["less than it says", (_, r) => {
      r.writeHead(200, { "Content-Length": whole.length });
      r.write(whole.slice(0, 50_000), () => r.socket!.destroy());
    }, undefined],
    [SLOW, (_, r) => {
      r.writeHead(200);
      const timer = setInterval(() => r.write(whole.slice(0, 1)), 50);
      r.on("close", () => clearInterval(timer));
    }, undefined],
    ["another place", (_, r) => void r.writeHead(301, { Location: "/" }).end(), undefined],
  ];
  for (const [name, lie, counted] of lies) {
    await using server = await liar((request, response) => {
      if (request.url!.endsWith(".torrent")) response.end(torrent);
      else lie(request, response);
    });
    const env = { ...CLIENT, ...(name === SLOW && HASTY.env) };
    const reader = await network.join(carol, { env });
    const from = makeManifest(alice, at(server.address), { packs: [file.pack] });
    const into = `${network.folder}/${name}`;
    const before = counted && (network.dropped.toJSON()[counted] ?? 0);
    await assert.rejects(fetchBytes(reader, file.pack, from, into), code("nobody-answered"), name);
    if (counted) assert.equal(network.dropped.toJSON()[counted], Number(before) + 1, name);
  }
});

test("a pack of an impossible size takes no memory", async (network) => {
  const pack = { ...(await makePack(network.folder, 1000)).pack, size: 2 ** 52 };
  await using server = await liar((_, response) => void response.end("d4:info"));
  const reader = await network.join(carol, { env: CLIENT });
  const from = makeManifest(alice, at(server.address), { packs: [pack] });
  const before = Deno.memoryUsage().rss;
  await assert.rejects(
    fetchBytes(reader, pack, from, `${network.folder}/into`),
    code("nobody-answered"),
  );
  assert.equal(network.dropped.toJSON()["wrong-metadata"], 1);
  assert.ok(Deno.memoryUsage().rss - before < 500e6);
});

test("a server without a certificate is none", async (network) => {
  const node = await network.join(alice, { env: PLAIN });
  using limit = deadline(60_000, "health");
  const host = String((await node.health.probe(limit)).details.listen);
  const reader = await network.join(carol, { env: CLIENT });
  const address = { scheme: "default", id: alice.id, name: "hello", host };
  await assert.rejects(
    Array.fromAsync(reader.records.resolve(address, limit)),
    code("unreachable"),
  );
});

test("headers without end are no answer", async (network) => {
  const { cert, key } = httpsCertificate(alice);
  let sent = 0;
  const server = createTlsServer({ cert, key }, (socket) => {
    socket.on("error", () => {});
    socket.write("HTTP/1.1 200 OK\r\n");
    const more = () => {
      while (!socket.destroyed) {
        sent += 1000;
        if (!socket.write(`X: ${"a".repeat(995)}\r\n`)) return void socket.once("drain", more);
      }
    };
    more();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const reader = await network.join(carol, { env: CLIENT });
  using limit = deadline(60_000, "the reader to give up");
  await assert.rejects(
    Array.fromAsync(
      reader.records.resolve(
        { scheme: "default", id: alice.id, name: "hello", host: address },
        limit,
      ),
    ),
    GtrError,
  );
  assert.ok(!limit.signal.aborted);
  assert.ok(sent < 20e6, `${sent} bytes of headers were taken`);
  server.close();
});

test("servers that lie in a live stream end it", async (network) => {
  const wanted = makeManifest(alice, at("127.0.0.1:1"));
  const greeting = "000eversion 2\n0000";
  const result = { "Content-Type": "application/x-git-upload-pack-result" };
  const advertisement = { "Content-Type": "application/x-git-upload-pack-advertisement" };
  type Lie = (response: ServerResponse) => void;
  const dial = async (ms: number, refs: Lie, answer: Lie, manifest?: Lie) => {
    const server = await liar((request, response) => {
      if (request.method === "POST") {
        request.resume().on("end", () => answer(response));
      } else if (request.url!.endsWith("manifest")) {
        if (manifest) manifest(response);
        else response.end(encodeEnvelope(wanted));
      } else refs(response);
    });
    const reader = await network.join(carol, {
      env: { ...CLIENT, GTR_DEFAULT_SERVERS: server.address },
    });
    using limit = deadline(ms, "a live stream");
    const stream = await reader.streams.dial(wanted, limit).catch(async (error) => {
      await server[Symbol.asyncDispose]();
      throw error;
    });
    return { stream, server };
  };
  const good: Lie = (r) => void r.writeHead(200, advertisement).end(greeting);
  const never: Lie = () => assert.fail("nobody asks");
  const refusing: [string, [Lie, Lie, Lie?]][] = [
    ["no smart HTTP", [(r) => void r.end(greeting), never]],
    ["a refusal", [(r) => void r.writeHead(503).end(), never]],
    ["no end", [(r) => {
      r.writeHead(200, advertisement);
      r.write(new Uint8Array(1 << 20));
    }, never]],
    ["silence", [() => {}, never]],
    ["another's manifest", [good, never, (r) => {
      r.end(encodeEnvelope(makeManifest(carol, at("127.0.0.1:1"))));
    }]],
  ];
  for (const [name, lies] of refusing) {
    await assert.rejects(dial(2000, ...lies), GtrError, name); // some would go on for ever
  }
  const ending: [string, Lie][] = [
    ["a refusal", (r) => void r.writeHead(500).end("no")],
    ["another type", (r) => void r.writeHead(200).end("0000")],
    ["nothing", (r) => void r.writeHead(200, result).end()],
    ["no flush packet", (r) => void r.writeHead(200, result).end("0008NAK\n")],
    ["half an answer", (r) => {
      r.writeHead(200, { ...result, "Content-Length": 100 });
      r.write("0008NAK\n", () => r.socket!.destroy());
    }],
  ];
  for (const [name, lie] of ending) {
    const { stream, server } = await dial(60_000, good, lie);
    await using _server = server;
    await stream.writable.getWriter().write(new TextEncoder().encode("0012command=fetch\n0000"));
    using limit = deadline(60_000, `the stream to end after ${name}`);
    await assert.rejects(
      abortable(new Response(stream.readable).text(), limit.signal),
      (error) => !limit.signal.aborted && error instanceof Error,
      name,
    );
  }
});
