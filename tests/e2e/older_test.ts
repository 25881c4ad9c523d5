/** A publication that nobody online has: a first clone makes do with the one before, and says so. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Node } from "./node.ts";

/** More than the DHT itself keeps. */
const noise = () => randomBytes(300_000).toString("base64");

const USING_OLDER =
  /the newest publication is (\d+), of .* UTC; nobody online has it; using (\d+), of/;

for (const flow of ["both", "announce"]) {
  Deno.test(`a publication that nobody has is made up for by the one before (${flow})`, async (t) => {
    await using hub = await Node.make("none");
    const bootstrap = await hub.dht();
    await using alice = await Node.make(bootstrap);
    await Deno.mkdir(alice.path("work"));
    await alice.git("init", "-q", "work");
    const first = await alice.commit("work", "one", noise());
    const url = await alice.gtrIn(alice.path("work"), "init", "--flow", flow);
    await using bob = await Node.make(bootstrap);
    await bob.git("clone", "-q", url, "copy");
    const second = await alice.commit("work", "two", noise());
    await bob.untilPublished(url, "refs/heads/main", second);
    await alice.killGtd();

    await using carol = await Node.make(bootstrap, { GTR_NETWORK_TIMEOUT: "10" });
    const head = (copy: string) => carol.gitIn(carol.path(copy), "rev-parse", "HEAD");

    await t.step(
      "refs are listed without fetching anything, also in an empty repository",
      async () => {
        await carol.git("init", "-q", "empty");
        await carol.gitIn(carol.path("empty"), "remote", "add", "origin", url);
        const listed = await carol.gitIn(carol.path("empty"), "ls-remote", "origin", "HEAD");
        assert.equal(listed, `${second}\tHEAD`);
        await assert.rejects(Deno.stat(await carol.stored("work", alice)), Deno.errors.NotFound);
      },
    );
    await t.step("a first clone takes what bob has, and says what is missing", async () => {
      const { code, stderr } = await carol.run("git", ["clone", url, "copy"]);
      assert.equal(code, 0, stderr);
      const [, newest, used] = USING_OLDER.exec(stderr) ?? assert.fail(stderr);
      assert.ok(Number(newest) > Number(used));
      assert.equal(stderr.match(/nobody online has it/g)?.length, 1);
      const own = join(await carol.stored("work", alice), "gtr");
      const { manifest } = JSON.parse(await Deno.readTextFile(join(own, "manifest.json")));
      const { sequence } = JSON.parse(await Deno.readTextFile(join(own, "state.json")));
      assert.deepEqual([manifest.sequence, sequence], [Number(used), Number(newest)]);
      assert.equal(await head("copy"), first);
      await carol.gitIn(carol.path("copy"), "fsck", "--full");
    });
    await t.step("so does another, with nobody else online", async () => {
      await bob.stopGtd();
      const { code, stderr } = await carol.run("git", ["clone", url, "again"]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, USING_OLDER);
      assert.equal(await head("again"), first);
    });
    await t.step("a pull doesn't pretend that there is nothing new", async () => {
      const { code } = await carol.run("git", ["-C", carol.path("copy"), "pull", "-q"]);
      assert.notEqual(code, 0);
      assert.equal(await head("copy"), first);
    });
    await t.step("with the publisher back, a pull takes the newest", async () => {
      await alice.gtr("daemon", "start");
      await carol.untilPublished(url, "refs/heads/main", second);
      await carol.gitIn(carol.path("copy"), "pull", "-q");
      assert.equal(await head("copy"), second);
      await carol.git("clone", "-q", url, "third");
      assert.equal(await head("third"), second);
    });
  });
}
