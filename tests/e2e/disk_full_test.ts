/** A full disk: a clear error, nothing lost, and it goes on once there is space. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { complains } from "./complaint.ts";
import { canMount, smallDisk } from "../../scripts/local/disk.ts";
import { noise } from "./history.ts";
import { Node } from "./node.ts";
import { assertSound } from "./stored.ts";

const FULL = { says: /no space left/, hints: /free some space/ };

/** Writes a file until there is no space left. */
async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const block = new Uint8Array(4096).fill(1);
  await assert.rejects(async () => {
    for (;;) await file.write(block);
  });
}

Deno.test({
  name: "the disk is full (needs the right to mount)",
  ignore: !await canMount(),
  fn: async (t) => {
    await using a = (await smallDisk(4))!;
    await using b = (await smallDisk(4))!;
    await using alice = await Node.make("none", { GTR_HOME: a.path });
    const path = alice.path("large");
    await alice.git("init", "-q", path);
    const oid = await alice.commit("large", "noise.txt", noise(8 << 20));
    let url = "";

    await t.step("a publication", async () => {
      await complains(alice, ["gtr", "init"], FULL, { cwd: path });
      await a.grow(64);
      url = await alice.gtrIn(path, "init");
      await alice.untilPublished(url, "refs/heads/main", oid);
      await assertSound(alice, await alice.stored("large"));
    });

    await t.step("a push, which leaves what was acknowledged before", async () => {
      const clone = alice.path("clone");
      await alice.git("clone", "-q", url, clone);
      const filler = join(a.path, "filler");
      await fill(filler);
      await alice.commit("clone", "more.txt", noise(1 << 20));
      await complains(alice, ["git", "push", url, "HEAD:refs/heads/more"], { ...FULL, code: 1 }, {
        cwd: clone,
      });
      const stored = await alice.stored("large");
      assert.equal(await alice.git("-C", stored, "rev-parse", "main"), oid);
      await Deno.remove(filler);
      await assertSound(alice, stored);
      await alice.gitIn(clone, "push", "-q", url, "HEAD:refs/heads/more");
      await assertSound(alice, stored);
    });

    await t.step("a fetch", async () => {
      await using bob = await Node.make(await alice.dht(), { GTR_HOME: b.path });
      await complains(bob, ["git", "clone", url], FULL);
      await b.grow(64);
      bob.env.GTR_STORE_FREEDISK = "64m";
      await bob.stopGtd();
      const scarce = { says: /store\.freeDisk/, hints: /free some space.*store\.freeDisk/ };
      await complains(bob, ["git", "clone", url], scarce);
      assert.match(await bob.gtr("status"), /warning: disk: .*store\.freeDisk.*nothing of others/);
      delete bob.env.GTR_STORE_FREEDISK;
      await bob.stopGtd();
      await bob.git("clone", "-q", url, "copy");
      assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), oid);
      await assertSound(bob, await bob.stored("large", alice));
    });
  },
});
