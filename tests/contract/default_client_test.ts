/**
 * The https client: whom it believes, and what.
 */
import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { GtrError } from "../../lib/common/errors.ts";
import { deadline } from "../../lib/common/wait.ts";
import { httpsCertificate } from "../../lib/identity/certificate.ts";
import type { PublisherKey } from "../../lib/identity/keys.ts";
import { encodeEnvelope } from "../../lib/manifest/envelope.ts";
import { get } from "../../lib/transports/default/client.ts";
import { parseEndpoint } from "../../lib/transports/default/endpoint.ts";
import { DefaultNetwork } from "./default_nodes.ts";
import { RawClient } from "./raw_http.ts";
import { HASTY } from "./network_contract.ts";
import {
  fetchBytes,
  makeManifest,
  makePack,
  publish,
  resolveAll,
  testKey,
} from "./publications.ts";

const [alice, bob, carol] = [testKey(1), testKey(2), testKey(3)];
const CLIENT = { GTR_DEFAULT_LISTEN: "", GTR_DEFAULT_SERVERS: "none" };

function test(name: string, run: (network: DefaultNetwork) => Promise<void>): void {
  Deno.test(`https client: ${name}`, async () => {
    await using network = new DefaultNetwork();
    await run(network);
  });
}

/** A server of the test's own, with the certificate of `key`. */
async function impostor(
  key: PublisherKey,
  answer: RequestListener,
): Promise<{ address: string; connected: (then: () => void) => void } & AsyncDisposable> {
  const server = createServer(httpsCertificate(key), answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connected: (then) => void server.on("connection", then),
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const code = (expected: string) => (error: unknown) =>
  error instanceof GtrError && error.code === expected;

test("the publisher's own certificate is enough, by id and by key", async (network) => {
  const a = await network.join(alice);
  const signed = makeManifest(alice, a);
  await publish(a, signed, []);
  const b = await network.join(bob, { env: CLIENT });
  const address = { id: alice.id, name: "hello", host: a.endpoints()[0] };
  assert.deepEqual(await resolveAll(b, address), [signed]);
  assert.deepEqual(await resolveAll(b, { ...address, publicKey: alice.publicKeyHex }), [signed]);
  assert.deepEqual(await resolveAll(b, { ...address, name: "other" }), []);
  assert.deepEqual([b.endpoints()[0], b.endpoints()], [undefined, []]);
});

test("servers of the publication that is here are asked for news, eight at most, garbage aside", async (network) => {
  const a = await network.join(alice);
  const signed = makeManifest(alice, a);
  await publish(a, signed, []);
  const b = await network.join(bob, { env: CLIENT });
  const address = { scheme: "default", id: alice.id, name: "hello" };
  using limit = deadline(60_000, "an answer");
  const garbage = ["", "no host", "http://x", "h:99999", "\u0000", "a".repeat(1000), "@"];
  const ask = (known: readonly string[]) =>
    Array.fromAsync(b.records.resolve(address, { ...limit, known }));
  assert.deepEqual(await ask([...garbage, a.endpoints()[0]!]), [signed]);
  assert.deepEqual(await ask([...garbage, "", a.endpoints()[0]!]), []);
});

test("another's certificate is refused before a byte is sent, unless it is trusted", async (network) => {
  const requests: string[] = [];
  await using server = await impostor(bob, (request, response) => {
    requests.push(request.url!);
    response.writeHead(404).end();
  });
  const reader = await network.join(carol, { env: CLIENT });
  const address = { id: alice.id, name: "hello", host: server.address };
  await assert.rejects(
    resolveAll(reader, address),
    (error) => code("unknown-server")(error) && (error as GtrError).hint!.includes(`${bob.id}@`),
  );
  assert.deepEqual(requests, []);
  for (const operator of [bob.id, bob.publicKeyHex]) {
    const env = { ...CLIENT, GTR_DEFAULT_SERVERS: `${operator}@${server.address}` };
    const trusting = await network.join(carol, { env });
    assert.deepEqual(await resolveAll(trusting, address), []);
  }
  assert.equal(requests.length, 2);
});

test("forged, strange and oversized manifests are dropped and counted", async (network) => {
  const reader = await network.join(carol, { env: CLIENT });
  const good = makeManifest(alice, reader);
  const of = (...args: Parameters<typeof makeManifest>) => encodeEnvelope(makeManifest(...args));
  const bodies: [Uint8Array, string][] = [
    [encodeEnvelope({ ...good, signature: new Uint8Array(64) }), "bad-signature"],
    [of(bob, reader), "wrong-key"],
    [of(alice, reader, { name: "other" }), "wrong-name"],
    [new TextEncoder().encode("<html>"), "bad-manifest"],
    [new Uint8Array(20 << 20), "oversized-answer"],
  ];
  for (const [body, reason] of bodies) {
    await using server = await impostor(alice, (_, response) => void response.end(body));
    await assert.rejects(
      resolveAll(reader, { id: alice.id, name: "hello", host: server.address }),
      code(reason),
    );
    assert.equal(network.dropped.toJSON()[reason], 1);
  }
});

test("servers that hang, hang up, redirect or are not there are given up", async (network) => {
  const reader = await network.join(carol, { env: { ...CLIENT, ...HASTY.env } });
  const ask = (host: string) => resolveAll(reader, { id: alice.id, name: "hello", host });
  await using silent = await impostor(alice, () => {});
  await assert.rejects(ask(silent.address), code("timed-out"));
  await using trickle = await impostor(alice, (_, response) => {
    response.writeHead(200, { "Content-Length": 1000 });
    response.write("{");
  });
  await assert.rejects(ask(trickle.address), code("timed-out"));
  await using rude = await impostor(alice, (request) => void request.socket.destroy());
  await assert.rejects(ask(rude.address), code("unreachable"));
  await using elsewhere = await impostor(alice, (_, response) => {
    response.writeHead(302, { Location: "https://127.0.0.1/" }).end();
  });
  await assert.rejects(ask(elsewhere.address), code("server-refused"));
  const mute = createTcpServer(() => {}).listen(0, "127.0.0.1");
  await once(mute, "listening");
  const address = `127.0.0.1:${(mute.address() as AddressInfo).port}`;
  await assert.rejects(ask(address), code("timed-out"));
  mute.close();
  await assert.rejects(ask("127.0.0.1:1"), code("unreachable"));
});

test("one that hangs keeps nobody from the others", async (network) => {
  const a = await network.join(alice);
  const signed = makeManifest(alice, a);
  await publish(a, signed, []);
  await using silent = await impostor(alice, () => {});
  const env = {
    ...CLIENT,
    GTR_DEFAULT_SERVERS: `${alice.id}@${a.endpoints()[0]}`,
    GTR_NETWORK_TIMEOUT: "3600",
  };
  const reader = await network.join(carol, { env });
  using limit = deadline(60_000, "the other server");
  const address = { scheme: "default", id: alice.id, name: "hello", host: silent.address };
  for await (const found of reader.records.resolve(address, limit)) {
    assert.deepEqual(found, signed);
    break;
  }
});

test("what a node keeps for others is no answer to itself", async (network) => {
  const node = await network.join(bob);
  await publish(node, makeManifest(alice, node), []);
  assert.deepEqual(await resolveAll(node, { id: alice.id, name: "hello" }), []);
});

test("a pack goes on from where it was, and only right pieces are told", async (network) => {
  const a = await network.join(alice);
  const file = await makePack(network.folder, 300_000);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await publish(a, signed, [file]);
  const whole = await Deno.readFile(file.path);
  const reader = await network.join(carol, { env: CLIENT });
  const into = join(network.folder, "into");
  const partial = whole.slice(0, 100_000);
  partial[70_000]! ^= 1;
  await Deno.writeFile(into, partial);
  const prefixes: number[] = [];
  using limit = deadline(60_000, "a pack");
  await reader.packs.fetch(file.pack, signed, into, {
    signal: limit.signal,
    prefix: (bytes) => prefixes.push(bytes),
  });
  assert.deepEqual(await Deno.readFile(into), whole);
  // Pieces of 16 KiB: four were right.
  assert.deepEqual([prefixes[0], prefixes[1], prefixes.at(-1)], [65_536, 81_920, 300_000]);
});

test("another's pack under the right name is refused piece by piece", async (network) => {
  const a = await network.join(alice);
  const file = await makePack(network.folder, 100_000);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await publish(a, signed, [file]);
  const honest = parseEndpoint(a.endpoints()[0]!)!;
  await using server = await impostor(alice, async (request, response) => {
    if (request.url!.endsWith(".pack")) {
      response.writeHead(200).end(new Uint8Array(100_000));
      return;
    }
    const question = { server: honest, publisher: alice.id, path: request.url! };
    using limit = deadline(60_000, "the torrent");
    for await (const chunk of await get(question, limit.signal)) response.write(chunk);
    response.end();
  });
  const reader = await network.join(carol, { env: CLIENT });
  const from = makeManifest(
    alice,
    { ...a, scheme: "default", endpoints: () => [server.address] } as never,
    {
      packs: [file.pack],
    },
  );
  const into = join(network.folder, "into");
  await assert.rejects(fetchBytes(reader, file.pack, from, into), code("nobody-answered"));
  assert.equal(network.dropped.toJSON()["wrong-piece"], 1);
  assert.equal((await Deno.stat(into)).size, 0);
});

test("a stranger's manifest can't point at what is inside, unless the user does", async (network) => {
  let connections = 0;
  await using server = await impostor(alice, (_request, response) => response.end());
  const file = await makePack(network.folder, 1000);
  const port = server.address.split(":")[1];
  const from = makeManifest(alice, {
    scheme: "default",
    endpoints: () => [server.address, `localhost:${port}`, `[::1]:${port}`],
  } as never, { packs: [file.pack] });
  const fetch = async (env: Record<string, string>) => {
    const reader = await network.join(carol, { env: { ...CLIENT, ...env } });
    const dropped = network.dropped.toJSON()["inside-address"] ?? 0;
    const into = join(network.folder, "nothing");
    const error = await fetchBytes(reader, file.pack, from, into).catch((e) => e);
    return [error.code, network.dropped.toJSON()["inside-address"]! - dropped];
  };
  server.connected(() => connections++);
  const anywhere = { GTR_TORRENT_HOST: "0.0.0.0" };
  assert.deepEqual(await fetch(anywhere), ["no-source", 3]);
  assert.equal(connections, 0);
  await fetch({ ...anywhere, GTR_DEFAULT_SERVERS: server.address });
  assert.ok(connections > 0);

  // Names can lead anywhere.
  const inside = { host: "localhost", port: Number(port), nearest: "public" } as const;
  const before = connections;
  using limit = deadline(60_000, "a refusal");
  await assert.rejects(
    get({ server: inside, publisher: alice.id, path: "/" }, limit.signal),
    /it is within this machine or its network, and a stranger named it/,
  );
  assert.equal(connections, before);
});

test("a client that never begins its handshake is hung up on", async (network) => {
  const a = await network.join(alice, { limits: { headersMs: 300 } });
  using client = await RawClient.connect(a.endpoints()[0]!);
  using begun = await RawClient.connect(a.endpoints()[0]!);
  begun.send("\x16\x03\x01");
  using limit = deadline(60_000, "the server to hang up");
  await Promise.race([
    Promise.all([client.closed, begun.closed]),
    once(limit.signal, "abort").then(() => assert.fail("still connected")),
  ]);
});
