/** A publisher whose pack unpacks to far more than its size: who follows refuses it, who clones gets it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Home } from "../../lib/common/home.ts";
import { indexPack } from "../../lib/git_interface/index_pack.ts";
import { loadOrCreateKey } from "../../lib/identity/keys.ts";
import { signManifest } from "../../lib/manifest/manifest.ts";
import { Store } from "../../lib/store/store.ts";
import { emptyHistory, multiplied, packOf, zeros } from "../unit/git_interface/bombs.ts";
import { packRef } from "../unit/store/fixture.ts";
import { Node } from "./node.ts";
import { until } from "./until.ts";

const MIB = 1 << 20;

/** Has the next gtd of a node publish the bomb in the place of what is published under the name. */
async function plant(node: Node, name: string): Promise<string> {
  const home = new Home(node.home);
  const key = await loadOrCreateKey(home.identity);
  const repository = new Store(home).repository(key.publicKeyHex, name);
  const { manifest } = (await repository.manifest())!;
  const { entries, tip } = emptyHistory();
  const packPath = join(node.directory, "bomb.pack");
  const bomb = [zeros(16 * MIB), multiplied(1, 16 * MIB, 320 * MIB)];
  await Deno.writeFile(packPath, packOf([...entries, ...bomb]));
  const idxPath = join(node.directory, "bomb.idx");
  const checks = { strict: false, connected: true };
  await indexPack({ gitDir: repository.path, pack: packPath, idx: idxPath, ...checks });
  const pack = await packRef(packPath, 4, [tip]);
  const { sequence } = manifest;
  const changes = { sequence: sequence + 1, refs: { "refs/heads/main": tip }, packs: [pack] };
  await repository.publish(signManifest({ ...manifest, ...changes }, key), [
    { pack, packPath, idxPath },
  ]);
  return tip;
}

Deno.test({
  name: "a bomb is refused by who follows, told of, and not tried again (Linux)",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using hub = await Node.make("none");
    const bootstrap = await hub.dht();
    await using alice = await Node.make(bootstrap, { GTR_TRANSPORTS: "torrent" });
    await using bob = await Node.make(bootstrap, { GTR_TRANSPORTS: "torrent" });
    const url = await alice.share("hello");
    const first = await alice.commit("hello", "a.txt", "a");
    await bob.untilPublished(url, "refs/heads/main", first);
    await bob.gtr("follow", url);
    await alice.stopGtd();
    const tip = await plant(alice, "hello");
    // What it is published from is gone: it would be published over the bomb.
    await Deno.rename(alice.path("hello"), alice.path("elsewhere"));
    await alice.gtr("daemon", "start");
    await bob.untilPublished(url, "refs/heads/main", tip);
    const refused = /hello is not brought up to date: .*unpacking it takes more than/;
    await until("bob's gtd refuses it", async () => refused.test(await bob.gtr("status")));
    const stored = await bob.stored("hello", alice);
    assert.equal(await bob.git("-C", stored, "rev-parse", "main"), first);
    assert.match((await bob.run("gtr", ["doctor"])).stdout, /not brought up to date/);
    await bob.git("clone", "-q", url, "copy");
    assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), tip);
    assert.doesNotMatch(await bob.gtr("status"), refused);
  },
});
