/** A read-only file system is called that, wherever something would be written. */
import assert from "node:assert/strict";
import { canMount, smallDisk } from "../../scripts/local/disk.ts";
import { complains } from "./complaint.ts";
import { Node } from "./node.ts";
import { until } from "./until.ts";

const READ_ONLY = { says: /: its file system is read-only$/, hints: /choose another place/ };

Deno.test({
  name: "a file system is read-only (needs the right to mount)",
  ignore: !await canMount(),
  fn: async (t) => {
    await using empty = (await smallDisk(4))!;
    assert(await empty.freeze());
    await using used = (await smallDisk(16))!;
    await using alice = await Node.make("none", { GTR_HOME: used.path });
    const url = await alice.share("hello");
    await alice.git("init", "-q", `${used.path}/work`);
    await alice.stopGtd();
    // A process that has just ended may not have closed its files.
    await until("the disk is read-only", () => used.freeze());
    const cwd = alice.path("hello");

    await t.step("the home, before its first use", async () => {
      const env = { GTR_HOME: empty.path };
      for (
        const words of [["init"], ["id"], ["daemon", "start"], ["config", "store.quota", "1g"]]
      ) {
        await complains(alice, ["gtr", ...words], READ_ONLY, { cwd, env });
      }
      await complains(alice, ["git", "ls-remote", url], READ_ONLY, { env });
    });
    await t.step("the home, later", async () => {
      for (const words of [["init"], ["status"], ["daemon", "start"], ["follow", url]]) {
        await complains(alice, ["gtr", ...words], READ_ONLY, { cwd });
      }
      const { code, stdout } = await alice.run("gtr", ["doctor"], { cwd });
      assert.equal(code, 1);
      assert.match(stdout, /^failed home: \S+ is on a read-only file system$/m);
      assert.doesNotMatch(stdout, /^failed (?!home|disk)/m); // the disk is a small one
    });
    await t.step("the repository", async () => {
      const env = { GTR_HOME: alice.path("another") };
      await complains(alice, ["gtr", "init"], READ_ONLY, { cwd: `${used.path}/work`, env });
    });
  },
});
