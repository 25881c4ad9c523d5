/** How the data gets to readers: announced, put, or both. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Node } from "./node.ts";
import { until, untilFile } from "./until.ts";

const text = (bytes: number) => randomBytes(bytes / 2).toString("hex");

/** Packs in a repository of the store. */
async function packsOf(repository: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(join(repository, "objects", "pack")));
  return entries.map(({ name }) => name).filter((name) => name.endsWith(".pack"));
}

async function log(node: Node): Promise<string> {
  return await Deno.readTextFile(join(node.home, "gtd.log"));
}

/** Bytes that came live with a publication, as gtd logged it; undefined where packs came. */
async function liveBytes(node: Node): Promise<number | undefined> {
  const [last] = (await log(node)).matchAll(/followed \S+: publication \d+, (.*)$/gm).toArray()
    .slice(
      -1,
    );
  const [, bytes] = /^(\d+) bytes live$/.exec(last?.[1] ?? "") ?? [];
  return bytes === undefined ? undefined : Number(bytes);
}

async function manifest(repository: string) {
  return JSON.parse(await Deno.readTextFile(join(repository, "gtr", "manifest.json"))).manifest;
}

async function publisher(flow: string, env: Record<string, string> = {}) {
  const alice = await Node.make("none", env);
  await Deno.mkdir(alice.path("work"));
  await alice.git("init", "-q", "work");
  const oid = await alice.commit("work", "big.txt", text(400_000));
  const url = await alice.gtrIn(alice.path("work"), "init", "--flow", flow);
  await alice.untilPublished(url, "refs/heads/main", oid);
  return { alice, url };
}

Deno.test("an announced repository is cloned, pulled and pushed to, by live streams", async (t) => {
  const { alice, url } = await publisher("announce");
  await using _alice = alice;
  await using bob = await Node.make(await alice.dht());
  const work = alice.path("work");
  const head = (node: Node, path: string) => node.gitIn(node.path(path), "rev-parse", "HEAD");

  await t.step("no pack of it is in the network", async () => {
    const { flow, packs, refs } = await manifest(await alice.stored("work"));
    assert.deepEqual([flow, packs, Object.keys(refs)], ["announce", [], ["refs/heads/main"]]);
    assert.equal(JSON.parse(await alice.gtr("list", "--json"))[0].flow, "announce");
    const [status] = (await alice.status()).repositories;
    assert.equal(status.packs, 1);
    assert.ok(status.bytes > 200_000);
  });
  await t.step("clone", async () => {
    await bob.git("clone", "-q", url, "copy");
    assert.equal(await head(bob, "copy"), await head(alice, "work"));
    await bob.gitIn(bob.path("copy"), "fsck", "--full");
    assert.ok((await liveBytes(bob))! > 200_000);
  });
  await t.step("pulls, of which few packs are kept", async () => {
    for (let i = 0; i < 12; i++) {
      const oid = await alice.commit("work", `file-${i}`, text(2000));
      await bob.untilPublished(url, "refs/heads/main", oid);
      await bob.gitIn(bob.path("copy"), "pull", "-q");
      assert.equal(await head(bob, "copy"), oid);
      assert.ok((await liveBytes(bob))! < 4000);
    }
    await bob.gitIn(bob.path("copy"), "fsck", "--full");
    const packs = await packsOf(await bob.stored("work", alice));
    assert.ok(packs.length <= 6, `${packs.length} packs`);
    assert.deepEqual((await manifest(await alice.stored("work"))).packs, []);
  });
  await t.step("a push, and a branch less", async () => {
    await alice.git("clone", "-q", url, "second");
    await alice.commit("second", "pushed", "by hand\n");
    await alice.gitIn(alice.path("second"), "push", "-q", "origin", "main", "main:next");
    const oid = await head(alice, "second");
    await bob.untilPublished(url, "refs/heads/next", oid);
    await bob.gitIn(bob.path("copy"), "pull", "-q");
    assert.equal(await head(bob, "copy"), oid);
    await alice.gitIn(alice.path("second"), "push", "-q", "origin", ":next");
    await bob.untilPublished(url, "refs/heads/next", undefined);
    await bob.gitIn(bob.path("copy"), "fetch", "-q", "--prune");
    assert.equal((await manifest(await alice.stored("work"))).flow, "announce");
  });
  await t.step("a bundle can't hold what nobody has signed", async () => {
    const { code, stderr } = await alice.run("gtr", ["bundle", "export", url, "work.bundle"]);
    assert.equal(code, 1);
    assert.match(stderr, /can't bundle work: its publisher signs no packs/);
  });
  await t.step("with its publisher offline a reader serves it", async () => {
    // A branch that is gone leaves git nothing to fetch: the reader's copy is of before that.
    await alice.gitIn(work, "pull", "-q", url, "main");
    const oid = await alice.commit("work", "last", "words\n");
    await bob.untilPublished(url, "refs/heads/main", oid);
    await bob.gitIn(bob.path("copy"), "pull", "-q");
    await using carol = await Node.make(await bob.dht());
    await carol.gtr("daemon", "start");
    await alice.stopGtd();
    await carol.git("clone", "-q", url, "copy");
    assert.equal(await head(carol, "copy"), oid);
  });
  await t.step("with nobody online that is told, and how to help it", async () => {
    await using dora = await Node.make(await bob.dht());
    await dora.git("ls-remote", url); // the pointer is there
    await bob.gtr("config", "live.streams", "0");
    await bob.stopGtd();
    await bob.gtr("daemon", "start");
    const { code, stderr } = await dora.run("git", ["clone", url, "copy"]);
    assert.equal(code, 128);
    assert.match(stderr, /its publisher only announces it, and no peer serves it now/);
    assert.match(stderr, /hint: the publisher, or someone who cloned it, must be online/);
  });
});

Deno.test("flows change to and fro, and readers keep up", async () => {
  const { alice, url } = await publisher("both");
  await using _alice = alice;
  await using bob = await Node.make(await alice.dht());
  await bob.git("clone", "-q", url, "copy");
  const work = alice.path("work");
  const stored = await alice.stored("work");
  for (const [flow, file] of [["announce", "a"], ["put", "b"], ["announce", "c"], ["both", "d"]]) {
    const { sequence } = await manifest(stored);
    await alice.gtrIn(work, "share", "--flow", flow!);
    const changed = await manifest(stored);
    assert.equal(changed.flow ?? "both", flow);
    assert.ok(changed.sequence > sequence);
    assert.equal(changed.packs.length > 0, flow !== "announce");
    const oid = await alice.commit("work", file!, text(100_000));
    await bob.untilPublished(url, "refs/heads/main", oid);
    await bob.gitIn(bob.path("copy"), "pull", "-q");
    assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), oid);
    assert.equal((await liveBytes(bob)) === undefined, flow === "put", flow);
    const { code, stderr } = await bob.run("git", [
      "clone",
      "-q",
      "--depth=1",
      url,
      `part-${file}`,
    ]);
    assert.equal(code, 0, stderr);
    await using carol = await Node.make(await alice.dht());
    await carol.git("clone", "-q", url, "copy");
    assert.equal(await carol.gitIn(carol.path("copy"), "rev-parse", "HEAD"), oid);
  }
  await bob.gitIn(bob.path("copy"), "fsck", "--full");
  await alice.gtrIn(work, "share", "--flow", "announce");
  await alice.gtrIn(work, "remove", "main");
  await bob.untilPublished(url, "refs/heads/main", undefined);
});

Deno.test("what is new comes live where packs cost much, and as packs where nobody serves it", async () => {
  const { alice, url } = await publisher("both");
  await using _alice = alice;
  await using bob = await Node.make(await alice.dht());
  await bob.git("clone", "-q", url, "copy");
  assert.equal(await liveBytes(bob), undefined);
  const pull = async (oid: string) => {
    await bob.untilPublished(url, "refs/heads/main", oid);
    await bob.gitIn(bob.path("copy"), "pull", "-q");
    assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), oid);
  };
  await pull(await alice.commit("work", "costly", text(200_000)));
  assert.ok((await liveBytes(bob))! > 100_000);
  await alice.stopGtd();
  Object.assign(alice.env, { GTR_LIVE_STREAMS: "0" });
  await alice.gtr("daemon", "start");
  await pull(await alice.commit("work", "costly", text(200_000)));
  assert.equal(await liveBytes(bob), undefined);
  await bob.gitIn(bob.path("copy"), "fsck", "--full");
});

Deno.test("a stream that is cut falls back to packs; a kill in its middle loses nothing", async (t) => {
  const { alice, url } = await publisher("both", { GTR_LIVE_UPLOADRATE: "100000" });
  await using _alice = alice;
  await using carol = await Node.make(await alice.dht(), { GTR_LIVE_STREAMS: "0" });
  await using bob = await Node.make(await carol.dht(), { GTR_LIVE_WAIT: "2" });
  await bob.git("clone", "-q", url, "copy");
  const stored = await bob.stored("work", alice);
  const oid = await alice.commit("work", "large", text(1_000_000));
  await bob.untilPublished(url, "refs/heads/main", oid);
  await carol.git("clone", "-q", url, "copy");
  const receiving = () => untilFile(join(stored, "gtr"), /quarantine-.*\/pack\/tmp_pack/);

  await t.step("kill -9 of the reader's gtd", async () => {
    const pull = bob.run("git", ["-C", bob.path("copy"), "pull", "-q"]);
    await receiving();
    await bob.killGtd();
    assert.notEqual((await pull).code, 0);
    await bob.gtr("daemon", "start");
    await bob.git("-C", stored, "fsck", "--full");
    await until("leftovers are gone", async () => {
      const names = (await Array.fromAsync(Deno.readDir(join(stored, "gtr")))).map((e) => e.name);
      return !names.some((name) => name.startsWith("quarantine-"));
    });
  });
  await t.step("kill -9 of the publisher's", async () => {
    const pull = bob.run("git", ["-C", bob.path("copy"), "pull", "-q"]);
    await receiving();
    await alice.killGtd();
    const { code, stderr } = await pull;
    assert.equal(code, 0, stderr);
    assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), oid);
    assert.equal(await liveBytes(bob), undefined);
    assert.match(await log(bob), /can't fetch work from .*: /);
  });
});
