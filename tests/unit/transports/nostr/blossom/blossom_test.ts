import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { GtrError } from "../../../../../lib/common/errors.ts";
import {
  downloadBlob,
  redirectTarget,
  sizeOfBlob,
} from "../../../../../lib/transports/nostr/blossom/download.ts";
import { mirrorBlob, uploadBlob } from "../../../../../lib/transports/nostr/blossom/upload.ts";
import { startBlossom } from "../../../../fixtures/nostr/servers.ts";
import { alice } from "../fixture.ts";

const wait = () => ({ signal: AbortSignal.timeout(100_000) });
const SIZE = 3 * 2 ** 20 + 17;

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** A folder with a file of random bytes in it. */
async function blob(size = SIZE) {
  const folder = await Deno.makeTempDir({ prefix: "gtr-blossom-" });
  const bytes = randomBytes(size);
  const path = join(folder, "blob");
  await Deno.writeFile(path, bytes);
  return {
    bytes,
    into: join(folder, "copy"),
    file: { path, size, sha256: hashOf(bytes), type: "application/x-git-packed-objects" },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("blossom: a blob goes up and comes down", async () => {
  await using server = await startBlossom();
  await using one = await blob();
  const { file, into, bytes } = one;
  const progress: number[] = [];
  const url = await uploadBlob(server.url, file, alice, {
    ...wait(),
    progress: (done) => progress.push(done),
  });
  assert.equal(url, `${server.url}/${file.sha256}`);
  assert.equal(progress.at(-1), file.size);
  assert(progress.length > 3, "it is streamed");
  assert.equal(await sizeOfBlob(url, wait().signal), file.size);
  await downloadBlob(url, file.size, into, wait());
  assert(bytes.equals(await Deno.readFile(into)));
  assert.equal(await uploadBlob(server.url, file, alice, wait()), url, "once more");
});

Deno.test("blossom: a download goes on where it ended", async () => {
  await using server = await startBlossom();
  await using one = await blob();
  const { file, into, bytes } = one;
  const url = await uploadBlob(server.url, file, alice, wait());
  await server.turn("cut", true);
  await assert.rejects(downloadBlob(url, file.size, into, wait()), { code: "unreachable" });
  const kept = (await Deno.stat(into)).size;
  assert(kept > 0 && kept < file.size);
  await server.turn("cut", false);
  let first: number | undefined;
  await downloadBlob(url, file.size, into, { ...wait(), progress: (done) => first ??= done });
  assert.equal(first, kept);
  assert(bytes.equals(await Deno.readFile(into)));
});

Deno.test("blossom: a server that can't send a part sends all of it again", async () => {
  await using server = await startBlossom();
  await using one = await blob();
  const { file, into, bytes } = one;
  const url = await uploadBlob(server.url, file, alice, wait());
  await server.turn("no-range", true);
  await Deno.writeFile(into, new Uint8Array(1000));
  await downloadBlob(url, file.size, into, wait());
  assert(bytes.equals(await Deno.readFile(into)));
});

Deno.test("blossom: wrong bytes have another hash, wrong lengths are refused", async () => {
  await using server = await startBlossom();
  await using one = await blob();
  const { file, into } = one;
  const url = await uploadBlob(server.url, file, alice, wait());
  await server.turn("tamper", true);
  await downloadBlob(url, file.size, into, wait());
  assert.notEqual(hashOf(await Deno.readFile(into)), file.sha256);
  await Deno.remove(into);
  await assert.rejects(downloadBlob(url, file.size - 1, into, wait()), { code: "wrong-size" });
  await Deno.writeFile(into, new Uint8Array(10));
  await assert.rejects(downloadBlob(url, file.size + 1, into, wait()), { code: "wrong-range" });
});

Deno.test("blossom: a server copies from another", async () => {
  await using from = await startBlossom();
  await using to = await startBlossom();
  await using one = await blob(1000);
  const { sha256 } = one.file;
  const source = await uploadBlob(from.url, one.file, alice, wait());
  assert.equal(await mirrorBlob(to.url, source, sha256, alice, wait()), `${to.url}/${sha256}`);
  assert.equal(await sizeOfBlob(`${to.url}/${sha256}`, wait().signal), 1000);
  const missing = `${from.url}/${"0".repeat(64)}`;
  await assert.rejects(mirrorBlob(to.url, missing, "0".repeat(64), alice, wait()), {
    code: "server-refused",
    message: /the other server has no such blob \(status 502\)/,
  });
});

Deno.test("blossom: a server's no is a typed error with its reason", async () => {
  await using server = await startBlossom(1000);
  await using one = await blob(1001);
  await assert.rejects(uploadBlob(server.url, one.file, alice, wait()), {
    code: "blob-too-large",
    message: /more than 1000 bytes \(status 413\)/,
  });
  await assert.rejects(uploadBlob(server.url, { ...one.file, objects: 2 }, alice, wait()), {
    code: "blob-too-large",
    hint: /gtr config nostr\.maxBlob <less>/,
  });
  await assert.rejects(uploadBlob(server.url, { ...one.file, objects: 1 }, alice, wait()), {
    code: "blob-too-large",
    message: /it is a single object, which can't be split/,
    hint: /takes larger blobs/,
  });
  const nowhere = `${server.url}/${"0".repeat(64)}`;
  assert.equal(await sizeOfBlob(nowhere, wait().signal), undefined);
  await assert.rejects(downloadBlob(nowhere, 10, one.into, wait()), { code: "not-found" });
  await server.turn("outage", true);
  await assert.rejects(sizeOfBlob(nowhere, wait().signal), {
    code: "server-refused",
    message: /out of order \(status 503\)/,
  });
});

Deno.test("blossom: an authorization is for one blob and one server only", async () => {
  await using server = await startBlossom();
  await using one = await blob(1000);
  const { file } = one;
  await assert.rejects(
    uploadBlob(server.url, { ...file, sha256: hashOf(randomBytes(8)) }, alice, wait()),
    { code: "server-refused", message: /another sha256/ },
  );
  const elsewhere = server.url.replace("127.0.0.1", "localhost");
  await assert.rejects(uploadBlob(elsewhere, file, alice, wait()), { code: "not-allowed" });
});

Deno.test("blossom: a file that changes while it goes up is not promised", async () => {
  await using server = await startBlossom();
  await using one = await blob(1000);
  for (const size of [999, 1001]) {
    await assert.rejects(uploadBlob(server.url, { ...one.file, size }, alice, wait()), {
      code: "changed-file",
    });
  }
});

Deno.test("blossom: nobody there, a server that is silent, and an abort", async () => {
  await using one = await blob(1000);
  const silent = createServer((socket) => socket.on("error", () => {}).resume());
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const url = `http://127.0.0.1:${(silent.address() as { port: number }).port}`;
  const abort = new AbortController();
  silent.once("connection", () => abort.abort(new GtrError("enough", "enough")));
  await assert.rejects(uploadBlob(url, one.file, alice, { signal: abort.signal }), {
    code: "enough",
  });
  silent.close();
  await once(silent, "close");
  await assert.rejects(uploadBlob(url, one.file, alice, wait()), { code: "unreachable" });
  await assert.rejects(downloadBlob(`${url}/x`, 10, one.into, wait()), { code: "unreachable" });
});

Deno.test("blossom: a blob without an end is cut off", async () => {
  const cancelled = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
        cancel: () => cancelled.resolve(),
      }),
    ));
  await using one = await blob(1);
  const url = `http://127.0.0.1:${server.addr.port}/x`;
  await assert.rejects(downloadBlob(url, 100_000, one.into, wait()), { code: "wrong-size" });
  assert((await Deno.stat(one.into)).size <= 100_000);
  await cancelled.promise;
  await server.shutdown();
});

Deno.test("blossom: a server that stored something else, or answers without bounds", async () => {
  const answers = [JSON.stringify({ sha256: "0".repeat(64) }), " ".repeat(5 << 20), "{"];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    await request.arrayBuffer();
    return new Response(answers.shift());
  });
  await using one = await blob(1000);
  const url = `http://127.0.0.1:${server.addr.port}`;
  for (const code of ["wrong-blob", "oversized-answer", "bad-answer"]) {
    await assert.rejects(uploadBlob(url, one.file, alice, wait()), { code });
  }
  await server.shutdown();
});

Deno.test("blossom: a server that drips is given up", async () => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    let drip: ReturnType<typeof setInterval>;
    return new Response(
      new ReadableStream({
        start: (controller) => {
          drip = setInterval(() => controller.enqueue(new Uint8Array(10)), 20);
        },
        cancel: () => clearInterval(drip),
      }),
    );
  });
  await using one = await blob(1);
  const url = `http://127.0.0.1:${server.addr.port}/x`;
  await assert.rejects(downloadBlob(url, 10_000, one.into, wait(), { timeout: 200 }), {
    code: "nobody-answered",
  });
  assert((await Deno.stat(one.into)).size > 0, "what came is kept");
  await server.shutdown();
});

Deno.test("blossom: redirects are followed, but not for ever", async () => {
  let status = 302;
  let asked = 0;
  const bytes = new TextEncoder().encode("0123456789");
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    asked++;
    const location =
      { "/once": "/blob", "/loop": "/loop", "/file": "file:///etc/passwd" }[pathname];
    return location === undefined
      ? new Response(request.method === "HEAD" ? null : bytes, {
        headers: { "content-length": String(bytes.length) },
      })
      : new Response(null, { status, headers: { location } });
  });
  await using one = await blob(1);
  const url = `http://127.0.0.1:${server.addr.port}`;
  await downloadBlob(`${url}/once`, 10, one.into, wait());
  for (status of [301, 302, 303, 307, 308]) {
    assert.equal(await sizeOfBlob(`${url}/once`, wait().signal), 10);
  }
  assert.equal(await Deno.readTextFile(one.into), "0123456789");
  for (const [path, times] of [["loop", 4], ["file", 1]] as const) {
    asked = 0;
    await Deno.writeFile(one.into, new Uint8Array());
    await assert.rejects(downloadBlob(`${url}/${path}`, 10, one.into, wait()), {
      code: "server-refused",
      message: /sends on to nowhere/,
    });
    assert.equal(asked, times);
  }
  await server.shutdown();
});

Deno.test("blossom: no redirect leads from elsewhere into this network", () => {
  const from = "https://blossom.example/x";
  const outside = (url: string) => ({ url, nearest: "public" });
  assert.deepEqual(redirectTarget(from, "/y"), outside("https://blossom.example/y"));
  assert.deepEqual(redirectTarget(from, "https://cdn.example/x"), outside("https://cdn.example/x"));
  for (const to of ["http://127.0.0.1/x", "http://localhost./x", "http://[::1]/x", "ftp://x.y"]) {
    assert.equal(redirectTarget(from, to), undefined, to);
  }
  const inside = "http://127.0.0.1:1/x";
  assert.deepEqual(redirectTarget(inside, "http://[::1]/x"), {
    url: "http://[::1]/x",
    nearest: undefined,
  });
  // The user chose the server, not where it sends on to.
  assert.deepEqual(
    redirectTarget(inside, "https://cdn.example/x"),
    outside("https://cdn.example/x"),
  );
});

Deno.test("blossom: a stranger's name that leads into this machine is not connected to", async () => {
  await using server = await startBlossom();
  await using one = await blob(1000);
  await uploadBlob(server.url, one.file, alice, wait());
  const url = `http://localhost:${server.port}/${one.file.sha256}`;
  assert.equal(await sizeOfBlob(url, wait().signal), 1000);
  const inside = { code: "unreachable", message: /within this machine or its network/ };
  await assert.rejects(sizeOfBlob(url, wait().signal, "public"), inside);
  const options = { timeout: 5000, nearest: "public" } as const;
  await assert.rejects(downloadBlob(url, 1000, one.into, wait(), options), inside);
  await downloadBlob(url, 1000, one.into, wait());
});
