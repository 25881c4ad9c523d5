/** Downloading a blob: what is there already, redirects, and servers that send something else. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { downloadBlob, sizeOfBlob } from "../../../../lib/transports/nostr/blossom/download.ts";
import { tempDir } from "../../git_interface/fixture.ts";

const BLOB = "0123456789";

/** A server, and the requests that it got. */
function serve(answer: (request: Request, path: string) => Response) {
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
  return { code, told, text: await Deno.readTextFile(into) };
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
  assert.deepEqual(server.asked, ["GET /blob", "GET /blob bytes=4-", "GET /blob"]);
  const whole = await downloaded(url, BLOB);
  assert.deepEqual(whole, { code: undefined, told: ["10/10"], text: BLOB });
  assert.equal(server.asked.length, 3, "nothing is missing");
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
  assert.deepEqual(await downloaded(`${server.url}/other`, "0").then(({ text }) => text), "");
  const long = await downloaded(`${server.url}/long`);
  assert.equal(long.code, "wrong-size");
  assert.ok(long.text.length <= BLOB.length);
  const short = await downloaded(`${server.url}/short`);
  assert.deepEqual([short.code, short.text], ["unreachable", "012"], "the next server goes on");
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
