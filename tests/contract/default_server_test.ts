/**
 * The https server against whoever comes.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { deadline } from "../../lib/common/wait.ts";
import type { OpenDefault } from "../../lib/transports/default/network.ts";
import type { LiveSource } from "../../lib/ports/streams.ts";
import { DefaultNetwork } from "./default_nodes.ts";
import { getRequest, RawClient, rawRequest } from "./raw_http.ts";
import { makeManifest, makePack, publish, testKey } from "./publications.ts";

const alice = testKey(1);
const PLAIN = { GTR_DEFAULT_TLS: "off" };
const HOME = `/${alice.id}/hello`;

function test(name: string, run: (network: DefaultNetwork) => Promise<void>): void {
  Deno.test(`https server: ${name}`, async () => {
    await using network = new DefaultNetwork();
    await run(network);
  });
}

async function listening(node: OpenDefault): Promise<string> {
  using limit = deadline(60_000, "health");
  return String((await node.health.probe(limit)).details.listen);
}

/** A repository of which everything is asked that upload-pack would answer. */
function source(answer: string, asked: string[] = []): Pick<LiveSource, "open"> {
  return {
    open: (_signal, form) => {
      asked.push(`${form?.protocol} ${form?.stateless}`);
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const collected = new Response(readable).text().then((text) => {
        if (text) asked.push(text);
        return new TextEncoder().encode(answer + text.length);
      });
      return Promise.resolve({
        writable,
        readable: new ReadableStream({
          async pull(controller) {
            controller.enqueue(await collected);
            controller.close();
          },
        }),
      });
    },
  };
}

async function serving(network: DefaultNetwork, options: Parameters<DefaultNetwork["join"]>[1]) {
  const node = await network.join(alice, { ...options, env: { ...PLAIN, ...options?.env } });
  const signed = makeManifest(alice, node);
  await publish(node, signed, []);
  const asked: string[] = [];
  node.serve(() => Promise.resolve({ manifest: signed, ...source("answer", asked) }));
  return { node, signed, asked, address: await listening(node) };
}

test("git's two requests, as they are sent", async (network) => {
  const { address, asked } = await serving(network, {});
  const refs = getRequest(`${HOME}.git/info/refs?service=git-upload-pack`);
  const old = await rawRequest(address, refs);
  assert.equal(old.status, 200);
  assert.match(old.text, /Content-Type: application\/x-git-upload-pack-advertisement/i);
  assert.match(old.text, /001e# service=git-upload-pack\n0000/);
  const head = { "Git-Protocol": "version=2" };
  const now = await rawRequest(
    address,
    getRequest(`${HOME}/info/refs?service=git-upload-pack`, head),
  );
  assert.doesNotMatch(now.text, /# service/);
  const body = gzipSync("0000".repeat(500));
  const post = `POST ${HOME}/git-upload-pack HTTP/1.1\r\nHost: x\r\nConnection: close\r\n` +
    "Content-Type: application/x-git-upload-pack-request\r\nContent-Encoding: gzip\r\n" +
    `Git-Protocol: version=2\r\nContent-Length: ${body.length}\r\n\r\n`;
  const result = await rawRequest(address, Buffer.concat([Buffer.from(post), body]));
  assert.equal(result.status, 200);
  assert.match(result.text, /answer2000/);
  assert.deepEqual(asked, ["0 advertise", "2 advertise", "2 exchange", "0000".repeat(500)]);
});

test("pushes are refused in words, old git and other methods too", async (network) => {
  const { address, asked } = await serving(network, {});
  for (
    const [request, status, why] of [
      [getRequest(`${HOME}/info/refs?service=git-receive-pack`), 403, /can't push over https/],
      [getRequest(`${HOME}/info/refs`), 403, /smart HTTP/],
      [getRequest(`${HOME}/info/refs?service=git-upload-archive`), 403, /smart HTTP/],
      [getRequest(`${HOME}/git-upload-pack`), 405, /Allow: POST/],
      [getRequest(`${HOME}/manifest`).replace("GET", "DELETE"), 405, /Allow: GET, HEAD/],
      [getRequest(`${HOME}/git-receive-pack`).replace("GET", "POST"), 403, /can't push/],
      [getRequest(`${HOME}/git-upload-pack`).replace("GET", "POST"), 415, /must be/],
      [getRequest(`/${alice.id}/other/manifest`), 404, /nothing here/],
      [getRequest(`/${alice.id}/other/info/refs?service=git-upload-pack`), 404, /nothing here/],
    ] as const
  ) {
    const answer = await rawRequest(address, request);
    assert.equal(answer.status, status, request);
    assert.match(answer.text, why);
  }
  assert.deepEqual(asked, []);
});

test("paths that lead elsewhere, broken requests, bombs", async (network) => {
  const { address, asked } = await serving(network, {});
  for (
    const target of [
      "/../../etc/passwd",
      `${HOME}/../../../config.json`,
      `/${alice.id}/%2e%2e/manifest`,
      `/${alice.id}/..%2f..%2fidentity.pem/manifest`,
      `${HOME}%00/manifest`,
      `${HOME}/packs/../manifest`,
      `${HOME}/gtr/manifest.json`,
      "*",
    ]
  ) assert.equal((await rawRequest(address, getRequest(target))).status, 404, target);
  // A NUL is no part of a request at all.
  assert.notEqual((await rawRequest(address, getRequest(`${HOME}\0/manifest`))).status, 200);
  assert.notEqual((await rawRequest(address, "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")).status, 200);
  const post = (body: Uint8Array) =>
    Buffer.concat([
      Buffer.from(
        `POST ${HOME}/git-upload-pack HTTP/1.1\r\nHost: x\r\nConnection: close\r\n` +
          "Content-Type: application/x-git-upload-pack-request\r\nContent-Encoding: gzip\r\n" +
          `Content-Length: ${body.length}\r\n\r\n`,
      ),
      body,
    ]);
  const bomb = gzipSync(Buffer.alloc(100 << 20));
  assert.equal((await rawRequest(address, post(bomb))).status, 413);
  assert.equal((await rawRequest(address, post(Buffer.from("no gzip at all")))).status, 400);
  assert.ok(asked.every((one) => /^0 exchange$/.test(one)), "nothing of it reached git");
  const counted = network.dropped.toJSON();
  assert.ok(counted["http-413"] === 1 && counted["http-400"] === 1);
});

test("who sends too slowly or too much is hung up on", async (network) => {
  const limits = { headersMs: 300, bodyMs: 600, idleMs: 500 };
  const { address } = await serving(network, { limits });
  using silent = await RawClient.connect(address);
  using slow = await RawClient.connect(address);
  slow.send(`GET ${HOME}/manifest HTTP/1.1\r\nHost: x\r\n`);
  using body = await RawClient.connect(address);
  body.send(
    `POST ${HOME}/git-upload-pack HTTP/1.1\r\nHost: x\r\n` +
      "Content-Type: application/x-git-upload-pack-request\r\nContent-Length: 100\r\n\r\n0",
  );
  using huge = await RawClient.connect(address);
  huge.send(`GET ${HOME}/manifest HTTP/1.1\r\nX: ${"a".repeat(100_000)}`);
  using limit = deadline(60_000, "the server to hang up");
  const all = [silent, slow, body, huge].map((client) => client.closed);
  await Promise.race([
    Promise.all(all),
    new Promise((_, reject) =>
      limit.signal.addEventListener("abort", () => reject(limit.signal.reason))
    ),
  ]);
  for (const client of [silent, slow, body, huge]) {
    assert.doesNotMatch(client.received, /HTTP\/1\.1 200/);
  }
  // Others were served all the while.
  assert.equal((await rawRequest(address, getRequest(`${HOME}/manifest`))).status, 200);
});

test("who doesn't read is hung up on, and git with them", async (network) => {
  const { node, address, signed } = await serving(network, { limits: { idleMs: 300 } });
  const gone = Promise.withResolvers<void>();
  node.serve(() =>
    Promise.resolve({
      manifest: signed,
      open: (signal) => {
        signal.addEventListener("abort", () => gone.resolve());
        return Promise.resolve({
          writable: new WritableStream(),
          readable: new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(1 << 16)),
          }),
        });
      },
    })
  );
  using client = await RawClient.connect(address);
  client.socket.pause();
  client.send(getRequest(`${HOME}/info/refs?service=git-upload-pack`));
  await gone.promise;
});

test("requests above the limit are told to come back", async (network) => {
  const { node, address, signed } = await serving(network, { limits: { requests: 1 } });
  const opened = Promise.withResolvers<void>();
  node.serve(() =>
    Promise.resolve({
      manifest: signed,
      open: () => {
        opened.resolve();
        return Promise.resolve({ writable: new WritableStream(), readable: new ReadableStream() });
      },
    })
  );
  using first = await RawClient.connect(address);
  first.send(getRequest(`${HOME}/info/refs?service=git-upload-pack`));
  await opened.promise;
  const second = await rawRequest(address, getRequest(`${HOME}/manifest`));
  assert.equal(second.status, 503);
  assert.match(second.text, /Retry-After: 10/i);
});

test("packs in parts, kept for good", async (network) => {
  const node = await network.join(alice, { env: PLAIN });
  const file = await makePack(network.folder, 5000);
  await publish(node, makeManifest(alice, node, { packs: [file.pack] }), [file]);
  const address = await listening(node);
  const whole = Buffer.from(await Deno.readFile(file.path)).toString("latin1");
  const path = `${HOME}/packs/${file.pack.sha256}.pack`;
  const ask = async (headers: Record<string, string>) => {
    const { status, text } = await rawRequest(address, getRequest(path, headers));
    return {
      status,
      head: text.split("\r\n\r\n")[0]!,
      body: text.split("\r\n\r\n").slice(1).join("\r\n\r\n"),
    };
  };
  const all = await ask({});
  assert.deepEqual([all.status, all.body], [200, whole]);
  assert.match(all.head, /Cache-Control: public, max-age=31536000, immutable/i);
  const etag = `"${file.pack.sha256}"`;
  for (
    const [range, from, to] of [
      ["bytes=0-0", 0, 1],
      ["bytes=100-199", 100, 200],
      ["bytes=4990-", 4990, 5000],
      ["bytes=-10", 4990, 5000],
      ["bytes=4000-999999", 4000, 5000],
    ] as const
  ) {
    const part = await ask({ Range: range, "If-Range": etag });
    assert.deepEqual([part.status, part.body], [206, whole.slice(from, to)], range);
    assert.match(part.head, new RegExp(`Content-Range: bytes ${from}-${to - 1}/5000`, "i"));
  }
  for (const range of ["bytes=5000-", "bytes=-0"]) {
    const none = await ask({ Range: range });
    assert.equal(none.status, 416, range);
    assert.match(none.head, /Content-Range: bytes \*\/5000/i);
  }
  for (const range of ["bytes=1-0", "bytes=0-1,3-4", "bytes=-", "lines=1-2", "bytes=a-b"]) {
    assert.deepEqual((await ask({ Range: range })).status, 200, range);
  }
  assert.equal((await ask({ Range: "bytes=0-0", "If-Range": '"other"' })).status, 200);
  assert.deepEqual((await ask({ "If-None-Match": etag })).status, 304);
});

test("without encryption it listens on loopback only", async (network) => {
  const env = { ...PLAIN, GTR_DEFAULT_LISTEN: "0.0.0.0:0" };
  const node = await network.join(alice, { env });
  using limit = deadline(60_000, "health");
  const health = await node.health.probe(limit);
  assert.equal(health.reachable, false);
  assert.match(health.summary, /only on 127\.0\.0\.1/);
  assert.deepEqual([node.endpoints(), node.endpoints()[0]], [[], undefined]);
});
