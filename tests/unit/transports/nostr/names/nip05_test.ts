import assert from "node:assert/strict";
import { join } from "node:path";
import { npubEncode } from "nostr-tools/nip19";
import { GtrError } from "../../../../../lib/common/errors.ts";
import { fetchDocument } from "../../../../../lib/identity/registry_fetch.ts";
import { locate } from "../../../../../lib/transports/nostr/repositories/locate.ts";
import { nip05Names } from "../../../../../lib/transports/nostr/names/nip05.ts";
import type { Relays } from "../../../../../lib/transports/nostr/relays/relays.ts";
import { RepositoryLookup } from "../../../../../lib/transports/nostr/repositories/lookup.ts";
import { alice, counting, mallory } from "../fixture.ts";

const DAN = { user: "dan", domain: "example.org" };
const signal = () => AbortSignal.timeout(100_000);

/** The names of one user, whose domain is a real server on loopback. */
async function withDomain(
  answer: (url: URL) => Response,
  work: (names: () => ReturnType<typeof nip05Names>, file: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const file = join(folder, "registry.json");
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => answer(new URL(request.url)),
  );
  const fetcher: typeof fetchDocument = (url, most, signal) => {
    const { origin, pathname, search } = new URL(url);
    assert.equal(origin, "https://example.org");
    assert.equal(most, 1024 * 1024);
    const asked = `http://127.0.0.1:${server.addr.port}${pathname}${search}`;
    return fetchDocument(asked, most, signal);
  };
  try {
    await work(() => nip05Names(file, 20_000, fetcher), file);
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

/** As if what is known of the domain's names were from another day. */
async function age(file: string): Promise<void> {
  const content = JSON.parse(await Deno.readTextFile(file));
  for (const known of Object.values<{ confirmed: number }>(content.names)) {
    known.confirmed -= 86_400;
  }
  await Deno.writeTextFile(file, JSON.stringify(content));
}

Deno.test("nip05: the key and the relays that a domain tells, also while it is silent", async () => {
  let silent = false;
  let asked = 0;
  await withDomain((url) => {
    asked++;
    assert.equal(`${url.pathname}${url.search}`, "/.well-known/nostr.json?name=dan");
    return silent ? new Response("no", { status: 503 }) : Response.json({
      names: { Dan: alice.pubkey },
      relays: { [alice.pubkey]: ["wss://b.example", 7, "http://no.example"] },
    });
  }, async (names, file) => {
    const told = { publisher: alice.pubkey, relays: ["wss://b.example"] };
    const who = npubEncode(alice.pubkey);
    assert.deepEqual(await names().lookup(DAN, signal()), {
      ...told,
      warning: `first use of dan@example.org: trusting example.org that it is ${who}`,
    });
    assert.deepEqual(await names().lookup(DAN, signal()), told);
    assert.equal(asked, 1);
    await age(file);
    assert.deepEqual(await names().lookup(DAN, signal()), told);
    await age(file);
    silent = true;
    const { warning, ...before } = await names().lookup(DAN, signal());
    assert.deepEqual(before, told);
    assert.match(warning!, /status 503; using what example\.org said on .*, npub1/);
  });
});

Deno.test("nip05: an address doesn't lead to another key than before, until that is accepted", async () => {
  let key = alice.pubkey;
  await withDomain(() => Response.json({ names: { dan: key } }), async (names, file) => {
    const authors: unknown[] = [];
    const relays = {
      options: counting(),
      query: (urls: readonly string[], [filter]: readonly { authors: string[] }[]) => {
        authors.push(filter!.authors[0]);
        return Promise.resolve({ events: [], answered: urls, failed: new Map() });
      },
    } as unknown as Relays;
    const parts = {
      lookup: new RepositoryLookup(relays, ["wss://relay.example.org"]),
      names: () => Promise.resolve(names()),
      ...{ publicKey: "00".repeat(32), found: () => {}, publishes: () => false },
      ownPubkey: () => Promise.resolve(undefined),
    };
    const asked = () => locate(parts, "nostr://Dan@example.org/hello", { signal: signal() });
    await assert.rejects(asked(), { code: "nobody-answered" });
    key = mallory.pubkey;
    await age(file);
    await assert.rejects(asked(), (error: GtrError) => {
      assert.equal(error.code, "name-changed-key");
      assert.match(error.message, new RegExp(`is ${npubEncode(key)} now, and it was npub1`));
      assert.match(error.hint!, /if it is right: gtr nostr trust dan@example\.org$/);
      return true;
    });
    assert.deepEqual(authors, [alice.pubkey], "relays are not asked about the other key");
    await names().confirm(DAN, true, signal());
    await assert.rejects(asked(), { code: "nobody-answered" });
    assert.deepEqual(authors, [alice.pubkey, mallory.pubkey]);
  });
});

Deno.test("nip05: names of gtr's own and those on Nostr are told apart", async () => {
  await withDomain(() => Response.json({ names: { dan: alice.pubkey } }), async (names, file) => {
    const theirs = { publisher: "11".repeat(32), since: 1, confirmed: 1 };
    const known = { version: 1, names: { "dan@example.org": theirs } };
    await Deno.writeTextFile(file, JSON.stringify(known));
    assert.equal((await names().lookup(DAN, signal())).publisher, alice.pubkey);
    const after = JSON.parse(await Deno.readTextFile(file)).names;
    assert.deepEqual(Object.keys(after).sort(), ["dan@example.org", "nostr:dan@example.org"]);
    assert.deepEqual(after["dan@example.org"], theirs);
  });
});

/** JSON with a byte that is no UTF-8 instead of its question mark. */
function notUtf8(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value)).map((byte) => byte === 0x3f ? 0xff : byte);
}

/** The relays that a domain tells of dan, or the error's code. */
async function toldBy(answer: unknown, user = "dan"): Promise<unknown> {
  let told: unknown;
  await withDomain(() => Response.json(answer), async (names) => {
    const found = names().lookup({ ...DAN, user }, signal());
    told = await found.then(({ publisher, relays }) => [publisher, relays], ({ code }) => code);
  });
  return told;
}

Deno.test("nip05: a name counts as it is written, else in any letters", async () => {
  const [dan, Dan] = [alice.pubkey, mallory.pubkey];
  assert.deepEqual(await toldBy({ names: { Dan, dan } }), [dan, []]);
  assert.deepEqual(await toldBy({ names: { dan, Dan } }), [dan, []]);
  assert.deepEqual(await toldBy({ names: { other: dan, DAN: Dan } }), [Dan, []]);
  assert.equal(await toldBy({ names: { dan } }, "constructor"), "unknown-name");
});

Deno.test("nip05: of the relays that it tells eight valid ones count", async () => {
  const names = { dan: alice.pubkey };
  const many = Array.from({ length: 10 }, (_, i) => `wss://${i}.example`);
  const told = (relays: unknown) => toldBy({ names, relays });
  const first = [alice.pubkey, many.slice(0, 8)];
  assert.deepEqual(await told({ [alice.pubkey]: ["x", 7, null, ...many] }), first);
  for (const other of [null, [], { [mallory.pubkey]: many }, { [alice.pubkey]: many[0] }]) {
    assert.deepEqual(await told(other), [alice.pubkey, []]);
  }
});

Deno.test("nip05: what is no answer, or not about the name", async () => {
  const answers: [string, (url: URL) => Response][] = [
    ["unknown-name", () => Response.json({ names: {} })],
    ["bad-registry", () => Response.json({ names: { dan: "npub1" } })],
    ["bad-registry", () => Response.json({ names: null })],
    ["bad-registry", () => Response.json([])],
    ["bad-registry", () => Response.json(null)],
    ["bad-registry", () => Response.json({ names: [alice.pubkey] })],
    ["bad-registry", () => Response.json({ names: { dan: [alice.pubkey] } })],
    ["bad-registry", () => Response.json({ names: { dan: alice.pubkey.slice(1) } })],
    ["bad-registry", () => new Response(notUtf8({ names: { dan: alice.pubkey, "?": "" } }))],
    ["bad-registry", () => new Response("<html>")],
    [
      "registry-refused",
      (url) =>
        url.pathname === "/elsewhere"
          ? Response.json({ names: { dan: alice.pubkey } })
          : Response.redirect(new URL("/elsewhere", url)),
    ],
    ["registry-refused", () => new Response("no", { status: 404 })],
    ["oversized-answer", () => new Response(`"${"x".repeat(2 ** 20)}"`)],
  ];
  for (const [code, answer] of answers) {
    await withDomain(answer, (names) => assert.rejects(names().lookup(DAN, signal()), { code }));
  }
});

Deno.test("nip05: a domain may list all its users, in up to a MiB", async () => {
  const answers = new Map([[true, 900_000], [false, 1_100_000]]);
  for (const [fits, bytes] of answers) {
    const names = { dan: alice.pubkey, others: "x".repeat(bytes) };
    await withDomain(() => Response.json({ names }), async (open) => {
      const looked = open().lookup(DAN, signal());
      if (fits) assert.equal((await looked).publisher, alice.pubkey);
      else await assert.rejects(looked, GtrError);
    });
  }
});
