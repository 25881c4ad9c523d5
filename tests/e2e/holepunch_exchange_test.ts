/** Readers that fetch from each other over Holepunch, with real programs and git, on loopback. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Node } from "./node.ts";
import { until } from "./until.ts";

/** Bytes of a pack: random ones, which do not get smaller. */
const PACK_BYTES = 6_000_000;

/** A user who sends so many bytes a second to others. */
function join(bootstrap: string, uploadRate = 0): Promise<Node> {
  return Node.make("none", {
    GTR_TRANSPORTS: "holepunch",
    GTR_HOLEPUNCH_HOST: "127.0.0.1",
    GTR_HOLEPUNCH_BOOTSTRAP: bootstrap,
    GTR_HOLEPUNCH_UPLOADRATE: String(uploadRate),
  });
}

/** Bytes of the largest file that a node has in its store. */
async function largestFile({ home }: Node): Promise<number> {
  let largest = 0;
  const look = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) await look(path);
      else largest = Math.max(largest, (await Deno.stat(path)).size);
    }
  };
  await look(`${home}/store`).catch(() => {}); // files come and go
  return largest;
}

Deno.test("holepunch: a clone goes on from other readers when the publisher goes half way", async (t) => {
  await using first = await join("none");
  await first.gtr("daemon", "start");
  const bootstrap = await first.figure("holepunch", "dht");
  await using alice = await join(bootstrap, 1_000_000);
  await using bob = await join(bootstrap, 1_000_000);
  await using carol = await join(bootstrap, 1_000_000);
  await using dave = await join(bootstrap);
  const url = await alice.share("big");
  const content = randomBytes(PACK_BYTES).toString("hex");
  const oid = await alice.commit("big", "file.txt", content);
  await alice.untilPublished(url, "refs/heads/main", oid);
  const clone = async (node: Node) => {
    await node.git("clone", "-q", url, "copy");
    assert.equal(await node.gitIn(node.path("copy"), "rev-parse", "HEAD"), oid);
    await node.gitIn(node.path("copy"), "fsck", "--full");
  };
  await t.step("two at once", async () => {
    await Promise.all([clone(bob), clone(carol)]);
  });
  await t.step("a third, and the publisher is stopped meanwhile", async () => {
    const cloning = clone(dave);
    await until("dave has half a megabyte", async () => await largestFile(dave) > 500_000);
    await alice.stopGtd();
    await cloning;
  });
});
