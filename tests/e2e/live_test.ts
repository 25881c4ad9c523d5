/** Part of a repository, straight from a peer. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Node } from "./node.ts";

const FILE = 1_000_000;
const VERSIONS = 6;

/** A publisher of six versions of a megabyte that does not compress. */
async function publisher(env: Record<string, string> = {}): Promise<{ alice: Node; url: string }> {
  const alice = await Node.make("none", env);
  const url = await alice.share("big");
  let oid = "";
  for (let i = 0; i < VERSIONS; i++) {
    const bytes = randomBytes(FILE / 2).toString("hex");
    oid = await alice.commit("big", `file-${i % 2}.txt`, bytes);
  }
  await alice.untilPublished(url, "refs/heads/main", oid);
  return { alice, url };
}

/** Bytes of packs below a folder. */
async function packBytes(folder: string): Promise<number> {
  let sum = 0;
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) sum += await packBytes(path);
      else if (name.endsWith(".pack")) sum += (await Deno.stat(path)).size;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return sum;
}

Deno.test("a part of a repository is fetched from its publisher, and only that", async (t) => {
  const { alice, url } = await publisher();
  await using _alice = alice;
  await using bob = await Node.make(await alice.dht());
  const count = async (name: string) =>
    Number(await bob.gitIn(bob.path(name), "rev-list", "--count", "--all"));

  await t.step("--depth", async () => {
    await bob.git("clone", "-q", "--depth=1", url, "shallow");
    assert.equal(await count("shallow"), 1);
    const bytes = await packBytes(bob.path("shallow/.git"));
    assert.ok(bytes > FILE && bytes < 2 * FILE, `${bytes} bytes`);
    assert.equal(await packBytes(`${bob.home}/store`), 0);
    await bob.gitIn(bob.path("shallow"), "fsck", "--full");
  });
  await t.step("and more of it", async () => {
    await bob.gitIn(bob.path("shallow"), "fetch", "-q", "--deepen=1");
    assert.equal(await count("shallow"), 2);
    assert.equal(await packBytes(`${bob.home}/store`), 0);
  });
  await t.step("--filter, and blobs when they are looked at", async () => {
    await bob.git("clone", "-q", "--no-checkout", "--filter=blob:none", url, "partial");
    assert.ok(await packBytes(bob.path("partial/.git")) < 10_000);
    assert.equal(await count("partial"), VERSIONS + 1);
    await bob.gitIn(bob.path("partial"), "checkout", "-q", "main");
    const bytes = await packBytes(bob.path("partial/.git"));
    assert.ok(bytes > FILE && bytes < 2 * FILE, `${bytes} bytes`);
    assert.equal(await packBytes(`${bob.home}/store`), 0);
  });
  await t.step("a partial clone follows its publisher", async () => {
    const oid = await alice.commit("big", "readme.txt", "news\n");
    await bob.untilPublished(url, "refs/heads/main", oid);
    await bob.gitIn(bob.path("partial"), "pull", "-q");
    assert.equal(await bob.gitIn(bob.path("partial"), "rev-parse", "HEAD"), oid);
    assert.equal(await packBytes(`${bob.home}/store`), 0);
  });
});
