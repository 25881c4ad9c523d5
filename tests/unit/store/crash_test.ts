import assert from "node:assert/strict";
import { join } from "node:path";
import { Home } from "../../../lib/common/home.ts";
import { listRefs } from "../../../lib/git_interface/refs.ts";
import { encodeEnvelope } from "../../../lib/manifest/envelope.ts";
import { Store } from "../../../lib/store/store.ts";
import { commit, tempDir } from "../git_interface/fixture.ts";
import { follow, fsck, type Publication, Publisher, readerOf, startProcess } from "./fixture.ts";

const PUBLICATIONS = 12;
const KILLS = 6;

Deno.test("kill -9 at any moment loses nothing that was acknowledged", async () => {
  await using temp = await tempDir();
  const publisher = await Publisher.create(temp.path);
  const publications: Publication[] = [];
  for (let i = 0; i < PUBLICATIONS; i++) {
    await commit(publisher.work, `file-${i}`, 2000);
    const packs = publications.at(-1)?.signed.manifest.packs ?? [];
    publications.push(await publisher.publication(i % 4 === 3 ? packs.slice(0, 1) : packs));
  }
  const list = join(temp.path, "publications.json");
  const text = ({ signed, added }: Publication) => ({
    envelope: new TextDecoder().decode(encodeEnvelope(signed)),
    added,
  });
  await Deno.writeTextFile(list, JSON.stringify(publications.map(text)));

  const home = join(temp.path, "home");
  const reader = readerOf(publisher, home);
  for (let kill = 0; kill < KILLS; kill++) {
    const process = startProcess("follower.ts", [home, publisher.key.publicKeyHex, list]);
    const acknowledged = Number((await process.line())?.trim().split("\n").at(-1) ?? PUBLICATIONS);
    // Somewhere within the next publication, which takes some 30 ms.
    const until = performance.now() + Math.random() * 30;
    while (performance.now() < until);
    await process.kill();

    assert.deepEqual(await new Store(new Home(home)).repair(), []);
    const manifest = (await reader.manifest())?.manifest;
    assert.ok(manifest && manifest.sequence >= acknowledged);
    assert.deepEqual(await reader.packs(), await reader.heldPacks());
    assert.equal((await reader.heldPacks()).length, manifest.packs.length);
    assert.deepEqual(await listRefs(reader.path, ["refs"]), new Map(Object.entries(manifest.refs)));
    assert.equal(await fsck(reader), "");
    // A git process that outlives its parent may go on to write into its quarantine, and only there.
    const own = (await Array.fromAsync(Deno.readDir(join(reader.path, "gtr"))))
      .map(({ name }) => name).filter((name) => !name.startsWith("quarantine-"));
    assert.deepEqual(own.sort(), ["incoming", "manifest.json", "retired", "state.json"]);
    if (manifest.sequence === PUBLICATIONS) break;
  }
  await commit(publisher.work, "last");
  await follow(reader, await publisher.publication());
  assert.equal(await fsck(reader), "");
});
