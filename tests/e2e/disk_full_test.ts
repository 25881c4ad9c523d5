/** A full disk: a clear error, nothing lost, and it goes on once there is space. */
import assert from "node:assert/strict";
import { complains } from "./complaint.ts";
import { canMount, smallDisk } from "../../scripts/local/disk.ts";
import { noise } from "./history.ts";
import { Node } from "./node.ts";
import { assertSound } from "./stored.ts";

const FULL = { says: /no space left/, hints: /free some space/ };

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

    await t.step("a fetch", async () => {
      await using bob = await Node.make(await alice.dht(), { GTR_HOME: b.path });
      await complains(bob, ["git", "clone", url], FULL);
      await b.grow(64);
      await bob.git("clone", "-q", url, "copy");
      assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), oid);
      await assertSound(bob, await bob.stored("large", alice));
    });
  },
});
