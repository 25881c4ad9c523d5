import assert from "node:assert/strict";
import { join } from "node:path";
import { git, User } from "./support.ts";

const ADDRESS = /^torrent:\/\/[0-9a-f]{40}\/hello\n$/;

Deno.test("init: prints only the address, shares HEAD's branch, and changes nothing again", async () => {
  await using user = await User.make();
  const folder = await user.repository("hello");
  const first = await user.gtr(folder, "init");
  assert.deepEqual({ ...first, out: "" }, { code: 0, out: "", err: "" });
  assert.match(first.out, ADDRESS);
  const settings = join(folder, ".git", "gtr", "settings.json");
  const written = await Deno.readTextFile(settings);
  assert.deepEqual(JSON.parse(written), {
    version: 1,
    name: "hello",
    branches: ["refs/heads/main"],
    tags: "reachable",
  });
  assert.deepEqual(JSON.parse(await Deno.readTextFile(user.home.shares)), {
    version: 1,
    shares: [{ gitDir: join(folder, ".git"), name: "hello" }],
  });
  const before = (await Deno.stat(settings)).ino;
  await git(folder, "checkout", "-q", "-b", "next");
  const second = await user.gtr(folder, "init");
  assert.deepEqual(second, first, "another branch is not shared by the way");
  assert.equal((await Deno.stat(settings)).ino, before, "not written again");
  assert.equal(user.published.length, 2);
  assert.equal(await git(folder, "status", "--porcelain"), "");
});

Deno.test("init: makes a repository where there is none and says so on stderr", async () => {
  await using user = await User.make();
  const outcome = await user.gtr(user.folder, "init", "hello", "--description", "A greeting");
  assert.equal(outcome.code, 0);
  assert.match(outcome.out, ADDRESS);
  assert.equal(outcome.err, `made a git repository in ${join(user.folder, "hello")}\n`);
  const branch = await git(join(user.folder, "hello"), "symbolic-ref", "HEAD");
  assert.deepEqual(user.published[0]!.branches, [branch], "shared before its first commit");
});

Deno.test("init: a subfolder of a repository becomes one of its own", async () => {
  await using user = await User.make();
  const outer = await user.repository("outer");
  const inner = await user.at("outer", "hello");
  const { out, err } = await user.gtr(inner, "init");
  assert.match(out, ADDRESS);
  assert.equal(err, `made a git repository in ${inner}, inside that of ${outer}\n`);
  assert.equal(user.published[0]!.gitDir, join(inner, ".git"));
});

Deno.test("init: bare repositories, worktrees and git directories", async () => {
  await using user = await User.make();
  const main = await user.repository("hello");
  const bare = join(user.folder, "bare.git");
  await git(user.folder, "clone", "-q", "--bare", main, bare);
  assert.match((await user.gtr(bare, "init")).out, /\/bare\n$/);

  const linked = join(user.folder, "linked");
  await git(main, "worktree", "add", "-q", linked, "-b", "next");
  assert.match((await user.gtr(linked, "init")).out, ADDRESS);
  assert.deepEqual(user.published.at(-1), {
    gitDir: join(main, ".git"),
    branches: ["refs/heads/next"],
  });

  assert.match((await user.gtr(join(main, ".git"), "init")).out, ADDRESS);
  assert.match((await user.gtr(join(main, ".git", "refs"), "init")).out, ADDRESS);
});

Deno.test("init: refuses what is no folder", async () => {
  await using user = await User.make();
  const file = join(user.folder, "file");
  await Deno.writeTextFile(file, "");
  for (const path of [file, join(file, "below")]) {
    const { code, out, err } = await user.gtr(user.folder, "init", path);
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, /^gtr: can't share .*: it is not a folder\nhint: /);
  }
});

Deno.test("init: GIT_DIR names the repository", async () => {
  await using user = await User.make();
  const folder = await user.repository("hello");
  user.env.set("GIT_DIR", join(folder, ".git"));
  const elsewhere = await user.at("elsewhere");
  assert.equal((await user.gtr(elsewhere, "init")).code, 0);
  assert.equal(user.published[0]!.gitDir, join(folder, ".git"));
});

Deno.test("init: refuses a repository that git refuses, instead of making one inside", async () => {
  await using user = await User.make();
  const folder = await user.at("hello");
  await Deno.writeTextFile(join(folder, ".git"), "gitdir: /nowhere\n");
  const { code, out, err } = await user.gtr(folder, "init");
  assert.deepEqual({ code, out }, { code: 1, out: "" });
  assert.match(err, /^gtr: can't use the repository in .*\/hello: .*\/nowhere\nhint: git -C /);
});

Deno.test("init: a name in use needs another, unless its folder is gone", async () => {
  await using user = await User.make();
  const first = await user.repository("a/hello");
  const second = await user.repository("b/hello");
  await user.gtr(first, "init");
  const refused = await user.gtr(second, "init");
  assert.equal(refused.code, 1);
  assert.equal(
    refused.err,
    `gtr: can't share this repository as hello: ${first}/.git is shared under that name\n` +
      "hint: choose another name: gtr init --name <name>\n",
  );
  assert.match((await user.gtr(second, "init", "--name", "other")).out, /\/other\n$/);

  const moved = join(user.folder, "c");
  await Deno.rename(first, moved);
  assert.match((await user.gtr(moved, "init")).out, ADDRESS, "a moved repository keeps its name");
  const { shares } = JSON.parse(await Deno.readTextFile(user.home.shares));
  assert.deepEqual(shares, [
    { gitDir: `${second}/.git`, name: "other" },
    { gitDir: `${moved}/.git`, name: "hello" },
  ]);
});

Deno.test("init: refuses another name for what is shared, and names that no address can hold", async () => {
  await using user = await User.make();
  const folder = await user.repository("hello");
  await user.gtr(folder, "init");
  const renamed = await user.gtr(folder, "init", "--name", "bye");
  assert.equal(renamed.code, 1);
  assert.match(renamed.err, /it is shared as hello\nhint: .*gtr remove --repository hello/);

  const bad = await user.gtr(user.folder, "init", "new", "--name", "../x");
  assert.equal(bad.code, 2);
  await assert.rejects(Deno.stat(join(user.folder, "new")), Deno.errors.NotFound);

  const nameless = await user.gtr(await user.at("日本"), "init");
  assert.equal(nameless.code, 1);
  assert.match(nameless.err, /hint: .*gtr init --name <name>\n$/);
});

Deno.test("init: says why where HEAD is detached or gtd can't be reached; what is kept is shared later", async () => {
  await using user = await User.make();
  const folder = await user.repository("hello");
  await git(folder, "checkout", "-q", "--detach");
  const detached = await user.gtr(folder, "init");
  assert.equal(detached.code, 1);
  assert.match(detached.err, /HEAD is detached\nhint: name it: gtr share <branch>\n/);
  await git(folder, "checkout", "-q", "main");
  user.daemon = "broken";
  assert.deepEqual(await user.gtr(folder, "init"), {
    code: 1,
    out: "",
    err: "gtr: can't reach gtd: it is a test\n",
  });
  user.daemon = "running";
  assert.match((await user.gtr(folder, "init")).out, ADDRESS);
});

Deno.test("share: adds branches; unknown ones list those there are", async () => {
  await using user = await User.make();
  const folder = await user.repository("hello");
  await git(folder, "branch", "next");
  await git(folder, "branch", "topic/a");
  const unknown = await user.gtr(folder, "share", "nxt");
  assert.deepEqual(unknown, {
    code: 1,
    out: "",
    err:
      "gtr: can't share nxt: there is no such branch\nhint: branches here: main, next, topic/a\n",
  });
  assert.match((await user.gtr(folder, "share", "next", "refs/heads/topic/a")).out, ADDRESS);
  const { out } = await user.gtr(folder, "share", "--json");
  const { addresses, ...rest } = JSON.parse(out);
  assert.deepEqual(rest, {
    flow: "both",
    repository: "hello",
    branches: ["next", "topic/a", "main"],
    tags: "reachable",
  });
  assert.match(`${addresses.torrent}\n`, ADDRESS);
});

Deno.test("share: --tags of a shared repository leaves its branches alone", async () => {
  await using user = await User.make();
  const folder = await user.repository("hello");
  await user.gtr(folder, "init");
  await git(folder, "checkout", "-q", "-b", "private");
  const all = JSON.parse((await user.gtr(folder, "share", "--tags", "--json")).out);
  assert.deepEqual([all.branches, all.tags], [["main"], "all"]);
  const some = JSON.parse((await user.gtr(folder, "share", "--no-tags", "--json")).out);
  assert.deepEqual([some.branches, some.tags], [["main"], "reachable"]);
});

Deno.test("share: outside of a repository", async () => {
  await using user = await User.make();
  const { code, err } = await user.gtr(user.folder, "share");
  assert.equal(code, 1);
  assert.match(err, /is in no git repository\nhint: .*gtr init\n$/);
});

Deno.test("share: warnings of the publication go to stderr", async () => {
  await using user = await User.make();
  user.warnings = ["not announced on torrent: nobody \x1b[31manswers"];
  const { code, err } = await user.gtr(await user.repository("hello"), "share");
  assert.deepEqual([code, err], [0, "warning: not announced on torrent: nobody ?[31manswers\n"]);
});

Deno.test("remove: one branch, then the last one unshares the repository", async () => {
  await using user = await User.make();
  const folder = await user.repository("hello");
  await git(folder, "branch", "next");
  await user.gtr(folder, "share", "main", "next");
  const unknown = await user.gtr(folder, "remove", "old");
  assert.equal(
    unknown.err,
    "gtr: can't stop sharing old: it is not shared\nhint: shared here: main, next\n",
  );
  assert.deepEqual(await user.gtr(folder, "remove", "next"), {
    code: 0,
    out: "",
    err: "no longer shared: next; still shared: main\n",
  });
  assert.deepEqual(user.published.at(-1)!.branches, ["refs/heads/main"]);
  const last = await user.gtr(folder, "remove", "--json", "main");
  assert.deepEqual(JSON.parse(last.out), { repository: "hello", branches: [], addresses: {} });
  assert.equal(last.err, "hello is no longer shared\n");
  assert.deepEqual(user.published.at(-1)!.branches, []);
  assert.equal((await user.gtr(folder, "list", "--json")).out, "[]\n");
  assert.match((await user.gtr(folder, "init", "--name", "new")).out, /\/new\n$/);
});

Deno.test("remove: what gtd could not withdraw stays on its list", async () => {
  await using user = await User.make();
  const folder = await user.repository("hello");
  await user.gtr(folder, "init");
  user.daemon = "broken";
  assert.equal((await user.gtr(folder, "remove", "main")).code, 1);
  const { shares } = JSON.parse(await Deno.readTextFile(user.home.shares));
  assert.equal(shares.length, 1);
  assert.equal((await user.gtr(folder, "list", "--json")).out, "[]\n");
  user.daemon = "running";
  assert.equal((await user.gtr(folder, "remove", "--repository", "hello")).code, 0);
  const after = JSON.parse(await Deno.readTextFile(user.home.shares));
  assert.deepEqual(after.shares, []);
});

Deno.test("remove: a copy of a shared repository can't withdraw the original", async () => {
  await using user = await User.make();
  const folder = await user.repository("hello");
  await user.gtr(folder, "init");
  const copy = join(user.folder, "copy");
  await git(user.folder, "clone", "-q", folder, copy);
  await Deno.mkdir(join(copy, ".git", "gtr"));
  await Deno.copyFile(
    join(folder, ".git", "gtr", "settings.json"),
    join(copy, ".git", "gtr", "settings.json"),
  );
  const { code, err } = await user.gtr(copy, "remove", "main");
  assert.equal(code, 1);
  assert.match(err, /it is not shared\n/);
  assert.equal(user.published.length, 1);
});

Deno.test("remove: by name, also where the folder is gone", async () => {
  await using user = await User.make();
  const folder = await user.repository("hello");
  await user.gtr(folder, "init");
  await Deno.remove(folder, { recursive: true });
  const listed = await user.gtr(user.folder, "list", "--json");
  assert.equal(listed.out, "[]\n");
  assert.match(
    listed.err,
    /the folder of hello is gone.*\nhint: .*gtr remove --repository hello\n/,
  );
  user.daemon = "broken";
  assert.equal((await user.gtr(user.folder, "remove", "--repository", "hello")).code, 1);
  user.daemon = "running";
  assert.deepEqual(await user.gtr(user.folder, "remove", "--repository", "hello"), {
    code: 0,
    out: "",
    err: "hello is no longer shared\n",
  });
  assert.deepEqual(user.published.at(-1), { gitDir: `${folder}/.git`, branches: undefined });
  assert.equal((await user.gtr(user.folder, "remove", "--repository", "hello")).code, 1);
});

Deno.test("remove: wants branches or a repository, not both and not neither", async () => {
  await using user = await User.make();
  const folder = await user.repository("hello");
  for (const words of [[], ["main", "--repository", "hello"]]) {
    const { code, err } = await user.gtr(folder, "remove", ...words);
    assert.equal(code, 2);
    assert.match(err, /hint: gtr help remove\n$/);
  }
});

Deno.test("list: every shared branch of every repository", async () => {
  await using user = await User.make();
  const empty = await user.gtr(user.folder, "list");
  assert.deepEqual([empty.code, empty.out], [0, ""]);
  await assert.rejects(Deno.stat(user.home.identity), Deno.errors.NotFound);

  const folder = await user.repository("hello");
  await user.gtr(folder, "init");
  const unborn = await user.at("unborn");
  await git(unborn, "init", "-q", "-b", "trunk");
  await user.gtr(unborn, "init", "--flow", "announce");
  const { id } = JSON.parse((await user.gtr(user.folder, "id", "--json")).out);
  const oid = await git(folder, "rev-parse", "main");
  assert.deepEqual(JSON.parse((await user.gtr(user.folder, "list", "--json")).out), [
    {
      repository: "hello",
      branch: "main",
      oid,
      state: "not published", // the gtd of this test puts nothing into the store
      addresses: { torrent: `torrent://${id}/hello`, holepunch: `holepunch://${id}/hello` },
    },
    {
      repository: "unborn",
      branch: "trunk",
      oid: null,
      flow: "announce",
      addresses: { torrent: `torrent://${id}/unborn`, holepunch: `holepunch://${id}/unborn` },
    },
  ]);
  assert.deepEqual((await user.gtr(user.folder, "list")).out.split("\n"), [
    "REPOSITORY  BRANCH  COMMIT      STATE          FLOW      ADDRESS",
    `hello       main    ${oid.slice(0, 10)}  not published  both      ${
      addresses(id, "hello").join(" ")
    }`,
    `unborn      trunk   -           published      announce  ${addresses(id, "unborn").join(" ")}`,
    "",
  ]);
});

Deno.test("list: what gtd serves, and what keeps it from that, not what this shell says", async () => {
  await using user = await User.make();
  await user.gtr(await user.repository("hello"), "init");
  user.env.set("GTR_TRANSPORTS", "holepunch");
  user.own = {
    hello: { addresses: { torrent: "torrent://by-gtd/hello" }, hindrances: ["it rains"] },
  };
  const { out, err } = await user.gtr(user.folder, "list");
  assert.match(out, /not published {2}torrent:\/\/by-gtd\/hello\n$/);
  assert.equal(err, "warning: hello: it rains\n");
  user.daemon = "stopped";
  assert.match((await user.gtr(user.folder, "list")).out, / holepunch:\/\/[0-9a-f]{40}\/hello\n$/);
});

Deno.test("share and init: a branch that can't be published is refused, and nothing is shared", async () => {
  await using user = await User.make();
  const folder = await user.repository("hello");
  const long = "x".repeat(240);
  await git(folder, "update-ref", `refs/heads/${long}`, "HEAD");
  await git(folder, "update-ref", "refs/heads/a/-x", "HEAD");
  await git(folder, "symbolic-ref", "HEAD", "refs/heads/a/-x");
  for (
    const [words, why] of [
      [
        ["share", long],
        /^gtr: can't share x{240}: its name is too long: over 250 bytes, .*\nhint: /,
      ],
      [["init"], /^gtr: can't share a\/-x: a part of its name starts with "-"\nhint: /],
    ] as const
  ) {
    const { code, out, err } = await user.gtr(folder, ...words);
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, why);
  }
  assert.deepEqual(user.published, []);
  assert.equal((await user.gtr(folder, "list")).out, "");
});

/** Where a repository is by default. */
const addresses = (id: string, name: string) => [
  `torrent://${id}/${name}`,
  `holepunch://${id}/${name}`,
];

Deno.test("list: the networks that were chosen, in that order", async () => {
  await using user = await User.make();
  await user.gtr(await user.repository("hello"), "init");
  const { id } = JSON.parse((await user.gtr(user.folder, "id", "--json")).out);
  const [torrent, holepunch] = addresses(id, "hello");
  for (
    const [chosen, listed] of [
      ["holepunch,torrent", [holepunch, torrent]],
      ["holepunch,holepunch", [holepunch]],
      ["torrent", [torrent]],
    ] as const
  ) {
    user.env.set("GTR_TRANSPORTS", chosen);
    const [first] = JSON.parse((await user.gtr(user.folder, "list", "--json")).out);
    assert.deepEqual(Object.values(first.addresses), listed);
  }
});

Deno.test("list: an address on a server, where others reach one", async () => {
  await using user = await User.make();
  await user.gtr(await user.repository("hello"), "init");
  user.env.set("GTR_DEFAULT_ADDRESS", "git.example.org");
  const listed = async () =>
    Object.values(JSON.parse((await user.gtr(user.folder, "list", "--json")).out)[0].addresses);
  const { id } = JSON.parse((await user.gtr(user.folder, "id", "--json")).out);
  assert.deepEqual(await listed(), addresses(id, "hello"));
  user.env.set("GTR_DEFAULT_LISTEN", "0.0.0.0:8443");
  assert.deepEqual(await listed(), [
    ...addresses(id, "hello"),
    `default://git.example.org/${id}/hello`,
  ]);
  user.env.delete("GTR_DEFAULT_ADDRESS");
  assert.deepEqual(await listed(), addresses(id, "hello"));
  user.env.set("GTR_DEFAULT_LISTEN", "192.0.2.1:8443");
  assert.deepEqual(await listed(), [
    ...addresses(id, "hello"),
    `default://192.0.2.1:8443/${id}/hello`,
  ]);
});

Deno.test("pack: describes the packs", async () => {
  await using user = await User.make();
  const folder = await user.repository("hello");
  user.packs = [{
    sha256: "a".repeat(64),
    infohash: "b".repeat(40),
    size: 1234,
    objects: 5,
    magnet: "magnet:?xt=urn:btih:b",
  }];
  assert.deepEqual(JSON.parse((await user.gtr(folder, "pack", "--json")).out), user.packs);
  assert.deepEqual((await user.gtr(folder, "pack")).out.split("\n"), [
    `PACK      ${"a".repeat(64)}`,
    `infohash  ${"b".repeat(40)}`,
    "size      1234 bytes",
    "objects   5",
    "magnet    magnet:?xt=urn:btih:b",
    "",
  ]);
});
