import assert from "node:assert/strict";
import { join } from "node:path";
import { keyFromSeed } from "../../../lib/identity/keys.ts";
import { Names } from "../../../lib/identity/names.ts";

const { id: ID, publicKeyHex: KEY } = keyFromSeed(new Uint8Array(32).fill(4));

async function withNames(run: (names: Names, path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "home", "names.json");
    await run(new Names(path), path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("names are added, changed, listed in order and removed", () =>
  withNames(async (names, path) => {
    assert.deepEqual(await names.list(), []);
    assert.equal(await names.get("bob"), undefined);
    await names.add("bob", ID);
    await names.add("alice", KEY.toUpperCase());
    assert.deepEqual(await names.list(), [
      { name: "alice", publisher: KEY },
      { name: "bob", publisher: ID },
    ]);
    await names.add("bob", KEY);
    assert.equal(await new Names(path).get("bob"), KEY);
    await names.remove("alice");
    assert.deepEqual(await names.list(), [{ name: "bob", publisher: KEY }]);
    assert.deepEqual(JSON.parse(await Deno.readTextFile(path)), {
      version: 1,
      names: { bob: KEY },
    });
  }));

Deno.test("a name says where it was imported from, until it is given anew", () =>
  withNames(async (names, path) => {
    await names.add("alice", KEY, "alice@example.org");
    await names.add("bob", ID);
    const alice = { name: "alice", publisher: KEY, from: "alice@example.org" };
    assert.deepEqual(await names.find("alice"), alice);
    assert.deepEqual(await names.list(), [alice, { name: "bob", publisher: ID }]);
    await names.add("alice", ID);
    assert.deepEqual(await names.find("alice"), { name: "alice", publisher: ID });
    await names.add("alice", KEY, "alice@example.org");
    await names.remove("alice");
    assert.deepEqual(JSON.parse(await Deno.readTextFile(path)), { version: 1, names: { bob: ID } });
    assert.equal(await names.find("constructor"), undefined);
  }));

Deno.test("a publisher can be given by any address that contains its id or key", () =>
  withNames(async (names) => {
    await names.add("a", `torrent://${ID.toUpperCase()}/hello`);
    await names.add("b", `torrent://${KEY}/hello.git/`);
    assert.deepEqual(await names.list(), [
      { name: "a", publisher: ID },
      { name: "b", publisher: KEY },
    ]);
  }));

Deno.test("what names no publisher is refused", () =>
  withNames(async (names) => {
    for (
      const publisher of ["", "x", ID.slice(1), "torrent://bob/hello", "torrent://al@b.org/hello"]
    ) {
      await assert.rejects(names.add("a", publisher), { name: "UsageError", code: "bad-address" });
    }
    await assert.rejects(names.add("a", "torrent://"), { message: /the publisher is missing/ });
  }));

Deno.test("what can't be a petname is refused", () =>
  withNames(async (names) => {
    for (
      const name of ["", "-a", ".a", "a b", "a/b", "a@b", "é", "x".repeat(65), "__proto__", ID, KEY]
    ) {
      await assert.rejects(names.add(name, ID), { name: "UsageError", code: "bad-name" }, name);
    }
    await assert.rejects(names.add(ID.slice(2), ID), { message: /it looks like a publisher's id/ });
    await assert.rejects(names.add(ID.slice(8), ID), { message: /it looks like a publisher's id/ });
    await assert.rejects(names.add("a b", ID), { message: /it has not the form of a name/ });
    await assert.rejects(names.add("x".repeat(81), ID), { message: /'x{80}'/ });
    await names.add("x".repeat(64), ID);
    await names.add(ID.slice(9), ID); // 31 digits are nobody's id
  }));

Deno.test("names that objects have by nature are names like others", () =>
  withNames(async (names) => {
    for (const name of ["constructor", "toString", "hasOwnProperty", "prototype"]) {
      assert.equal(await names.get(name), undefined);
      await assert.rejects(names.remove(name), { code: "unknown-name" });
      await names.add(name, ID);
      assert.equal(await names.get(name), ID);
    }
    assert.equal((await names.list()).length, 4);
  }));

Deno.test("a name that is not there can't be removed", () =>
  withNames(async (names) => {
    await assert.rejects(names.remove("bob"), {
      name: "RequestError",
      code: "unknown-name",
      hint: "gtr name list shows the names there are",
    });
  }));

Deno.test("names added at the same time are all kept", () =>
  withNames(async (names, path) => {
    const all = Array.from({ length: 10 }, (_, i) => `n${i}`);
    await Promise.all(all.map((name) => new Names(path).add(name, ID)));
    assert.deepEqual((await names.list()).map(({ name }) => name), all);
  }));

Deno.test("a damaged file is refused, told and left alone; unknown fields are kept", () =>
  withNames(async (names, path) => {
    await names.add("bob", ID);
    for (
      const text of [
        "",
        "[]",
        '{"version":2,"names":{}}',
        '{"version":1}',
        '{"version":1,"names":[]}',
        '{"version":1,"names":{"bob":5}}',
        '{"version":1,"names":null}',
        `{"version":1,"names":{},"from":{"bob":5}}`,
        `{"version":1,"names":{},"from":[]}`,
        '{"version":1,"names":{"bob":"xyz"}}',
        `{"version":1,"names":{"../x":"${ID}"}}`,
        `{"version":1,"names":{"__proto__":"${ID}"}}`,
      ]
    ) {
      await Deno.writeTextFile(path, text);
      await assert.rejects(names.add("alice", ID), { name: "StoreError", code: "bad-names" }, text);
      assert.equal(await Deno.readTextFile(path), text);
    }
    await Deno.writeTextFile(path, `{"version":1,"later":[1],"names":{}}`);
    await names.add("bob", ID);
    assert.deepEqual(JSON.parse(await Deno.readTextFile(path)).later, [1]);
  }));
