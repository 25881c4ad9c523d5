import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { linkPacks } from "../../../lib/git_interface/link_packs.ts";
import { moveFile } from "../../../lib/git_interface/place_file.ts";
import { NEEDS_OTHER_DISK, OTHER_DISK } from "../common/other_disk.ts";
import { commit, FORMATS, git, initRepository, objectsOf, tempDir } from "./fixture.ts";

/** A pack of a new repository under the name that the store would give it. */
async function storedPack(root: string, format: "sha1" | "sha256", name = "stored") {
  const work = await initRepository(join(root, name), format);
  const tip = await commit(work, "a", 3000);
  const hash = await git(work, ["pack-objects", "-q", "--revs", join(root, name)], `${tip}\n`);
  const pack = join(root, `pack-${name}.pack`);
  await Deno.rename(join(root, `${name}-${hash}.pack`), pack);
  await Deno.rename(join(root, `${name}-${hash}.idx`), join(root, `pack-${name}.idx`));
  return { pack, hash, tip };
}

const names = async (folder: string) =>
  (await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name).sort();

for (const format of FORMATS) {
  Deno.test(`${format} packs are linked under git's own names`, async () => {
    await using temp = await tempDir();
    const { pack, hash, tip } = await storedPack(temp.path, format);
    await Deno.utime(pack, 1000, 1000);
    const clone = await initRepository(join(temp.path, "clone"), format);
    const objects = objectsOf(clone);
    const keep = await linkPacks([pack], objects);
    assert.equal(keep, join(objects, "pack", `pack-${hash}.keep`));
    const linked = await Deno.stat(join(objects, "pack", `pack-${hash}.pack`));
    assert.equal(linked.ino, (await Deno.stat(pack)).ino);
    assert.ok(linked.mtime!.getTime() > 1e9, "git would prune an old unreachable pack");
    await git(clone, ["update-ref", "refs/heads/main", tip]);
    assert.equal(await git(clone, ["fsck", "--full"]), "");

    assert.equal(await linkPacks([pack], objects), undefined);
    assert.equal((await names(join(objects, "pack"))).length, 3);
  });
}

Deno.test("several packs are linked with one lock; those that are there are left alone", async () => {
  await using temp = await tempDir();
  const one = await storedPack(temp.path, "sha1", "one");
  const two = await storedPack(temp.path, "sha1", "two");
  const objects = join(temp.path, "objects"); // not even made yet
  await linkPacks([one.pack], objects);
  const keep = await linkPacks([one.pack, two.pack], objects);
  assert.equal(basename(keep ?? ""), `pack-${two.hash}.keep`);
  assert.equal((await names(join(objects, "pack"))).length, 6);
  assert.equal(await linkPacks([], objects), undefined);
});

Deno.test("a pack with the index of another is refused before anything is linked", async () => {
  await using temp = await tempDir();
  const one = await storedPack(temp.path, "sha1", "one");
  const two = await storedPack(temp.path, "sha1", "two");
  const [mine, other] = [one, two].map(({ pack }) => pack.replace(/pack$/, "idx"));
  await Deno.remove(other!); // it is read-only
  await Deno.copyFile(mine!, other!);
  const objects = join(temp.path, "objects");
  await assert.rejects(linkPacks([one.pack, two.pack], objects), { code: "bad-pack" });
  assert.deepEqual(await names(join(objects, "pack")), []);
});

Deno.test({
  name: `packs are copied, and files moved, to another file system${NEEDS_OTHER_DISK}`,
  ignore: !OTHER_DISK,
  fn: async () => {
    await using temp = await tempDir();
    await using memory = await tempDir(OTHER_DISK);
    const { pack, hash, tip } = await storedPack(temp.path, "sha1");
    const clone = await initRepository(join(memory.path, "clone"));
    await linkPacks([pack], objectsOf(clone));
    await git(clone, ["update-ref", "refs/heads/main", tip]);
    assert.equal(await git(clone, ["fsck", "--full"]), "");
    const copied = join(objectsOf(clone), "pack", `pack-${hash}.pack`);
    assert.deepEqual(await Deno.readFile(copied), await Deno.readFile(pack));

    await moveFile(pack, join(memory.path, "moved.pack"));
    assert.deepEqual(await Deno.readFile(copied), await Deno.readFile(`${memory.path}/moved.pack`));
    await assert.rejects(Deno.stat(pack), Deno.errors.NotFound);
    assert.deepEqual(await names(memory.path), ["clone", "moved.pack"]);
  },
});
