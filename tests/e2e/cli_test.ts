/** The command line as people and scripts use it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { complains } from "./complaint.ts";
import { BIN, Node } from "./node.ts";

const SHA256 = /^[0-9a-f]{64}$/;

/** Fails unless `value` has exactly these keys. */
function assertKeys(value: object, keys: readonly string[]): void {
  assert.deepEqual(Object.keys(value).sort(), [...keys].sort());
}

Deno.test("JSON for scripts", async (t) => {
  await using alice = await Node.make("none");
  const json = async (...args: string[]) => JSON.parse(await alice.gtr(...args, "--json"));
  const url = await alice.share("hello");
  const oid = await alice.gitIn(alice.path("hello"), "rev-parse", "HEAD");
  await using bob = await Node.make(await alice.dht());
  await bob.git("clone", "-q", url, "copy");

  await t.step("gtr id", async () => {
    const { id, publicKey, ...rest } = await json("id");
    assert.deepEqual(rest, {});
    assert.match(publicKey, SHA256);
    const digest = await crypto.subtle.digest("SHA-1", Uint8Array.fromHex(publicKey));
    assert.equal(id, new Uint8Array(digest).toHex());
    assert.equal(await alice.gtr("id"), id);
    assert.equal(url, `torrent://${id}/hello`);
  });
  await t.step("gtr list", async () => {
    const holepunch = url.replace("torrent:", "holepunch:");
    assert.deepEqual(await json("list"), [
      { repository: "hello", branch: "main", oid, addresses: { torrent: url, holepunch } },
    ]);
    assert.match(
      await alice.gtr("list"),
      new RegExp(`^hello +main +${oid.slice(0, 10)} +${url} ${holepunch}$`, "m"),
    );
  });
  await t.step("gtr status", async () => {
    for (const [node, role] of [[alice, "published"], [bob, "followed"]] as const) {
      const status = await node.status();
      const { daemon, transports, repositories, store, reach, verdict, ...others } = status;
      assert.deepEqual(others, { warnings: [], dropped: {} });
      assertKeys(reach, ["torrent", "holepunch"]);
      for (const { how } of Object.values<{ how: string }>(reach)) assert.equal(how, "local");
      assert.equal(verdict.who, "local");
      assertKeys(store, ["bytes", "quota"]);
      assertKeys(daemon, ["pid", "version", "uptimeSeconds"]);
      assertKeys(transports, ["torrent", "holepunch", "nostr", "default"]);
      assertKeys(transports.torrent, ["dht", "nodes", "listen"]);
      assert.match(transports.torrent.dht, /^127\.0\.0\.1:\d+$/);
      assert.match(transports.torrent.listen, /^127\.0\.0\.1:\d+$/);
      assert.equal(transports.torrent.nodes, 1);
      assert.equal(repositories.length, 1);
      assertKeys(repositories[0], [
        "address",
        "sequence",
        "packs",
        "bytes",
        "role",
        "pinned",
        "peers",
        "overQuota",
      ]);
      assert.deepEqual(
        [repositories[0].address, repositories[0].role, repositories[0].packs],
        [url, role, 1],
      );
    }
  });
  await t.step("gtr daemon status, start, stop", async () => {
    const { pid } = (await alice.status()).daemon;
    assert.deepEqual(await json("daemon", "start"), { pid, started: false });
    assert.equal((await json("daemon", "status")).pid, pid);
    assert.deepEqual(await json("daemon", "stop"), { stopped: true });
    assert.deepEqual(await json("daemon", "stop"), { stopped: false });
    const { code, stdout } = await alice.run("gtr", ["daemon", "status", "--json"]);
    assert.deepEqual([code, JSON.parse(stdout)], [1, { running: false }]);
    assert.match(await alice.gtr("daemon", "logs"), /gtd stopped$/);
  });
  await t.step("gtr setup", async () => {
    assert.deepEqual((await json("setup")).made, ["settings"]);
    const { git, home, identity, made } = await json("setup");
    assert.match(git, /^\d+\.\d+/);
    assert.deepEqual([home, identity, made], [alice.home, await json("id"), []]);
    assert.equal((await Deno.stat(join(alice.home, "identity.pem"))).mode! & 0o777, 0o600);
  });
});

Deno.test("gtr pack shows what will be published", async () => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const hello = alice.path("hello");
  // Stopped, so that the change is planned before it is published; gtr pack starts it again, and
  // what it publishes then has to be the same.
  await alice.stopGtd();
  const oid = await alice.commit("hello", "a.txt", "a\n".repeat(5000));
  const planned = JSON.parse(
    await alice.run("gtr", ["pack", "--json"], { cwd: hello, env: { GTR_DAEMON_AUTOSTART: "0" } })
      .then(({ stdout }) => stdout),
  );
  for (const pack of planned) {
    assertKeys(pack, ["sha256", "infohash", "size", "objects", "magnet"]);
    assert.match(pack.sha256, SHA256);
    assert.match(pack.infohash, /^[0-9a-f]{40}$/);
    assert(pack.magnet.startsWith(`magnet:?xt=urn:btih:${pack.infohash}&`), pack.magnet);
  }
  await alice.gtr("daemon", "start");
  await alice.untilPublished(url, "refs/heads/main", oid);
  const published = JSON.parse(await alice.gtrIn(hello, "pack", "--json"));
  assert.deepEqual(published, planned);
  const store = await alice.stored("hello");
  for (const { sha256, size } of planned) {
    const bytes = await Deno.readFile(join(store, "objects/pack", `pack-${sha256}.pack`));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    assert.deepEqual([digest.toHex(), bytes.length], [sha256, size]);
  }
});

Deno.test("gtr init", async (t) => {
  await using alice = await Node.make("none");
  await using bob = await Node.make(await alice.dht());

  await t.step("makes a repository where there is none, and says so on stderr", async () => {
    await Deno.mkdir(alice.path("fresh"));
    const { code, stdout, stderr } = await alice.run("gtr", ["init"], { cwd: alice.path("fresh") });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^torrent:\/\/[0-9a-f]{40}\/fresh\n$/);
    assert.match(stderr, /made a git repository in .*\/fresh$/m);
    assert.equal(await alice.gtrIn(alice.path("fresh"), "init"), stdout.trim(), "once more");
  });
  await t.step("before the first commit: that one is published", async () => {
    const url = await alice.gtrIn(alice.path("fresh"), "init");
    await bob.git("clone", "-q", url, "early"); // empty
    const oid = await alice.commit("fresh", "first.txt", "first\n");
    await bob.untilPublished(url, "refs/heads/main", oid);
    await bob.gitIn(bob.path("early"), "pull", "-q");
    assert.equal(await bob.gitIn(bob.path("early"), "rev-parse", "HEAD"), oid);
  });
  await t.step("shares the branch that HEAD names, under a name of choice", async () => {
    await alice.git("init", "-q", "-b", "master", "old");
    const oid = await alice.commit("old", "a.txt", "a\n");
    const url = await alice.gtr("init", "--name", "other", "--description", "words", "old");
    assert.match(url, /\/other$/);
    assert.equal(await bob.git("ls-remote", url), `${oid}\tHEAD\n${oid}\trefs/heads/master`);
  });
  await t.step("works in a bare repository and in a worktree", async () => {
    await alice.git("clone", "-q", "--bare", "old", "bare.git");
    assert.match(await alice.gtrIn(alice.path("bare.git"), "init"), /\/bare$/);
    await alice.gitIn(alice.path("old"), "worktree", "add", "-q", alice.path("tree"));
    const url = await alice.gtrIn(alice.path("tree"), "share");
    assert.match(url, /\/other$/);
    await bob.untilPublished(
      url,
      "refs/heads/tree",
      await alice.gitIn(alice.path("old"), "rev-parse", "HEAD"),
    );
  });
});

Deno.test("words, names and settings", async (t) => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const hello = alice.path("hello");
  await using bob = await Node.make(await alice.dht());

  await t.step("what is git's goes to git, with its exit code", async () => {
    assert.equal(await alice.gtrIn(hello, "log", "--format=%s"), "change readme.txt");
    const wrong = await alice.run("gtr", ["rev-parse", "--verify", "nope"], { cwd: hello });
    assert.equal(wrong.code, 128);
    assert.equal(wrong.stderr, "fatal: Needed a single revision\n");
    assert.equal((await alice.run("gtr", ["diff", "--quiet"], { cwd: hello })).code, 0);
    assert.equal((await alice.run("gtr", ["no-such-word"], { cwd: hello })).code, 1);
    const echoed = await alice.run("gtr", ["hash-object", "--stdin"], { cwd: hello, stdin: "x\n" });
    assert.equal(echoed.stdout, "587be6b4c3f93f93c489c0111bba5596147a26cb\n");
  });
  await t.step("gti is the same program", async () => {
    for (const args of [["-V"], ["id"], ["-h"]]) {
      assert.deepEqual(await alice.run("gti", args), await alice.run("gtr", args));
    }
  });
  await t.step("help and version", async () => {
    assert.match(
      await alice.gtr("-V"),
      /^gtr \d+\.\d+\.\d+ \(networks: torrent, holepunch, nostr, default\)$/,
    );
    const overview = await alice.gtr("--help");
    for (const verb of ["init", "share", "list", "remove", "pack", "setup", "status", "name add"]) {
      assert.match(overview, new RegExp(`^ +${verb}\\b`, "m"));
    }
    assert.equal(await alice.gtr("-h"), overview);
    assert.equal(await alice.gtr("help"), overview);
    assert.equal(await alice.gtr("help", "share"), await alice.gtr("share", "-h"));
    const none = await alice.run("gtr", []);
    assert.deepEqual([none.code, none.stdout, none.stderr.trimEnd()], [2, "", overview]);
  });
  await t.step("names", async () => {
    await bob.gtr("name", "add", "al", url);
    await bob.git("clone", "-q", "torrent://al/hello", "by-name");
    assert.equal(
      await bob.gitIn(bob.path("by-name"), "rev-parse", "origin/main"),
      await alice.gitIn(hello, "rev-parse", "main"),
    );
    const id = url.split("/")[2]!;
    assert.deepEqual(JSON.parse(await bob.gtr("name", "list", "--json")), [
      { name: "al", publisher: id },
    ]);
    await bob.gtr("name", "remove", "al");
    await complains(bob, ["git", "fetch"], {
      says: /no publisher has this name/,
      hints: /gtr name add al/,
    }, { cwd: bob.path("by-name") });
  });
  await t.step("settings", async () => {
    await bob.gtr("config", "publish.grace", "7");
    assert.equal(await bob.gtr("config", "publish.grace"), "7");
    assert.deepEqual(JSON.parse(await bob.gtr("config", "publish.grace", "--json")), {
      name: "publish.grace",
      value: 7,
      origin: "file",
    });
    await bob.gtr("config", "--unset", "publish.grace");
    assert.equal(await bob.gtr("config", "publish.grace"), "24");
  });
});

Deno.test("gtd starts when it is needed, and outlives who started it", async (t) => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const bootstrap = await alice.dht();

  await t.step("by the helper, with the settings of its environment", async () => {
    await using bob = await Node.make(bootstrap);
    const env = { GTR_TORRENT_MAXCONNECTIONS: "7", GIT_CONFIG_GLOBAL: bob.path(".gitconfig") };
    // A shell that ends at once, with its whole process group.
    const script = `set -m; (git clone -q ${url} copy); kill -TERM 0`;
    await bob.run("setsid", ["sh", "-c", script], { env });
    const pid = await bob.gtdPid();
    assert(pid !== undefined, "gtd is still there");
    const environment = await Deno.readTextFile(`/proc/${pid}/environ`);
    assert.match(environment, /(^|\0)GTR_TORRENT_MAXCONNECTIONS=7\0/);
    assert.doesNotMatch(environment, /(^|\0)GIT_DIR=/);
    assert.match(environment, /(^|\0)GIT_CONFIG_GLOBAL=\S+\.gitconfig\0/);
    assert.equal(await Deno.readTextFile(bob.path("copy/readme.txt")), "hello\n");
  });
  await t.step("gtr list says where that gtd publishes, not this shell", async () => {
    await using bob = await Node.make(bootstrap);
    await bob.share("hi");
    await bob.stopGtd();
    const env = { GTR_TRANSPORTS: "torrent" };
    await bob.run("gtr", ["daemon", "start"], { env });
    assert.match(await bob.gtr("list"), /^hi +main +[0-9a-f]{10} +torrent:\/\/\S+\/hi$/m);
    await bob.stopGtd();
    assert.match(await bob.gtr("list"), /torrent:\/\/\S+\/hi holepunch:\/\/\S+\/hi$/m);
  });
  await t.step("not when it must not: the helper does the work itself", async () => {
    await using bob = await Node.make(bootstrap, { GTR_DAEMON_AUTOSTART: "0" });
    await bob.git("clone", "-q", url, "copy");
    assert.equal(await Deno.readTextFile(bob.path("copy/readme.txt")), "hello\n");
    assert.equal(await bob.gtdPid(), undefined);
    await complains(bob, ["gtr", "status"], { says: /gtd does not run/, hints: /daemon start/ });
    await using second = await Node.make(bootstrap, { GTR_DAEMON_AUTOSTART: "0" });
    const mine = await second.share("mine"); // published although no gtd runs
    assert.match(mine, /\/mine$/);
    assert.equal(await second.gtdPid(), undefined);
  });
  await t.step("the programs work from anywhere, also through links", async () => {
    await Deno.symlink(join(BIN, "gtr"), alice.path("linked"));
    assert.equal(await alice.run(alice.path("linked"), ["id"]).then((o) => o.code), 0);
  });
});
