import assert from "node:assert/strict";
import { join } from "node:path";
import { git, User } from "./support.ts";

const OID = "ab".repeat(20);
const ADDRESS = "torrent://3f1c9a0e5b7d2c4f6a8b0d1e3f5a7c9b1d3e5f70/tools";

/** A repository of one commit. */
async function repository(user: User): Promise<{ path: string; oid: string }> {
  const path = join(user.folder, "work");
  await Deno.mkdir(path);
  await git(path, "init", "-q", "-b", "main");
  await git(path, "commit", "-q", "--allow-empty", "-m", "first");
  return { path, oid: await git(path, "rev-parse", "HEAD") };
}

Deno.test("who: asks about the commit that git means, and prints what peers say", async () => {
  await using user = await User.make();
  const { path, oid } = await repository(user);
  user.holders = [
    {
      address: ADDRESS,
      sequence: 7,
      peers: [
        { network: "torrent", peer: "192.0.2.1:6881", sequence: 7, has: "yes" },
        { network: "torrent", peer: "192.0.2.2:6881", sequence: 0, has: "older" },
      ],
    },
    {
      address: `${ADDRESS}-2`,
      sequence: 8,
      peers: [{ network: "default", peer: "\x1bx:1", sequence: 8, has: "claimed" }],
    },
  ];
  const { code, out } = await user.gtr(path, "who", "HEAD");
  assert.equal(code, 0);
  assert.deepEqual(out.split("\n"), [
    `${ADDRESS}, sequence 7`,
    "PEER            NETWORK  SEQUENCE  HAS IT",
    "192.0.2.1:6881  torrent         7  yes",
    "192.0.2.2:6881  torrent         -  older",
    "",
    `${ADDRESS}-2, sequence 8`,
    "PEER  NETWORK  SEQUENCE  HAS IT",
    "?x:1  default         8  claimed",
    "nobody but you is known to have it",
    "",
  ]);
  user.warnings = ["first use of alice@example.org"];
  const json = await user.gtr(path, "who", "main", "--json", "--repository", ADDRESS);
  assert.equal(json.err, "warning: first use of alice@example.org\n");
  assert.deepEqual(JSON.parse(json.out), { commit: oid, repositories: user.holders });
  assert.deepEqual(user.asked, [`who ${oid} undefined`, `who ${oid} ${ADDRESS}`]);
});

Deno.test("who: a full id needs no repository around, any other name does", async () => {
  await using user = await User.make();
  assert.equal((await user.gtr(user.folder, "who", OID.toUpperCase())).code, 0);
  assert.deepEqual(user.asked, [`who ${OID} undefined`]);
  const outside = await user.gtr(user.folder, "who", "HEAD");
  assert.equal(outside.code, 1);
  assert.match(outside.err, /can't say who has HEAD: this is not a git repository\nhint: /);
  const { path } = await repository(user);
  for (const name of ["nothing", "--all", "HEAD:"]) {
    const { code, err } = await user.gtr(path, "who", "--", name);
    assert.equal(code, 1);
    assert.match(err, /^gtr: can't say who has .*: there is no such commit here\nhint: /);
  }
  assert.equal((await user.gtr(path, "who")).code, 2);
});

Deno.test("init and share: an address, and a failure where too few peers have it", async () => {
  await using user = await User.make();
  const { path } = await repository(user);
  user.shortfall = "published, but only 0 of 1 peer has it after 30 s";
  for (const args of [["init"], ["share", "main"]]) {
    const { code, out, err } = await user.gtr(path, ...args);
    assert.equal(code, 1);
    assert.match(out, /^torrent:\/\/[0-9a-f]{40}\/work\n$/);
    assert.equal(err.split("\n")[0], `gtr: ${user.shortfall}`);
  }
  const json = await user.gtr(path, "share", "--json");
  assert.equal(json.code, 1);
  assert.equal(JSON.parse(json.out).repository, "work");
  const removed = await user.gtr(path, "remove", "main");
  assert.equal(removed.code, 0, "there is no waiting for what is taken back");
  assert.match(removed.err, /^warning: published, but only/);
});
