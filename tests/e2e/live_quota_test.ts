/** What comes live keeps to the quota of its repository, though nobody has signed its size. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Node } from "./node.ts";
import { until } from "./until.ts";

const noise = (bytes: number) => randomBytes(bytes).toString("base64");

/** Checks that git told why, and how to allow more. */
function assertRefused({ code, stderr }: { code: number; stderr: string }, left: RegExp): void {
  assert.notEqual(code, 0);
  assert.match(stderr, left);
  assert.match(stderr, /hint: gtr config store\.quota and store\.repositoryQuota allow more/);
}

Deno.test("an announced repository that outgrows its quota is refused while it comes", async (t) => {
  await using alice = await Node.make("none");
  await Deno.mkdir(alice.path("work"));
  await alice.git("init", "-q", "work");
  await alice.commit("work", "small.txt", noise(50_000));
  const url = await alice.gtrIn(alice.path("work"), "init", "--flow", "announce");
  await using bob = await Node.make(await alice.dht(), { GTR_STORE_REPOSITORYQUOTA: "200k" });
  await bob.git("clone", "-q", url, "copy");
  const stored = await bob.stored("work", alice);
  const before = await bob.git("-C", stored, "rev-parse", "main");
  const oid = await alice.commit("work", "large.txt", noise(400_000));
  await bob.untilPublished(url, "refs/heads/main", oid);

  await t.step("a first clone", async () => {
    await using carol = await Node.make(await alice.dht(), { GTR_STORE_REPOSITORYQUOTA: "100k" });
    const clone = await carol.run("git", ["clone", url, "copy"]);
    assertRefused(clone, /can't fetch work: it takes more than the 102400 bytes that store\.quota/);
    assert.deepEqual((await carol.status()).repositories, []);
  });
  await t.step("a pull, which leaves the copy as it was", async () => {
    const pull = await bob.run("git", ["-C", bob.path("copy"), "pull", "-q"]);
    assertRefused(pull, /can't fetch work: it takes more than the 1\d{5} bytes that store\.quota/);
    assert.equal(await bob.git("-C", stored, "rev-parse", "main"), before);
    await bob.git("-C", stored, "fsck", "--full");
    assert.match(await bob.gtr("status"), /over quota/);
  });
  await t.step("what is followed", async () => {
    const { code, stderr } = await bob.run("gtr", ["follow", url]);
    assert.equal(code, 1);
    assert.match(stderr, /can't fetch work: it takes more than the 1\d{5} bytes/);
    const tries = (await bob.gtr("daemon", "logs")).matchAll(/can't use|bytes live/g);
    assert.equal([...tries].length, 1, "no peer is blamed, or asked again");
  });
  await t.step("with more room it comes", async () => {
    await bob.stopGtd();
    Object.assign(bob.env, { GTR_STORE_REPOSITORYQUOTA: "1m" });
    await bob.gitIn(bob.path("copy"), "pull", "-q");
    assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), oid);
    await until("status shows no quota exceeded", async () => {
      return !(await bob.status()).repositories[0].overQuota;
    });
  });
});
