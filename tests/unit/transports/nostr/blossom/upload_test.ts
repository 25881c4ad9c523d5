/** What is sent to a Blossom server, and what its answers mean. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { IncomingMessage } from "node:http";
import { NetworkError } from "../../../../../lib/common/errors.ts";
import { abortable } from "../../../../../lib/common/wait.ts";
import {
  authorizationHeader,
  uploadAuthorization,
} from "../../../../../lib/transports/nostr/blossom/authorization.ts";
import {
  answerBytes,
  answerJson,
  exchange,
  refusal,
} from "../../../../../lib/transports/nostr/blossom/request.ts";
import { mirrorBlob, uploadBlob } from "../../../../../lib/transports/nostr/blossom/upload.ts";
import { isAuthentic, type NostrEvent } from "../../../../../lib/transports/nostr/events/event.ts";
import { tempDir } from "../../../git_interface/fixture.ts";
import { alice, NOW, signed } from "../fixture.ts";

const SIZE = 3 * 2 ** 20 + 17;
const CHUNK = 256 * 1024;
const URL_ = "https://blossom.example/x";
const later = () => AbortSignal.timeout(60_000);
const enough = new NetworkError("enough", "enough");

interface Asked {
  readonly line: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** A server, and the requests that it got. */
function serve(answer: (asked: Asked) => Response | Promise<Response>) {
  const asked: Asked[] = [];
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { method, headers } = request;
    const body = new Uint8Array(await request.arrayBuffer());
    const one = { line: `${method} ${new URL(request.url).pathname}`, headers, body };
    asked.push(one);
    return await answer(one);
  });
  const url = `http://127.0.0.1:${http.addr.port}`;
  return { asked, url, [Symbol.asyncDispose]: () => http.shutdown() };
}

/** A file of random bytes. */
async function blob(size = 1000) {
  const temp = await tempDir();
  const bytes = randomBytes(size);
  const path = join(temp.path, "blob");
  await Deno.writeFile(path, bytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return {
    bytes,
    file: { path, size, sha256, type: "application/x-git-packed-objects" },
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

const told = (sha256: string) => Response.json({ sha256 });

/** The event in a header `Authorization`. */
function authorizedBy(headers: Headers): NostrEvent {
  const [scheme, coded] = headers.get("authorization")!.split(" ");
  assert.equal(scheme, "Nostr");
  return JSON.parse(new TextDecoder().decode(
    Uint8Array.fromBase64(coded!, { alphabet: "base64url" }),
  ));
}

/** At a time, in milliseconds since 1970. */
async function at<T>(now: number, work: () => Promise<T>): Promise<T> {
  const real = Date.now;
  Date.now = () => now;
  try {
    return await work();
  } finally {
    Date.now = real;
  }
}

Deno.test("upload: an authorization is for an hour, one blob and one server", () => {
  const sha256 = "ab".repeat(32);
  assert.deepEqual(uploadAuthorization(sha256, "https://Blossom.example:8443", NOW), {
    kind: 24242,
    created_at: NOW - 60,
    tags: [
      ["t", "upload"],
      ["x", sha256],
      ["expiration", String(NOW + 3600)],
      ["server", "blossom.example"],
    ],
    content: `Upload ${sha256}`,
  });
  for (const end of ["", " ", "  "]) {
    const header = authorizationHeader(signed(alice, { content: "?>~".repeat(9) + end }));
    assert.match(header, /^Nostr [A-Za-z0-9_-]+$/);
  }
});

Deno.test("upload: the file goes with what is known of it", async () => {
  await using one = await blob(SIZE);
  const { sha256 } = one.file;
  await using server = serve(() => told(sha256));
  const steps: (string | number)[][] = [];
  const progress = (...step: [number, number, string]) => void steps.push(step);
  const url = await at(
    NOW * 1000 + 900,
    () => uploadBlob(server.url, one.file, alice, { signal: later(), progress }),
  );
  assert.equal(url, `${server.url}/${sha256}`);
  const [{ line, headers, body }] = server.asked as [Asked];
  assert.equal(line, "PUT /upload");
  assert(one.bytes.equals(body));
  assert.equal(headers.get("content-type"), "application/x-git-packed-objects");
  assert.equal(headers.get("content-length"), String(SIZE));
  assert.equal(headers.get("x-sha-256"), sha256);
  assert.equal(headers.get("connection"), "close", "none is kept for later");
  const event = authorizedBy(headers);
  assert(isAuthentic(event));
  const { kind, created_at, tags, content } = event;
  const right = uploadAuthorization(sha256, server.url, NOW);
  assert.deepEqual({ kind, created_at, tags, content }, right);
  assert.deepEqual(
    steps,
    Array.from({ length: 13 }, (_, i) => [Math.min((i + 1) * CHUNK, SIZE), SIZE, "Uploading"]),
  );
});

Deno.test("upload: a copy is asked for by the blob's address", async () => {
  const sha256 = "ab".repeat(32);
  await using server = serve(() => told(sha256));
  const source = `https://blossom.example/${sha256}`;
  const url = await mirrorBlob(server.url, source, sha256, alice, { signal: later() });
  assert.equal(url, `${server.url}/${sha256}`);
  const [{ line, headers, body }] = server.asked as [Asked];
  assert.equal(line, "PUT /mirror");
  assert.deepEqual(JSON.parse(new TextDecoder().decode(body)), { url: source });
  assert.equal(headers.get("content-type"), "application/json");
  assert.equal(headers.get("content-length"), String(body.length));
  assert.deepEqual(authorizedBy(headers).tags[1], ["x", sha256]);
});

Deno.test("upload: what is stored, and what isn't", async () => {
  await using one = await blob();
  const { sha256 } = one.file;
  let answer: () => Response = () => told(sha256);
  await using server = serve(() => answer());
  const put = () => uploadBlob(server.url, { ...one.file, objects: 2 }, alice, { signal: later() });
  const copy = () => mirrorBlob(server.url, URL_, sha256, alice, { signal: later() });
  for (const store of [put, copy]) {
    for (const status of [200, 201, 202]) {
      answer = () => Response.json({ sha256 }, { status });
      assert.equal(await store(), `${server.url}/${sha256}`);
    }
    for (const status of [203, 206, 300, 400, 500]) {
      answer = () => Response.json({ sha256 }, { status });
      await assert.rejects(store(), { code: "server-refused" }, String(status));
    }
    for (const other of ["null", "{}", "7", `{"sha256":"${"0".repeat(64)}"}`]) {
      answer = () => new Response(other);
      await assert.rejects(store(), { code: "wrong-blob" }, other);
    }
    const padded = (length: number) => JSON.stringify({ sha256 }).padEnd(length);
    answer = () => new Response(padded(64 * 1024));
    await store();
    answer = () => new Response(padded(64 * 1024 + 1));
    await assert.rejects(store(), { code: "oversized-answer" });
  }
  answer = () => new Response(null, { status: 402 });
  await assert.rejects(put(), { code: "payment-required", hint: /pay the server's operator/ });
});

Deno.test("upload: a server may take a while, but for an abort", async () => {
  await using one = await blob();
  const { sha256 } = one.file;
  let silent = false;
  const answered = Promise.withResolvers<void>();
  await using server = serve(async () => {
    if (silent) await answered.promise;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return told(sha256);
  });
  const put = (signal: AbortSignal) => uploadBlob(server.url, one.file, alice, { signal });
  const copy = (signal: AbortSignal) => mirrorBlob(server.url, URL_, sha256, alice, { signal });
  for (const store of [put, copy]) await store(later());
  silent = true;
  for (const store of [put, copy]) {
    const abort = new AbortController();
    setTimeout(() => abort.abort(enough), 50);
    await assert.rejects(store(abort.signal), enough);
  }
  answered.resolve();
});

Deno.test("exchange: where the body fails the request ends", async () => {
  const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    begun.resolve();
    await request.arrayBuffer().catch(() => ended.resolve());
    return new Response();
  });
  async function* body() {
    yield new Uint8Array(1000);
    await abortable(begun.promise, later());
    throw enough;
  }
  const url = `http://127.0.0.1:${http.addr.port}`;
  await assert.rejects(exchange({ method: "PUT", url, body: body() }, later()), enough);
  await abortable(ended.promise, later());
  await http.shutdown();
});

Deno.test("exchange: a body is read no further than the answer is", async () => {
  const http = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(null, { status: 413 }),
  );
  const ended = Promise.withResolvers<void>();
  let read = 0;
  async function* body() {
    try {
      for (; read < 1000; read++) yield new Uint8Array(1 << 20);
    } finally {
      ended.resolve();
    }
  }
  const url = `http://127.0.0.1:${http.addr.port}`;
  const answer = await exchange({ method: "PUT", url, body: body() }, later());
  assert.equal(answer.statusCode, 413);
  answer.destroy();
  await abortable(ended.promise, later());
  assert.ok(read < 1000);
  await http.shutdown();
});

/** A signal, and when nobody waits for its abort any more. */
function watched() {
  const { signal } = new AbortController();
  let waiting = 0;
  let left = () => {};
  const { addEventListener, removeEventListener } = signal;
  Object.assign(signal, {
    addEventListener: (...args: Parameters<typeof addEventListener>) => {
      waiting++;
      return addEventListener.apply(signal, args);
    },
    removeEventListener: (...args: Parameters<typeof removeEventListener>) => {
      if (--waiting === 0) left();
      return removeEventListener.apply(signal, args);
    },
  });
  const unwatched = () =>
    new Promise<void>((resolve) => {
      if (waiting === 0) resolve();
      else left = resolve;
    });
  return { signal, unwatched };
}

Deno.test("exchange: leaves nothing behind that waits for an abort", async () => {
  await using server = serve(() => new Response("hello"));
  const { signal, unwatched } = watched();
  const answer = await exchange({ method: "GET", url: server.url }, signal);
  let text = "";
  for await (const bytes of answerBytes(answer, server.url, signal)) {
    text += new TextDecoder().decode(bytes);
  }
  assert.equal(text, "hello");
  await abortable(unwatched(), later());
});

Deno.test("exchange: after an abort nothing is sent", async () => {
  await using server = serve(() => new Response());
  let read = false;
  async function* body() {
    read = true;
    yield new Uint8Array(1);
  }
  const signal = AbortSignal.abort(enough);
  const request = { method: "PUT", url: server.url, body: body() } as const;
  await assert.rejects(exchange(request, signal), enough);
  assert.deepEqual([server.asked.length, read], [0, false]);
});

Deno.test("exchange: an abort ends it while the body is sent, and while it is answered", async () => {
  const begun: PromiseWithResolvers<void>[] = [];
  const ended: Promise<void>[] = [];
  const server = createServer((socket) => {
    const end = Promise.withResolvers<void>();
    ended.push(end.promise);
    socket.on("error", () => {}).once("close", () => end.resolve());
    socket.once("data", () => begun.shift()!.resolve());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  async function* body() {
    yield new Uint8Array(1);
    await new Promise(() => {}); // as a pack that is being made
  }
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  for (const request of [{ method: "PUT", url, body: body() }, { method: "GET", url }] as const) {
    const abort = new AbortController();
    const first = Promise.withResolvers<void>();
    begun.push(first);
    const failed = assert.rejects(exchange(request, abort.signal), enough);
    await abortable(first.promise, later());
    abort.abort(enough);
    await failed;
  }
  await abortable(Promise.all(ended), later());
  server.close();
  await once(server, "close");
});

Deno.test("exchange: an abort ends an answer, and so does who reads no further", async () => {
  const ended: PromiseWithResolvers<void>[] = [];
  await using server = serve(() => {
    const end = Promise.withResolvers<void>();
    ended.push(end);
    return new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(1)),
        cancel: () => end.resolve(),
      }),
    );
  });
  const abort = new AbortController();
  const answer = await exchange({ method: "GET", url: server.url }, abort.signal);
  const read = async () => {
    for await (const _ of answerBytes(answer, server.url, abort.signal)) abort.abort(enough);
  };
  await assert.rejects(read(), enough);
  await abortable(ended[0]!.promise, later());
  const another = await exchange({ method: "GET", url: server.url }, later());
  for await (const _ of answerBytes(another, server.url, later())) break;
  await abortable(ended[1]!.promise, later());
});

/** An answer without a server. */
function answered(statusCode: number, headers: Record<string, string> = {}, parts: unknown[] = []) {
  return Object.assign(Readable.from(parts), { statusCode, headers }) as unknown as IncomingMessage;
}

Deno.test("answers: nothing is read after an abort", async () => {
  const answer = answered(200, {}, ["x"]);
  const read = Array.fromAsync(answerBytes(answer, URL_, AbortSignal.abort(enough)));
  await assert.rejects(read, enough);
  assert.equal(answer.destroyed, true);
});

Deno.test("answers: JSON in parts, as long as it may be", async () => {
  const read = (most: number, ...parts: string[]) => {
    const bytes = parts.map((part) => Uint8Array.from(part, (char) => char.charCodeAt(0)));
    return answerJson(answered(200, {}, bytes), URL_, most, later());
  };
  assert.equal(await read(3, '"', "\xc3", "\xa9", '"'), "\u00e9");
  await assert.rejects(read(2, '"', "\xc3", "\xa9", '"'), { code: "oversized-answer" });
  await assert.rejects(read(9, "{"), { code: "bad-answer" });
});

Deno.test("answers: each no has its code, its reason and a hint", () => {
  const no = (status: number, reason?: string) => {
    const answer = answered(status, reason === undefined ? {} : { "x-reason": reason });
    const { code, message, hint } = refusal(answer, URL_);
    assert.equal(answer.destroyed, true);
    return { code, message, hint };
  };
  const codes = new Map([
    [400, "server-refused"],
    [401, "not-allowed"],
    [402, "payment-required"],
    [403, "not-allowed"],
    [404, "not-found"],
    [405, "server-refused"],
    [410, "not-found"],
    [411, "server-refused"],
    [413, "blob-too-large"],
    [414, "server-refused"],
    [429, "rate-limited"],
    [430, "server-refused"],
    [500, "server-refused"],
  ]);
  for (const [status, code] of codes) {
    const { code: told, message, hint } = no(status);
    assert.equal(told, code, String(status));
    assert.equal(message, `https://blossom.example refuses: status ${status}`);
    assert.equal(hint !== undefined, /allowed|payment|large/.test(code), String(status));
  }
  assert.match(no(500, "full\x1b").message, /refuses: full\? \(status 500\)$/);
  assert.match(no(500, "x".repeat(300)).message, /refuses: x{200} \(/);
});
