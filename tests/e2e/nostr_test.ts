/** Repositories over Nostr, without any other network: real relays, Blossom servers and git. */
import assert from "node:assert/strict";
import { startBlossom, startGrasp, startRelay } from "../fixtures/nostr/servers.ts";
import { noise } from "./history.ts";
import { Node } from "./node.ts";
import { until } from "./until.ts";

const NPUB_ADDRESS = /^nostr:\/\/(npub1[a-z0-9]{58})\/ws%3A%2F%2F127\.0\.0\.1%3A\d+\/hello$/;

/** A relay, a Blossom server, and users that know nothing else. */
async function world() {
  const stack = new AsyncDisposableStack();
  const relay = stack.use(await startRelay());
  const blossom = stack.use(await startBlossom());
  const join = async (env: Record<string, string> = {}) =>
    stack.use(
      await Node.make("none", {
        GTR_TRANSPORTS: "nostr",
        GTR_NOSTR_RELAYS: relay.url,
        GTR_NOSTR_BLOSSOM: blossom.url,
        ...env,
      }),
    );
  return { relay, blossom, join, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

Deno.test("nostr: share, clone, pull, push, tag, force and delete", async (t) => {
  await using w = await world();
  const alice = await w.join();
  const url = await alice.share("hello");
  const npub = NPUB_ADDRESS.exec(url)?.[1];
  assert(npub, url);
  await t.step("gtr list shows the same address", async () => {
    const [{ addresses }] = JSON.parse(await alice.gtr("list", "--json"));
    assert.deepEqual(addresses, { nostr: url });
  });

  // A reader who has set nothing: the address says where to look.
  const bob = await w.join({ GTR_NOSTR_RELAYS: "none", GTR_NOSTR_BLOSSOM: "none" });
  await t.step("clone by an address that names a relay", async () => {
    await bob.git("clone", "-q", url, "clone");
    assert.equal(await Deno.readTextFile(bob.path("clone", "readme.txt")), "hello\n");
    await bob.gitIn(bob.path("clone"), "fsck", "--full", "--strict");
  });
  await t.step("pull", async () => {
    const tip = await alice.commit("hello", "second", "two\n");
    await bob.untilPublished(url, "refs/heads/main", tip);
    await bob.gitIn(bob.path("clone"), "pull", "-q");
    assert.equal(await bob.gitIn(bob.path("clone"), "rev-parse", "HEAD"), tip);
  });
  const carol = await w.join();
  await t.step("the same repository by gtr://, by petname and by npub alone", async () => {
    const { id } = JSON.parse(await alice.gtr("id", "--json"));
    await carol.gtr("name", "add", "alice", id);
    const tip = await alice.gitIn(alice.path("hello"), "rev-parse", "main");
    for (const address of [`gtr://${id}/hello`, "gtr://alice/hello", `nostr://${npub}/hello`]) {
      const seen = await carol.git("ls-remote", address, "refs/heads/main");
      assert.equal(seen.split("\t")[0], tip, address);
    }
  });
  await t.step("push to one's own address: a branch, a tag, by force, and away", async () => {
    await alice.git("clone", "-q", url, "work");
    const work = alice.path("work");
    const push = (...args: string[]) => alice.gitIn(work, "push", "-q", "origin", ...args);
    await alice.commit("work", "third", "three\n");
    await alice.gitIn(work, "tag", "-a", "-m", "one", "v1");
    await push("main:topic", "v1");
    const tip = await alice.gitIn(work, "rev-parse", "HEAD");
    const tag = await alice.gitIn(work, "rev-parse", "v1");
    await bob.untilPublished(url, "refs/heads/topic", tip);
    await bob.gitIn(bob.path("clone"), "fetch", "-q", "--tags");
    assert.equal(await bob.gitIn(bob.path("clone"), "rev-parse", "v1"), tag);
    await alice.gitIn(work, "commit", "-q", "--amend", "-m", "another");
    await push("--force", "main:topic");
    const forced = await alice.gitIn(work, "rev-parse", "HEAD");
    await bob.untilPublished(url, "refs/heads/topic", forced);
    await push("--delete", "topic", "v1");
    await bob.untilPublished(url, "refs/heads/topic", undefined);
    await bob.untilPublished(url, "refs/tags/v1", undefined);
  });
  await t.step("push to someone else's is refused", async () => {
    const { code, stderr } = await bob.run("git", ["push", "origin", "main:x"], {
      cwd: bob.path("clone"),
    });
    assert.notEqual(code, 0);
    assert.match(stderr, /can't push|refused|rejected/);
  });
  await t.step("following brings what is new without being asked", async () => {
    await carol.gtr("follow", url);
    const tip = await alice.commit("hello", "fourth", "four\n");
    await until("the follower has it", async () => {
      const store = await carol.stored("hello", alice);
      const { stdout } = await carol.run("git", ["-C", store, "rev-parse", "refs/heads/main"]);
      return stdout.trim() === tip;
    });
  });
  await t.step("gtr doctor and status tell of relays and servers", async () => {
    await alice.figure("nostr", "relays");
    const { nostr } = (await alice.status()).transports;
    assert.deepEqual(nostr, { relays: "1 of 1", servers: "1 of 1", npub });
  });
  await t.step("what is shared no more is nowhere", async () => {
    await alice.gtrIn(alice.path("hello"), "remove", "main");
    await alice.gtr("remove", "--repository", "hello").catch(() => {});
    const dave = await w.join();
    await until(
      "it is gone",
      async () => (await dave.run("git", ["ls-remote", url])).stdout === "",
    );
  });
});

Deno.test("nostr: one repository and one identity on every network", async () => {
  await using w = await world();
  const alice = await w.join({ GTR_TRANSPORTS: "torrent,nostr" });
  await alice.share("hello");
  const { id, publicKey } = JSON.parse(await alice.gtr("id", "--json"));
  const [{ addresses }] = JSON.parse(await alice.gtr("list", "--json"));
  const bob = await w.join({
    GTR_TRANSPORTS: "torrent,nostr",
    GTR_TORRENT_BOOTSTRAP: await alice.dht(),
  });
  await bob.git("clone", "-q", addresses.torrent, "clone");
  const tip = await alice.commit("hello", "second", "two\n");
  await bob.untilPublished(addresses.nostr, "refs/heads/main", tip);
  await bob.gitIn(bob.path("clone"), "pull", "-q", addresses.nostr, "main");
  assert.equal(await bob.gitIn(bob.path("clone"), "rev-parse", "HEAD"), tip);
  const { repositories } = await bob.status();
  assert.equal(repositories.length, 1);
  assert.match(repositories[0].address, new RegExp(`${id}/hello$`));
  await bob.stored("hello", alice).then((path) => Deno.stat(path));
  // Nobody seeds it now, and the relay is gone: each network stands in for the other.
  await w.relay.kill();
  await alice.gitIn(alice.path("hello"), "ls-remote", `torrent://${publicKey}/hello`);
  const third = await alice.commit("hello", "third", "three\n");
  await bob.untilPublished(addresses.torrent, "refs/heads/main", third);
});

Deno.test("nostr: a publisher who has gone, and one relay of two with it", async () => {
  await using w = await world();
  await using second = await startRelay();
  const alice = await w.join({ GTR_NOSTR_RELAYS: `${w.relay.url},${second.url}` });
  await alice.git("init", "-q", "hello");
  const tip = await alice.commit("hello", "noise", noise(8_000_000, 1));
  const url = await alice.gtrIn(alice.path("hello"), "init");
  await alice.killGtd(); // what was said to be published is
  await w.relay.kill();
  const bob = await w.join({ GTR_NOSTR_RELAYS: second.url });
  await bob.git("clone", "-q", url, "clone"); // the address names the dead one
  assert.equal(await bob.gitIn(bob.path("clone"), "rev-parse", "HEAD"), tip);
  await second.kill();
  const carol = await w.join({ GTR_NOSTR_RELAYS: second.url });
  const { code, stderr } = await carol.run("git", ["clone", url, "clone"]);
  assert.notEqual(code, 0);
  assert.match(stderr, /can't reach ws:\/\/127\.0\.0\.1/);
});

Deno.test("nostr: a GRASP server has it for everyone's git", async () => {
  await using w = await world();
  const folder = await Deno.makeTempDir();
  try {
    await using grasp = await startGrasp(folder);
    const alice = await w.join({ GTR_NOSTR_GRASP: grasp.url });
    const url = await alice.share("hello");
    const npub = NPUB_ADDRESS.exec(url)![1];
    const clone = `${grasp.url}/${npub}/hello.git`;
    const stranger = await Node.make("none", { PATH: Deno.env.get("PATH")! });
    try {
      const has = (oid: string) => async () =>
        (await stranger.run("git", ["ls-remote", clone, "refs/heads/main"])).stdout
          .startsWith(oid);
      await until(
        "the server has it",
        has(await alice.gitIn(alice.path("hello"), "rev-parse", "main")),
      );
      await stranger.git("clone", "-q", clone, "clone");
      await until("the server has more", has(await alice.commit("hello", "second", "two\n")));
      await stranger.gitIn(stranger.path("clone"), "pull", "-q");
    } finally {
      await stranger[Symbol.asyncDispose]().catch(() => {});
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
