/** A store damaged by hand and a full disk: mended, or a clear error; never a hang, nothing lost. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { complains } from "./complaint.ts";
import { noise } from "./history.ts";
import { Node } from "./node.ts";
import { assertSound } from "./stored.ts";

/** Too large for the DHT. */
const LARGE = 200_000;

const DAMAGES: readonly [string, (store: string) => Promise<void>][] = [
  ["a pack is cut off", async (store) => {
    const path = await newest(store, ".pack");
    await Deno.chmod(path, 0o644);
    await Deno.truncate(path, 1000);
  }],
  ["a pack is removed", async (store) => Deno.remove(await newest(store, ".pack"))],
  ["an index is removed", async (store) => Deno.remove(await newest(store, ".idx"))],
  [
    "all packs are removed",
    (store) => Deno.remove(join(store, "objects/pack"), { recursive: true }),
  ],
  [
    "manifest.json is garbage",
    (store) => Deno.writeTextFile(join(store, "gtr/manifest.json"), "{"),
  ],
  ["manifest.json is removed", (store) => Deno.remove(join(store, "gtr/manifest.json"))],
  ["state.json is garbage", (store) => Deno.writeTextFile(join(store, "gtr/state.json"), "\0")],
  ["state.json is removed", (store) => Deno.remove(join(store, "gtr/state.json"))],
  ["both are removed", (store) => Deno.remove(join(store, "gtr"), { recursive: true })],
  ["the refs are removed", async (store) => {
    await Deno.remove(join(store, "refs"), { recursive: true });
    await Deno.mkdir(join(store, "refs"));
    await Deno.remove(join(store, "packed-refs")).catch(() => {});
  }],
  ["HEAD is garbage", (store) => Deno.writeTextFile(join(store, "HEAD"), "?\n")],
  ["the repository is removed", (store) => Deno.remove(store, { recursive: true })],
];

async function newest(store: string, ending: string): Promise<string> {
  const folder = join(store, "objects/pack");
  const names = (await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name);
  const ages = await Promise.all(
    names.filter((name) => name.endsWith(ending)).map(async (name) => {
      const path = join(folder, name);
      return { path, at: (await Deno.stat(path)).mtime!.getTime() };
    }),
  );
  return ages.sort((a, b) => b.at - a.at)[0]!.path;
}

Deno.test("a publisher's store is damaged: the next publication mends it", async (t) => {
  await using hub = await Node.make("none");
  const bootstrap = await hub.dht();
  await using alice = await Node.make(bootstrap);
  await using bob = await Node.make(bootstrap);
  for (const [i, [what, damage]] of DAMAGES.entries()) {
    const running = i % 2 === 0;
    const name = what.replaceAll(" ", "-");
    const url = await alice.share(name);
    const store = await alice.stored(name);
    await bob.untilPublished(
      url,
      "refs/heads/main",
      await alice.commit(name, "noise.txt", noise(LARGE)),
    );
    await t.step(`${what} while gtd ${running ? "runs" : "is stopped"}`, async () => {
      if (!running) await alice.stopGtd();
      await damage(store);
      if (!running) await alice.gtr("daemon", "start");
      const oid = await alice.commit(name, "a.txt", "a\n");
      await bob.untilPublished(url, "refs/heads/main", oid);
      await assertSound(alice, store);
      await bob.git("clone", "-q", url);
      await bob.gitIn(bob.path(name), "fsck", "--full");
      assert.equal(await bob.gitIn(bob.path(name), "rev-parse", "HEAD"), oid);
    });
  }
});

Deno.test("a reader's store is damaged: it fetches what it lost", async (t) => {
  await using alice = await Node.make("none");
  await using bob = await Node.make(await alice.dht());
  const copied = async (name: string) => {
    const url = await alice.share(name);
    const oid = await alice.commit(name, "noise.txt", noise(LARGE));
    await bob.untilPublished(url, "refs/heads/main", oid);
    await bob.git("clone", "-q", url, `${name}-1`);
    return { url, oid, store: await bob.stored(name, alice) };
  };
  for (const [i, [what, damage]] of DAMAGES.entries()) {
    const running = i % 2 === 1;
    const name = what.replaceAll(" ", "-");
    const { url, oid, store } = await copied(name);
    await t.step(`${what} while gtd ${running ? "runs" : "is stopped"}`, async () => {
      if (!running) await bob.stopGtd();
      await damage(store);
      await bob.git("clone", "-q", url);
      await bob.gitIn(bob.path(name), "fsck", "--full");
      assert.equal(await bob.gitIn(bob.path(name), "rev-parse", "HEAD"), oid);
      await assertSound(bob, store);
    });
  }

  await t.step("with nobody to fetch it from, it says so", async () => {
    const { url, store } = await copied("last");
    await alice.stopGtd();
    await bob.stopGtd();
    bob.env.GTR_NETWORK_TIMEOUT = "3";
    await Deno.remove(await newest(store, ".pack"));
    await complains(bob, ["git", "clone", url], {
      // The engine's deadline or the network's: they end at the same time.
      says:
        /nothing came for 3 s: packs? .*of last|fetch last: nobody who has it could be reached .* in 3 s/,
      hints: /must be online/,
    });
    await bob.stopGtd();
    delete bob.env.GTR_NETWORK_TIMEOUT;
    await alice.gtr("daemon", "start");
    await bob.git("clone", "-q", url);
  });
});
