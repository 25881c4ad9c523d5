import assert from "node:assert/strict";
import { deadline } from "../../../lib/common/wait.ts";
import { fetchDocument } from "../../../lib/identity/registry_fetch.ts";

const MOST = 1000;

/** Asks a server that answers as `handler` does. */
async function ask(
  handler: (request: Request) => Response | Promise<Response>,
  ms = 10_000,
): Promise<string> {
  const ending = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: ending.signal,
    onListen() {},
    onError: () => new Response(null, { status: 500 }),
  }, handler);
  try {
    using limit = deadline(ms, "the document");
    const url = `http://127.0.0.1:${server.addr.port}/.well-known/gtr.json?name=a`;
    return new TextDecoder().decode(await fetchDocument(url, MOST, limit.signal));
  } finally {
    ending.abort();
    await server.finished;
  }
}

/** A body that goes on for ever, in chunks of `size` bytes, `ms` milliseconds apart. */
function endless(size: number, ms: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let timer: ReturnType<typeof setInterval>;
  return new ReadableStream({
    start(controller) {
      timer = setInterval(() => controller.enqueue(new Uint8Array(size).fill(0x20)), ms);
    },
    cancel: () => clearInterval(timer),
  });
}

Deno.test("registry fetch: the document as it is, asked for without a word about us", async () => {
  const text = await ask((request) => {
    const { pathname, search } = new URL(request.url);
    assert.equal(pathname + search, "/.well-known/gtr.json?name=a");
    assert.equal(request.headers.get("user-agent"), "gtr");
    assert.equal(request.headers.get("cookie"), null);
    return new Response("x".repeat(MOST));
  });
  assert.equal(text.length, MOST);
});

Deno.test("registry fetch: what is no document is refused", async () => {
  const gzip = (size: number) =>
    new Response(
      new Blob([new Uint8Array(size)]).stream().pipeThrough(new CompressionStream("gzip")),
      { headers: { "content-encoding": "gzip" } },
    );
  const redirect = (status: number) => () =>
    new Response(null, { status, headers: { location: "/elsewhere" } });
  const cases: [string, () => Response, { code: string; message: RegExp }][] = [
    ["too large", () => new Response("x".repeat(MOST + 1)), {
      code: "oversized-answer",
      message: /^127\.0\.0\.1:\d+ sends more than 1000 bytes$/,
    }],
    ["endless", () => new Response(endless(400, 1)), {
      code: "oversized-answer",
      message: /more than 1000/,
    }],
    ["gzip bomb", () => gzip(50_000_000), { code: "oversized-answer", message: /more than 1000/ }],
    ["bad gzip", () => new Response("nonsense", { headers: { "content-encoding": "gzip" } }), {
      code: "unreachable",
      message: /^can't reach 127\.0\.0\.1:\d+: /,
    }],
    ["moved", redirect(301), { code: "registry-refused", message: /redirects elsewhere/ }],
    ["found", redirect(302), { code: "registry-refused", message: /redirects elsewhere/ }],
    ["absent", () => new Response("no", { status: 404 }), {
      code: "registry-refused",
      message: /answers with status 404$/,
    }],
    ["empty", () => new Response(null, { status: 204 }), {
      code: "registry-refused",
      message: /status 204$/,
    }],
  ];
  for (const [what, handler, error] of cases) await assert.rejects(ask(handler), error, what);
});

Deno.test("registry fetch: silence and trickles end at the deadline", async () => {
  const late = { code: "timed-out", message: /^waited 0\.2 s for the document/ };
  await assert.rejects(ask(() => new Response(endless(1, 50)), 200), late);
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using limit = deadline(200, "the document");
  const url = `http://127.0.0.1:${silent.addr.port}/`;
  await assert.rejects(fetchDocument(url, MOST, limit.signal), late);
});

Deno.test("registry fetch: nobody there, or no http", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const url = `http://127.0.0.1:${port}/`;
  const garbage = (async () => {
    const connection = await listener.accept();
    await connection.write(new TextEncoder().encode("SSH-2.0-x\r\n\r\n"));
    connection.close();
  })();
  using limit = deadline(60_000, "the document");
  const unreachable = { code: "unreachable", message: /^can't reach 127\.0\.0\.1:\d+: / };
  await assert.rejects(fetchDocument(url, MOST, limit.signal), unreachable);
  await garbage;
  listener.close();
  await assert.rejects(fetchDocument(url, MOST, limit.signal), {
    ...unreachable,
    message: /refused/,
  });
});
