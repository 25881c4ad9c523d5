import assert from "node:assert/strict";
import { Follows } from "../../../lib/store/follows.ts";
import { User } from "./support.ts";

const URL = "torrent://3f1c9a0e5b7d2c4f6a8b0d1e3f5a7c9b1d3e5f70/tools";

Deno.test("follow: asks gtd, and prints the address", async () => {
  await using user = await User.make();
  const followed = await user.gtr(user.folder, "follow", URL);
  assert.deepEqual([followed.code, followed.out], [0, `${URL}\n`]);
  assert.match(followed.err, /^following tools: /);
  const json = await user.gtr(user.folder, "follow", URL, "--json");
  assert.deepEqual(JSON.parse(json.out), { address: URL, sequence: 3 });
  user.warnings = ["nobody answered"];
  assert.match((await user.gtr(user.folder, "follow", URL)).err, /^warning: nobody answered\n/);
  assert.deepEqual(user.asked, Array.from({ length: 3 }, () => `follow ${URL}`));
});

Deno.test("follow: takes branches by their names, and refuses what can't be any", async () => {
  await using user = await User.make();
  const followed = await user.gtr(user.folder, "follow", URL, "--branches", "main,refs/heads/a/b");
  assert.deepEqual([followed.code, followed.out], [0, `${URL}\n`]);
  assert.match(followed.err, /keeps the copy up to date with main, a\/b\n$/);
  const many = Array.from({ length: 1000 }, (_, i) => `b${i}`);
  await user.gtr(user.folder, "follow", URL, "--branches", [...many, "b0"].slice(1).join());
  assert.deepEqual(user.asked, [
    `follow ${URL} as main+a/b change`,
    `follow ${URL} as ${[...many.slice(1), "b0"].join("+")} change`,
  ]);
  for (const wrong of ["", ",", "main,", "a b", "topic/*", "HEAD", [...many, "b"].join()]) {
    const refused = await user.gtr(user.folder, "follow", URL, "--branches", wrong);
    assert.equal(refused.code, 2, wrong);
    assert.match(refused.err, /^gtr: can't follow these branches: .*\nhint: .*patterns are not/);
  }
  const nothing = await user.gtr(user.folder, "follow", "--branches", "main");
  assert.equal(nothing.code, 2);
  assert.match(nothing.err, /--branches needs an address\nhint: /);
  assert.equal(user.asked.length, 2);
});

Deno.test("follow: lists what is followed without gtd, also what is not here", async () => {
  await using user = await User.make();
  user.daemon = "broken";
  const none = await user.gtr(user.folder, "follow");
  assert.deepEqual([none.code, none.out], [0, ""]);
  assert.match(none.err, /^nothing is followed/);
  assert.equal((await user.gtr(user.folder, "follow", "--json")).out, "[]\n");

  const publisher = "ab".repeat(32);
  const { signal } = new AbortController();
  await new Follows(user.home).add({ scheme: "torrent", publisher, name: "tools" }, signal);
  const [listed] = JSON.parse((await user.gtr(user.folder, "follow", "--json")).out);
  assert.match(listed.address, /^torrent:\/\/[0-9a-f]{40}\/tools$/);
  assert.deepEqual(listed, { ...listed, sequence: null, bytes: null, created: null });
  const table = (await user.gtr(user.folder, "follow")).out.split("\n");
  assert.match(table[0]!, /^ADDRESS +PUBLISHED +SIZE +BRANCHES$/);
  assert.match(table[1]!, /\/tools +- +- +all$/);

  const branches = ["main", "dev"];
  await new Follows(user.home).put(
    { scheme: "torrent", publisher, name: "tools", branches },
    signal,
  );
  const [some] = JSON.parse((await user.gtr(user.folder, "follow", "--json")).out);
  assert.deepEqual(some, { ...listed, branches });
  assert.match((await user.gtr(user.folder, "follow")).out, / main, dev\n$/);
});

Deno.test("unfollow: removes the copy unless --keep; needs an address", async () => {
  await using user = await User.make();
  const removed = await user.gtr(user.folder, "unfollow", URL);
  assert.deepEqual([removed.code, removed.out], [0, ""]);
  assert.match(removed.err, /its copy is removed\n$/);
  user.warnings = ["first use of alice@example.org"];
  const kept = await user.gtr(user.folder, "unfollow", "--keep", "--json", URL);
  assert.deepEqual(JSON.parse(kept.out), { address: URL, removed: false });
  assert.match(kept.err, /^warning: first use of alice@example.org\n.*its copy is kept\n$/);
  assert.deepEqual(user.asked, [`unfollow ${URL} false`, `unfollow ${URL} true`]);
  const wrong = await user.gtr(user.folder, "unfollow");
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /missing required argument 'address'\nhint: gtr help unfollow/);
});
