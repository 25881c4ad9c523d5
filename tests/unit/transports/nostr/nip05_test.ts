import assert from "node:assert/strict";
import { fetchDocument } from "../../../../lib/identity/registry_fetch.ts";
import { lookUpNip05 } from "../../../../lib/transports/nostr/nip05.ts";
import { alice } from "./fixture.ts";

const address = { user: "dan", domain: "example.org", identifier: "hello", relays: [] };
const wait = { signal: AbortSignal.timeout(30_000) };

/** Asks a real server on loopback, which answers for the domain. */
async function withDomain(
  answer: (url: URL) => Response,
  work: (fetcher: typeof fetchDocument) => Promise<void>,
): Promise<void> {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => answer(new URL(request.url)),
  );
  try {
    await work((url, most, signal) => {
      const { pathname, search } = new URL(url);
      const asked = `http://127.0.0.1:${server.addr.port}${pathname}${search}`;
      return fetchDocument(asked, most, signal);
    });
  } finally {
    await server.shutdown();
  }
}

Deno.test("nip05: the key and the relays that a domain tells", async () => {
  await withDomain((url) => {
    assert.equal(`${url.pathname}${url.search}`, "/.well-known/nostr.json?name=dan");
    return Response.json({
      names: { dan: alice.pubkey },
      relays: { [alice.pubkey]: ["wss://b.example", 7, "http://no.example"] },
    });
  }, async (fetcher) => {
    const found = await lookUpNip05({ ...address, relays: ["wss://a.example"] }, wait, fetcher);
    assert.deepEqual(found, {
      pubkey: alice.pubkey,
      identifier: "hello",
      relays: ["wss://a.example", "wss://b.example"],
    });
  });
});

Deno.test("nip05: a domain that doesn't know the name", async () => {
  const answers = [
    () => Response.json({ names: {} }),
    () => Response.json({ names: { dan: "npub1" } }),
    () => Response.json({ names: null }),
    () => Response.json([]),
  ];
  for (const answer of answers) {
    await withDomain(
      answer,
      (fetcher) => assert.rejects(lookUpNip05(address, wait, fetcher), { code: "unknown-name" }),
    );
  }
});

Deno.test("nip05: redirects, failures, floods and other forms are no answer", async () => {
  const answers = [
    (url: URL) =>
      url.pathname === "/elsewhere"
        ? Response.json({ names: { dan: alice.pubkey } })
        : Response.redirect(new URL("/elsewhere", url)),
    () => new Response("no", { status: 404 }),
    () => new Response("no", { status: 500 }),
    () => new Response("<html>"),
    () => new Response(`"${"x".repeat(2 ** 20)}"`),
  ];
  for (const answer of answers) {
    await withDomain(
      answer,
      (fetcher) => assert.rejects(lookUpNip05(address, wait, fetcher), { code: "unreachable" }),
    );
  }
});
