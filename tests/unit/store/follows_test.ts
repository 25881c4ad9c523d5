import assert from "node:assert/strict";
import { StoreError } from "../../../lib/common/errors.ts";
import { Home } from "../../../lib/common/home.ts";
import { Follows } from "../../../lib/store/follows.ts";
import { soon, tempDir } from "../engine/fixture.ts";

const [one, two] = ["one", "two"].map((name) => ({
  scheme: "torrent",
  publisher: "ab".repeat(32),
  name,
})) as [FollowOf, FollowOf];
type FollowOf = { scheme: string; publisher: string; name: string };

Deno.test("follows are added once, listed in order and removed; unknown fields stay", async () => {
  await using temp = await tempDir();
  const home = new Home(temp.path);
  const follows = new Follows(home);
  using wait = soon();
  assert.deepEqual(await follows.list(), []);
  await follows.add(one, wait.signal);
  await follows.add(two, wait.signal);
  await follows.add({ ...one, scheme: "nostr" }, wait.signal);
  assert.deepEqual(await follows.list(), [one, two]);
  assert.equal(await follows.has(two), true);

  const file = JSON.parse(await Deno.readTextFile(home.follows));
  assert.equal(file.version, 1);
  file.follows[1].later = 7;
  await Deno.writeTextFile(home.follows, JSON.stringify({ ...file, more: true }));
  assert.equal(await follows.remove(one, wait.signal), true);
  assert.equal(await follows.remove(one, wait.signal), false);
  assert.deepEqual(JSON.parse(await Deno.readTextFile(home.follows)), {
    version: 1,
    more: true,
    follows: [{ ...two, later: 7 }],
  });
});

Deno.test("branches are replaced by put, and stay as they are where add finds them", async () => {
  await using temp = await tempDir();
  const home = new Home(temp.path);
  const follows = new Follows(home);
  using wait = soon();
  await follows.put({ ...one, branches: ["main", "dev"] }, wait.signal);
  await follows.add(two, wait.signal);
  const file = JSON.parse(await Deno.readTextFile(home.follows));
  file.follows[0].later = 7;
  await Deno.writeTextFile(home.follows, JSON.stringify(file));
  await follows.add(one, wait.signal);
  assert.deepEqual(await follows.list(), [{ ...one, branches: ["main", "dev"] }, two]);
  assert.deepEqual(await follows.find(one), { ...one, branches: ["main", "dev"] });
  await follows.put({ ...one, scheme: "nostr", branches: ["next"] }, wait.signal);
  assert.deepEqual(await follows.list(), [{ ...one, branches: ["next"] }, two]);
  await follows.put(one, wait.signal);
  await follows.put({ ...two, branches: undefined }, wait.signal);
  assert.deepEqual(await follows.list(), [one, two]);
  assert.deepEqual(JSON.parse(await Deno.readTextFile(home.follows)), {
    version: 1,
    follows: [{ ...one, later: 7 }, two],
  });
});

Deno.test("many at the same time lose none", async () => {
  await using temp = await tempDir();
  using wait = soon();
  const names = Array.from({ length: 20 }, (_, i) => `r${i}`);
  await Promise.all(
    names.map((name) => new Follows(new Home(temp.path)).add({ ...one, name }, wait.signal)),
  );
  const listed = await new Follows(new Home(temp.path)).list();
  assert.deepEqual(listed.map(({ name }) => name).toSorted(), names.toSorted());
});

Deno.test("a file that is not what gtr writes is an error, and stays as it is", async () => {
  await using temp = await tempDir();
  const home = new Home(temp.path);
  using wait = soon();
  const entry = (change: object) =>
    JSON.stringify({ version: 1, follows: [{ ...one, ...change }] });
  const bad = [
    "{",
    "{}",
    '{"version":2,"follows":[]}',
    entry({ publisher: "xy" }),
    entry({ name: "../x" }),
    entry({ scheme: "" }),
    entry({ branches: "main" }),
    entry({ branches: [] }),
    entry({ branches: ["../x"] }),
    entry({ branches: Array.from({ length: 1001 }, (_, i) => `b${i}`) }),
  ];
  for (const text of bad) {
    await Deno.writeTextFile(home.follows, text);
    await assert.rejects(
      new Follows(home).add(two, wait.signal),
      (error) => error instanceof StoreError && error.code === "bad-follows" && !!error.hint,
      text,
    );
    assert.equal(await Deno.readTextFile(home.follows), text);
  }
});

Deno.test("repositories of one name by two publishers are two", async () => {
  await using temp = await tempDir();
  const follows = new Follows(new Home(temp.path));
  using wait = soon();
  const theirs = { ...one, publisher: "cd".repeat(32), branches: ["next"] };
  await follows.add(one, wait.signal);
  assert.equal(await follows.has(theirs), false);
  await follows.add(theirs, wait.signal);
  assert.deepEqual(await follows.list(), [one, theirs]);
  await follows.put({ ...theirs, branches: ["main"] }, wait.signal);
  assert.deepEqual(await follows.find(one), one);
  assert.equal(await follows.remove(theirs, wait.signal), true);
  assert.deepEqual(await follows.list(), [one]);
});
