/** Downloading a blob: what is there already, redirects, and servers that send something else. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { NetworkError } from "../../../../../lib/common/errors.ts";
import { abortable } from "../../../../../lib/common/wait.ts";
import {
  downloadBlob,
  signsOfLife,
  sizeOfBlob,
} from "../../../../../lib/transports/nostr/blossom/download.ts";
import { tempDir } from "../../../git_interface/fixture.ts";

const BLOB = "0123456789";

/** A server, and the requests that it got. */
function serve(answer: (request: Request, path: string) => Response | Promise<Response>) {
  const asked: string[] = [];
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    asked.push(`${request.method} ${pathname} ${request.headers.get("range") ?? ""}`.trim());
    return answer(request, pathname);
  });
  const url = `http://127.0.0.1:${http.addr.port}`;
  return { asked, url, [Symbol.asyncDispose]: () => http.shutdown() };
}

/** Downloads after what is there, and returns what the file holds then, or the error's code. */
async function downloaded(url: string, before = "") {
  await using temp = await tempDir();
  const into = join(temp.path, "blob");
  if (before) await Deno.writeTextFile(into, before);
  const told: string[] = [];
  const wait = {
    signal: AbortSignal.timeout(60_000),
    progress: (done: number, total: number) => void told.push(`${done}/${total}`),
  };
  const code = await downloadBlob(url, BLOB.length, into, wait).then(
    () => undefined,
    (error) => error.code as string,
  );
  return { code, told, text: await Deno.readTextFile(into).catch(() => undefined) };
}

/** Sends the part that is asked for. */
function part(request: Request): Response {
  const from = Number(/\d+/.exec(request.headers.get("range") ?? "")?.[0] ?? 0);
  if (from === 0) return new Response(BLOB);
  const headers = { "content-range": `bytes ${from}-9/10` };
  return new Response(BLOB.slice(from), { status: 206, headers });
}

Deno.test("download: goes on after what is there, unless that is too much", async () => {
  await using server = serve(part);
  const url = `${server.url}/blob`;
  assert.deepEqual(await downloaded(url), { code: undefined, told: ["0/10", "10/10"], text: BLOB });
  const rest = await downloaded(url, "0123");
  assert.deepEqual(rest, { code: undefined, told: ["4/10", "10/10"], text: BLOB });
  const longer = await downloaded(url, BLOB + "x");
  assert.deepEqual(longer, { code: undefined, told: ["0/10", "10/10"], text: BLOB });
  assert.equal((await downloaded(url, "0")).text, BLOB);
  const asked = ["GET /blob", "GET /blob bytes=4-", "GET /blob", "GET /blob bytes=1-"];
  assert.deepEqual(server.asked, asked);
  const whole = await downloaded(url, BLOB);
  assert.deepEqual(whole, { code: undefined, told: ["10/10"], text: BLOB });
  assert.deepEqual(server.asked, asked, "nothing is missing");
});

Deno.test("download: starts again where the server sends no parts", async () => {
  await using server = serve(() => new Response(BLOB));
  const { code, text } = await downloaded(server.url, "abcd");
  assert.deepEqual({ code, text }, { code: undefined, text: BLOB });
});

Deno.test("download: another part or size is refused", async () => {
  const stream = (text: string) => new Response(new Blob([text]).stream());
  await using server = serve((request, path) => {
    if (path === "/part") return new Response(null, { status: 206 });
    if (path === "/long") return stream(BLOB + "x");
    if (path === "/short") return stream("012");
    return request.method === "HEAD" ? new Response(null) : new Response(BLOB + "x");
  });
  assert.equal((await downloaded(`${server.url}/part`, "0")).code, "wrong-range");
  assert.equal((await downloaded(`${server.url}/other`)).code, "wrong-size");
  assert.equal((await downloaded(`${server.url}/other`, "0")).code, "wrong-size");
  const long = await downloaded(`${server.url}/long`);
  assert.equal(long.code, "wrong-size");
  assert.ok(long.text!.length <= BLOB.length);
  const short = await downloaded(`${server.url}/short`);
  assert.deepEqual([short.code, short.text], ["unreachable", "012"], "the next server goes on");
});

/** A server whose answers have no end, and how many were ended by who asked. */
function endless(head: (path: string) => ResponseInit, cancelled: (path: string) => void) {
  return serve((_, path) =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(1024)),
        cancel: () => cancelled(path),
      }),
      head(path),
    )
  );
}

Deno.test("download: what is not wanted is not read to its end", async () => {
  const ended = new Map<string, PromiseWithResolvers<void>>();
  await using server = endless((path): ResponseInit => {
    if (path === "/refused") return { status: 503 };
    if (path === "/part") return { status: 206, headers: { "content-range": "bytes 2-9/10" } };
    return path === "/on" ? { status: 302, headers: { location: "/refused" } } : {};
  }, (path) => ended.get(path)!.resolve());
  for (
    const [path, code, cancels] of [
      ["/refused", "server-refused", ["/refused"]],
      ["/part", "wrong-range", ["/part"]],
      ["/on", "server-refused", ["/on", "/refused"]],
      ["/long", "wrong-size", ["/long"]],
    ] as const
  ) {
    for (const one of cancels) ended.set(one, Promise.withResolvers());
    assert.equal((await downloaded(`${server.url}${path}`, "0")).code, code);
    const all = Promise.all(cancels.map((one) => ended.get(one)!.promise));
    await abortable(all, AbortSignal.timeout(60_000));
  }
  ended.set("/long", Promise.withResolvers());
  const nowhere = join(Deno.cwd(), "no such folder", "blob");
  const wait = { signal: AbortSignal.timeout(60_000) };
  await assert.rejects(downloadBlob(`${server.url}/long`, 10, nowhere, wait), {
    name: "StoreError",
    message: /can't write/,
  });
  await abortable(ended.get("/long")!.promise, AbortSignal.timeout(60_000));
});

Deno.test("download: a server that holds on to a connection is let go", async () => {
  const ended: PromiseWithResolvers<void>[] = [];
  const server = createServer((socket) => {
    const end = Promise.withResolvers<void>();
    ended.push(end);
    socket.on("error", () => {}).once("close", () => end.resolve());
    socket.once("data", () => socket.write(`HTTP/1.1 ${status}\r\ncontent-length: 10\r\n\r\n`));
  });
  let status = "200 OK";
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  assert.equal(await sizeOfBlob(url, AbortSignal.timeout(60_000)), 10);
  await using temp = await tempDir();
  const wait = { signal: AbortSignal.timeout(60_000) };
  await assert.rejects(downloadBlob(url, 11, join(temp.path, "blob"), wait), {
    code: "wrong-size",
  });
  status = "404 Not Found";
  assert.equal(await sizeOfBlob(url, AbortSignal.timeout(60_000)), undefined);
  const all = Promise.all(ended.map(({ promise }) => promise));
  await abortable(all, AbortSignal.timeout(60_000));
  server.close();
  await once(server, "close");
});

Deno.test("download: a redirect is a status and a place, neither alone", async () => {
  await using server = serve((_, path) => {
    const headers = { location: "/elsewhere" };
    if (path === "/placed") return new Response(BLOB, { headers });
    return path === "/placeless" ? new Response(null, { status: 302 }) : new Response("elsewhere");
  });
  assert.equal((await downloaded(`${server.url}/placed`)).text, BLOB);
  assert.equal((await downloaded(`${server.url}/placeless`)).code, "server-refused");
});

Deno.test("download: a server may take a while to answer, but for an abort", async () => {
  let silent = false;
  const answered = Promise.withResolvers<void>();
  await using server = serve(async ({ method }) => {
    if (silent) await answered.promise;
    await new Promise((resolve) => setTimeout(resolve, 100));
    const headers = { "content-length": String(BLOB.length) };
    return new Response(method === "HEAD" ? null : BLOB, { headers });
  });
  assert.equal((await downloaded(server.url)).text, BLOB);
  assert.equal(await sizeOfBlob(server.url, AbortSignal.timeout(60_000)), BLOB.length);
  silent = true;
  const enough = new NetworkError("enough", "enough");
  const soon = () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(enough), 10);
    return abort.signal;
  };
  await using temp = await tempDir();
  const into = join(temp.path, "blob");
  await assert.rejects(downloadBlob(server.url, 10, into, { signal: soon() }), enough);
  await assert.rejects(sizeOfBlob(server.url, soon()), enough);
  answered.resolve();
});

Deno.test("download: a server lives as long as 64 KiB come, or an eighth if there is a choice", () => {
  const KIB = 1024;
  const lives = (hurry: boolean | undefined, size: number, ...done: number[]) => {
    const isAlive = signsOfLife(100, size, hurry);
    return done.map((bytes) => isAlive(100 + bytes));
  };
  const each = [64 * KIB - 1, 64 * KIB, 128 * KIB - 1, 130 * KIB, 193 * KIB, 194 * KIB];
  const right = [false, true, false, true, false, true];
  assert.deepEqual(lives(undefined, 2 ** 30, ...each), right);
  assert.deepEqual(lives(false, 2 ** 30, ...each), right);
  assert.deepEqual(lives(true, 512 * KIB, ...each), right);
  const eighth = 2 ** 27;
  assert.deepEqual(lives(true, 2 ** 30, eighth - 1, eighth, 2 * eighth), [false, true, true]);
});

Deno.test("download: three redirects are followed, not four", async () => {
  await using server = serve((_, path) => {
    const left = Number(path.slice(1));
    if (left === 0) return new Response(BLOB);
    return new Response(null, { status: 302, headers: { location: `/${left - 1}` } });
  });
  assert.equal((await downloaded(`${server.url}/3`)).text, BLOB);
  assert.equal((await downloaded(`${server.url}/4`)).code, "server-refused");
});

Deno.test("download: a blob's size is known, unknown, or there is no blob", async () => {
  await using server = serve((_, path) => {
    const status = Number(path.slice(1));
    return new Response(null, { status, headers: { "content-length": "10" } });
  });
  const size = (status: number) =>
    sizeOfBlob(`${server.url}/${status}`, AbortSignal.timeout(60_000));
  assert.equal(await size(200), 10);
  assert.equal(await size(404), undefined);
  assert.equal(await size(410), undefined);
  await assert.rejects(size(500), { name: "NetworkError" });
  await assert.rejects(size(204), { name: "NetworkError" });
});

Deno.test("download: a blob's size is not known where the server doesn't tell it", async () => {
  await using server = serve(() => new Response(new Blob([BLOB]).stream()));
  assert.equal(await sizeOfBlob(server.url, AbortSignal.timeout(60_000)), undefined);
});

Deno.test({
  name: "download: a full disk is told of (needs /dev/full)",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using server = serve(part);
    const wait = { signal: AbortSignal.timeout(60_000) };
    await assert.rejects(downloadBlob(server.url, BLOB.length, "/dev/full", wait), {
      code: "disk-full",
    });
  },
});
