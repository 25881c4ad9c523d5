import fc from "fast-check";
import assert from "node:assert/strict";
import { UsageError } from "../../../lib/common/errors.ts";
import {
  checkRepositoryName,
  formatAddress,
  type NetworkAddress,
  parseAddress,
} from "../../../lib/identity/address.ts";
import { keyFromSeed } from "../../../lib/identity/keys.ts";
import type { RegistryName } from "../../../lib/identity/registry_name.ts";
import { resolveAddress } from "../../../lib/identity/resolve_address.ts";

const key = keyFromSeed(new Uint8Array(32).fill(3));
const ID = key.id;
const KEY = key.publicKeyHex;

Deno.test("parseAddress reads every form", () => {
  const byId = { scheme: "torrent", id: ID, name: "hello" };
  const cases: [string, unknown][] = [
    [`torrent://${ID}/hello`, byId],
    [`torrent://${ID}/hello/`, byId],
    [`torrent://${ID}/hello.git`, byId],
    [`torrent://${ID}/hello.git/`, byId],
    [`TORRENT://${ID.toUpperCase()}/hello`, byId],
    [`nostr://${ID}/hello`, { ...byId, scheme: "nostr" }],
    [`torrent://${KEY}/hello`, { ...byId, publicKey: KEY }],
    [`torrent://${KEY.toUpperCase()}/hello`, { ...byId, publicKey: KEY }],
    [`torrent://${ID}/a.b_c-D9`, { ...byId, name: "a.b_c-D9" }],
    [`torrent://${ID}/${"x".repeat(64)}`, { ...byId, name: "x".repeat(64) }],
    ["torrent://alice/hello", { scheme: "torrent", petname: "alice", name: "hello" }],
    ["torrent://Al.i_c-e/hello", { scheme: "torrent", petname: "Al.i_c-e", name: "hello" }],
    ["torrent://deadbeef/hello", { scheme: "torrent", petname: "deadbeef", name: "hello" }],
    ["torrent://Al_1.x@Example.org/hello", {
      scheme: "torrent",
      user: "al_1.x",
      domain: "example.org",
      name: "hello",
    }],
  ];
  for (const [url, form] of cases) assert.deepEqual(parseAddress(url), form, url);
});

Deno.test("every malformed address is told what is wrong with it and how to write it", () => {
  const cases: [string, string][] = [
    ["", "it is empty"],
    [`torrent://${ID}/${"x".repeat(1100)}`, "it has 1151 characters and 1024 is the most"],
    [
      `torrent://${ID}/${"x".repeat(973)}`, // as long as an address may be
      `'${"x".repeat(973)}' can't be a repository's name: it has 973 characters and 64 is the most`,
    ],
    [`torrent://${ID}/he llo`, "it contains a space or a control character"],
    [`torrent://${ID}/hello\n`, "it contains a space or a control character"],
    [`torrent://${ID}/hello\x1b[2J`, "it contains a space or a control character"],
    ["hello", "it has no '<scheme>://' in front"],
    [`${ID}/hello`, "it has no '<scheme>://' in front"],
    [`torrent:/${ID}/hello`, "it has no '<scheme>://' in front"],
    [`://${ID}/hello`, "'' is not the name of a network"],
    [`tor_rent://${ID}/hello`, "'tor_rent' is not the name of a network"],
    [`torrent://${ID}/hello?x=1`, "it has a query ('?...')"],
    [`torrent://${ID}/hello#main`, "it has a fragment ('#...')"],
    [`torrent://${ID}/he%6clo`, "it has a percent-escape ('%..')"],
    [`torrent://${ID}\\hello`, "it has a backslash where only '/' can be"],
    ["torrent://", "the publisher is missing"],
    ["torrent:///hello", "the publisher is missing"],
    [`torrent://${ID}`, "the repository's name is missing"],
    [`torrent://${ID}/`, "the repository's name is missing"],
    [`torrent://${ID}/a/b`, "'a/b' has path parts, and a repository's name has none"],
    [`torrent://${ID}//a`, "'/a' has path parts, and a repository's name has none"],
    [`torrent://${ID}/../a`, "'../a' has path parts, and a repository's name has none"],
    [`torrent://${ID}/..`, "'..' can't be a repository's name: it starts with '.'"],
    [`torrent://${ID}/.git`, "'.git' can't be a repository's name: it is empty"],
    [`torrent://${ID}/-x`, "'-x' can't be a repository's name: it starts with '-'"],
    [`torrent://${ID}/x.lock`, "'x.lock' can't be a repository's name: it ends with '.lock'"],
    [`torrent://${ID}/x.git.git`, "'x.git.git' can't be a repository's name: it ends with '.git'"],
    [
      `torrent://${ID}/${"x".repeat(65)}`,
      `'${"x".repeat(65)}' can't be a repository's name: it has 65 characters and 64 is the most`,
    ],
    [
      `torrent://${ID}/né`,
      "'né' can't be a repository's name: only letters, digits, '.', '_' and '-' can be in it",
    ],
    [`torrent://${ID}:6881/hello`, "it has a port or password, and publishers have none"],
    [
      `torrent://${ID.slice(1)}/hello`,
      "its publisher has 39 hex digits; an id has 40, a public key 64",
    ],
    [`torrent://${KEY}0/hello`, "its publisher has 65 hex digits; an id has 40, a public key 64"],
    [
      `torrent://g${ID.slice(1)}!/hello`,
      `'g${ID.slice(1)}!' is neither an id (40 hex digits), a public key (64) nor a name`,
    ],
    [
      "torrent://-alice/hello",
      "'-alice' is neither an id (40 hex digits), a public key (64) nor a name",
    ],
    ["torrent://al:secret@example.org/hello", "it has a password, and addresses are public"],
    ["torrent://al@example.org:22/hello", "it has a port, and names at a domain have none"],
    ["torrent://@example.org/hello", "'' can't be the name of a user"],
    ["torrent://a,b@example.org/hello", "'a,b' can't be the name of a user"],
    ["torrent://a+b@example.org/hello", "'a+b' can't be the name of a user"],
    ["torrent://al@127.0.0.1/hello", "'127.0.0.1' is an address and not a domain"],
    ["torrent://al@2130706433/hello", "'2130706433' is an address and not a domain"],
    ["torrent://al@127.0X1/hello", "'127.0x1' is an address and not a domain"],
    ["torrent://al@[::1]/hello", "'[::1]' is not the name of a domain"],
    ["torrent://al@/hello", "'' is not the name of a domain"],
    ["torrent://al@ex..org/hello", "'ex..org' is not the name of a domain"],
    ["torrent://al@b@example.org/hello", "'b@example.org' is not the name of a domain"],
  ];
  for (const [url, why] of cases) {
    assert.throws(() => parseAddress(url), (error) => {
      assert.ok(error instanceof UsageError, url);
      assert.equal(error.code, "bad-address");
      assert.ok(error.message.startsWith("can't use '"), error.message);
      assert.ok(error.message.endsWith(`' as an address: ${why}`), error.message);
      assert.match(error.hint!, /:\/\/<40 hex digits>\/<name>/);
      // deno-lint-ignore no-control-regex -- they are what must not be there
      assert.doesNotMatch(error.message, /[\x00-\x1f\x7f-\x9f]/);
      return true;
    }, url);
  }
});

Deno.test("a network's own names are read by the network, ids and keys are not", () => {
  for (const publisher of ["npub1abc", ID.slice(1), `${ID}x`, ""]) {
    const url = `nostr://${publisher}/hello`;
    assert.deepEqual(parseAddress(url), { scheme: "nostr", url });
  }
  assert.ok("id" in parseAddress(`nostr://${KEY}/hello`));
  assert.throws(() => parseAddress(`nostr://${KEY}0/hello`), /65 hex digits/);
});

Deno.test("an error shows a hundred characters of what was given", () => {
  const message = (name: string) => {
    try {
      return checkRepositoryName(name);
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.ok(message("x".repeat(100)).includes(`'${"x".repeat(100)}'`));
  assert.ok(message("y".repeat(101)).includes(`'${"y".repeat(100)}...'`));
});

Deno.test("the hint is of the network that was asked for, where there is one", () => {
  assert.throws(() => parseAddress("ssb://x"), { hint: /^write ssb:/ });
  assert.throws(() => parseAddress("hello"), { hint: /^write torrent:/ });
});

Deno.test("any text is an address or a UsageError that is short", () => {
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 2000 }),
    fc.array(fc.constantFrom("torrent", "://", "/", ID, KEY, "@", ":", "..", ".git", "a", "\0"))
      .map((parts) => parts.join("")),
  );
  fc.assert(fc.property(anything, (text) => {
    try {
      const address = parseAddress(text);
      if (!("url" in address)) assert.match(address.name, /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/);
    } catch (error) {
      assert.ok(error instanceof UsageError, String(error));
      assert.ok(error.message.length < 1500);
    }
  }));
});

Deno.test("formatAddress writes what parseAddress reads", () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/)
    .filter((text) => !/\.(?:git|lock)$/.test(text));
  const address = fc.record({
    scheme: fc.constantFrom("torrent", "holepunch"),
    id: fc.stringMatching(/^[0-9a-f]{40}$/),
    name,
  }, { noNullPrototype: true });
  fc.assert(fc.property(address, (address) => {
    assert.deepEqual(parseAddress(formatAddress(address)), address);
  }));
  assert.equal(
    formatAddress({ scheme: "torrent", id: ID, publicKey: KEY, name: "hello" }),
    `torrent://${ID}/hello`,
  );
});

Deno.test("checkRepositoryName returns a good name and tells what is wrong with others", () => {
  assert.equal(checkRepositoryName("hello-1.0_x"), "hello-1.0_x");
  for (const name of ["", ".", "..", ".x", "-x", "a/b", "a b", "x.lock", "x.git", "é", "x\0"]) {
    assert.throws(() => checkRepositoryName(name), { name: "UsageError", code: "bad-name" });
  }
});

Deno.test("resolveAddress looks names up", async (t) => {
  const book = new Map([["alice", ID], ["bob", KEY]]);
  const asked: string[] = [];
  const directory = {
    names: { get: (name: string) => Promise.resolve(book.get(name)) },
    registry: {
      lookup: ({ user, domain }: RegistryName) => {
        asked.push(`${user} of ${domain}`);
        return Promise.resolve({ publisher: KEY, warning: "first use" });
      },
    },
    locate: ({ scheme, url }: NetworkAddress) => {
      asked.push(url);
      return Promise.resolve({ address: { scheme, id: ID, name: "hello" }, warning: "seldom" });
    },
  };
  const resolve = (url: string) => resolveAddress(url, directory, new AbortController().signal);
  const address = { scheme: "torrent", id: ID, name: "hello" };
  await t.step("to an id or a public key", async () => {
    assert.deepEqual(await resolve("torrent://alice/hello"), { address });
    assert.deepEqual(await resolve("torrent://bob/hello"), {
      address: { ...address, publicKey: KEY },
    });
    assert.deepEqual(await resolve(`torrent://${ID}/hello`), { address });
  });
  await t.step("an unknown name says how to add it", async () => {
    await assert.rejects(resolve("torrent://carol/hello"), {
      name: "RequestError",
      code: "unknown-name",
      hint: "gtr name add carol <id>",
    });
  });
  await t.step("an address in a network's own form is asked of the network", async () => {
    assert.deepEqual(await resolve("nostr://npub1abc/wss%3A%2F%2Frelay/hello"), {
      address: { ...address, scheme: "nostr" },
      warning: "seldom",
    });
    assert.deepEqual(asked.splice(0), ["nostr://npub1abc/wss%3A%2F%2Frelay/hello"]);
    assert.deepEqual(await resolve(`nostr://${ID}/hello`), {
      address: { ...address, scheme: "nostr" },
    });
  });
  await t.step("names at a domain are asked of the registry, and of nothing else", async () => {
    assert.deepEqual(asked, []);
    assert.deepEqual(await resolve("torrent://Alice@example.org/hello"), {
      address: { ...address, publicKey: KEY },
      warning: "first use",
    });
    assert.deepEqual(asked, ["alice of example.org"]);
  });
});
