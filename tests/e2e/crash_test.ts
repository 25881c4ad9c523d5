/** kill -9 at any moment: nothing published is lost, nothing half-written stays. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertNoTrace, complains } from "./complaint.ts";
import { noise } from "./history.ts";
import { BIN, Node } from "./node.ts";
import { assertSound } from "./stored.ts";
import { until, untilFile } from "./until.ts";

const MEGABYTES = 1 << 20;

Deno.test("gtd is killed while it publishes", async (t) => {
  await using hub = await Node.make("none");
  const bootstrap = await hub.dht();
  await using alice = await Node.make(bootstrap);
  const url = await alice.share("hello");
  const store = await alice.stored("hello");
  await using bob = await Node.make(bootstrap);
  await bob.git("clone", "-q", url, "copy");
  const moments: readonly [string, RegExp][] = [
    ["while it packs", /\/gtr\/outgoing\/.+/],
    ["when the pack is in the store", /\/objects\/pack\/pack-[0-9a-f]{64}\.pack$/],
    ["while it writes the manifest", /\/manifest\.json\.[0-9a-f]+\.tmp$/],
    ["when the manifest is there", /\/gtr\/manifest\.json$/],
    ["while it sets the refs", /\/refs\/heads\/main|\/packed-refs/],
    ["while it writes the state", /\/state\.json\.[0-9a-f]+\.tmp$/],
  ];
  let size = 1;
  for (const [when, path] of moments) {
    await t.step(when, async () => {
      const pid = await alice.gtdPid();
      const seen = untilFile(store, path).then((found) => {
        Deno.kill(pid!, "SIGKILL");
        return found;
      });
      const content = noise(MEGABYTES, size += 1);
      const oid = await alice.commit("hello", "noise.txt", content);
      assert.match(await seen, path);
      await until("gtd has gone", async () => (await alice.gtdPid()) === undefined);
      // Whoever reads the store now finds it whole.
      await alice.git("--git-dir", store, "fsck", "--connectivity-only");

      await alice.gtr("daemon", "start");
      await bob.untilPublished(url, "refs/heads/main", oid);
      await assertSound(alice, store);
      await bob.gitIn(bob.path("copy"), "pull", "-q");
      await bob.gitIn(bob.path("copy"), "fsck", "--full");
      assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), oid);
    });
  }
});

/** A publisher who sends slowly, so that there is time to kill the one who fetches. */
async function slowPublisher(): Promise<{ alice: Node; url: string }> {
  const alice = await Node.make("none", { GTR_TORRENT_UPLOADRATE: String(2 * MEGABYTES) });
  const path = alice.path("large");
  await alice.git("init", "-q", path);
  await alice.commit("large", "noise.txt", noise(10 * MEGABYTES));
  return { alice, url: await alice.gtrIn(path, "init") };
}

/** Waits until so many bytes of a pack are on the reader's disk. */
async function untilReceived(node: Node, incoming: string, bytes: number): Promise<void> {
  await until("some of the pack has come", async () => {
    const { stdout } = await node.run("du", ["-s", "-B1", incoming]);
    return Number(stdout.split("\t")[0]) > bytes;
  });
}

Deno.test("gtd or the helper is killed during a fetch", async (t) => {
  const { alice, url } = await slowPublisher();
  await using _alice = alice;
  await using bob = await Node.make(await alice.dht());
  const store = await bob.stored("large", alice);
  const incoming = join(store, "gtr", "incoming");

  await t.step("gtd", async () => {
    await bob.gtr("daemon", "start");
    const clone = bob.run("git", ["clone", url, "one"]);
    await untilReceived(bob, incoming, 2 * MEGABYTES);
    await bob.killGtd();
    const { code, stderr } = await clone;
    assert.equal(code, 128, stderr);
    assert.match(stderr, /^gtr: .*gtd/m);
    assert.match(stderr, /^hint: /m);
    assertNoTrace(stderr);
    assert.equal(await Deno.stat(bob.path("one")).catch(() => "none"), "none");
  });

  await t.step("the helper", async () => {
    // A helper that says who it is before it becomes the real one.
    await Deno.mkdir(bob.path("bin"));
    await Deno.writeTextFile(
      bob.path("bin/git-remote-torrent"),
      `#!/bin/sh\necho $$ >"$HOME/helper.new" && mv "$HOME/helper.new" "$HOME/helper.pid"\n` +
        `exec ${BIN}/git-remote-torrent "$@"\n`,
      { mode: 0o755 },
    );
    const started = untilFile(bob.directory, /helper\.pid$/);
    const before = Number((await bob.run("du", ["-s", "-B1", incoming])).stdout.split("\t")[0]);
    assert(before > 2 * MEGABYTES, "what had come is kept");
    const clone = bob.run("git", ["clone", url, "two"], {
      env: { PATH: `${bob.path("bin")}:${bob.env.PATH}` },
    });
    await started;
    await untilReceived(bob, incoming, before + MEGABYTES);
    const gtd = await bob.gtdPid();
    Deno.kill(Number(await Deno.readTextFile(bob.path("helper.pid"))), "SIGKILL");
    assert.equal((await clone).code, 128);
    assert.equal(await Deno.stat(bob.path("two")).catch(() => "none"), "none");
    assert.equal(await bob.gtdPid(), gtd, "gtd goes on");
  });

  await t.step("the next clone goes on from what had come", async () => {
    const { code, stderr } = await bob.run("git", ["clone", "--progress", url, "three"]);
    assert.equal(code, 0, stderr);
    const first = /Receiving packs: +(\d+)%/.exec(stderr);
    assert(Number(first?.[1]) >= 20, stderr.slice(0, 300));
    await bob.gitIn(bob.path("three"), "fsck", "--full");
    await assertSound(bob, store);
  });
});

Deno.test("one gtd per home, whatever the last one left", async (t) => {
  await using node = await Node.make("none");
  const start = async () => JSON.parse(await node.gtr("daemon", "start", "--json")).pid as number;

  await t.step("started several times at once", async () => {
    const pids = await Promise.all([start(), start(), start(), start()]);
    assert.equal(new Set(pids).size, 1);
    assert.equal(await node.gtdPid(), pids[0]);
  });
  await t.step("a second one says that the first one runs", async () => {
    const pid = await node.gtdPid();
    const { code, stderr } = await node.run("gtd", []);
    assert.deepEqual([code, stderr], [0, `gtd: already running (pid ${pid})\n`]);
    assert.equal(await node.gtdPid(), pid);
  });
  await t.step("a stale socket and a stale lock", async () => {
    await node.killGtd();
    assert((await Deno.lstat(join(node.home, "gtd.sock"))).isSocket);
    assert((await Deno.lstat(join(node.home, "gtd.lock"))).isFile);
    assert.equal(await start(), await node.gtdPid());
  });
  await t.step("something else in the socket's place", async () => {
    await node.stopGtd();
    await Deno.writeTextFile(join(node.home, "gtd.sock"), "no socket\n");
    assert.equal(await start(), await node.gtdPid());
  });
  await t.step("the lock of a repository whose holder died", async () => {
    const url = await node.share("hello");
    const store = await node.stored("hello");
    assert((await Deno.lstat(store.replace(/\.git$/, ".lock"))).isFile);
    await node.killGtd();
    const oid = await node.commit("hello", "a.txt", "a\n");
    await node.untilPublished(url, "refs/heads/main", oid);
  });
  await t.step("one that hangs is named, not waited for for ever", async () => {
    const pid = await node.gtdPid();
    Deno.kill(pid!, "SIGSTOP");
    try {
      await complains(node, ["gtr", "daemon", "start"], {
        says: new RegExp(
          `^gtr: can't start gtd: another one \\(process ${pid}\\) holds .* and does not answer`,
        ),
        hints: new RegExp(`end that process, then try again: kill ${pid}$`),
        within: 30_000,
      });
    } finally {
      Deno.kill(pid!, "SIGCONT");
    }
  });
});
