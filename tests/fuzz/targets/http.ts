/** Requests to the server of the network "default", as bytes on a socket. */
import assert from "node:assert/strict";
import { keyFromSeed } from "../../../lib/identity/keys.ts";
import { signManifest } from "../../../lib/manifest/manifest.ts";
import type { Manifest } from "../../../lib/manifest/types.ts";
import { answer } from "../../../lib/transports/default/answer.ts";
import { Offers } from "../../../lib/transports/default/offers.ts";
import { Places } from "../../../lib/transports/default/places.ts";
import { type Exchange, sendText } from "../../../lib/transports/default/reply.ts";
import { requestBody } from "../../../lib/transports/default/request_body.ts";
import { HttpServer, LIMITS } from "../../../lib/transports/default/server.ts";
import type { Target } from "../target.ts";

const KEY = keyFromSeed(new Uint8Array(32).fill(1));
const MANIFEST: Manifest = {
  version: 1,
  publisher: KEY.publicKeyHex,
  name: "hello",
  sequence: 7,
  created: 1_700_000_000,
  objectFormat: "sha1",
  head: "refs/heads/main",
  refs: { "refs/heads/main": "1".repeat(40) },
  packs: [],
  endpoints: {},
};
const MAX_BODY = 64 * 1024;
const MAX_ANSWER = 1 << 20;
const GOOD = `GET /${KEY.id}/hello/manifest HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
/** So often it is seen whether the server still answers. */
const LOOK_EVERY = 100;

/** The server with one repository, and its socket on loopback. */
export async function make(): Promise<Target> {
  const offers = new Offers();
  offers.announce(signManifest(MANIFEST, KEY));
  const processes = new Places(8, 8);
  const answers = {
    offers,
    live: () => Promise.resolve(undefined),
    origin: undefined,
    protocol: "http",
    processes,
  };
  const faults: string[] = [];
  const server = await HttpServer.open({
    host: "127.0.0.1",
    port: 0,
    tls: undefined,
    limits: { ...LIMITS, headersMs: 2000, bodyMs: 2000, idleMs: 5000 },
    uploadRate: 0,
    answer: async (exchange) => {
      if (exchange.request.method === "POST") return await readBody(exchange);
      await answer({ ...answers, queueMs: 1000 }, exchange);
    },
    dropped: () => {},
    log: (message) => faults.push(message),
  });
  let count = 0;
  return {
    form: "bytes",
    maxBytes: 96 * 1024,
    check: async (input) => {
      const text = await exchangeBytes(server.port, input);
      assert.deepEqual(faults.splice(0), []);
      if (++count % LOOK_EVERY === 0) {
        const good = await exchangeBytes(server.port, new TextEncoder().encode(GOOD));
        assert.match(good, /^HTTP\/1\.1 200 /, "the server still answers");
      }
      assert.ok(text === "" || /^HTTP\/1\.1 [1-5]\d\d /.test(text), text.slice(0, 100));
      assert.doesNotMatch(text, /^HTTP\/1\.1 500 /m);
      return /^HTTP\/1\.1 2\d\d /.test(text);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Bodies are read as for git-upload-pack, whatever is asked for. */
async function readBody({ request, response }: Exchange): Promise<void> {
  let length = 0;
  for await (const chunk of requestBody(request, MAX_BODY)) length += chunk.length;
  assert.ok(length <= MAX_BODY);
  sendText({ request, response }, 200, `${length} bytes`);
}

/** Sends the bytes and hangs up; all that comes back. */
async function exchangeBytes(port: number, bytes: Uint8Array): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const writing = (async () => {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    await connection.closeWrite();
  })().catch(() => {}); // the server has hung up
  let text = "";
  const buffer = new Uint8Array(64 * 1024);
  const decoder = new TextDecoder("latin1");
  try {
    for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
      text += decoder.decode(buffer.subarray(0, n));
      assert.ok(text.length <= MAX_ANSWER, "a bounded answer");
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
  await writing;
  return text;
}
