/** The first and last bytes of packs, and files that are put in place. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { objectCount, packObjectCount, packTrailer } from "../../../lib/git_interface/pack_file.ts";
import { linkOrCopy, moveFile } from "../../../lib/git_interface/place_file.ts";
import { commit, FORMATS, git, initRepository, tempDir } from "./fixture.ts";

const header = (magic: string, version: number, objects: number) => {
  const bytes = new Uint8Array(12);
  bytes.set(new TextEncoder().encode(magic));
  const view = new DataView(bytes.buffer);
  view.setUint32(4, version);
  view.setUint32(8, objects);
  return bytes;
};

Deno.test("a pack says how many objects it holds; what is no pack says nothing", () => {
  for (const [version, objects] of [[2, 1], [3, 7], [2, 2 ** 32 - 1], [2, 0]] as const) {
    const within = new Uint8Array(20);
    within.set(header("PACK", version, objects), 5);
    assert.equal(objectCount(within.subarray(5), "x"), objects);
  }
  const wrong = [header("PACk", 2, 1), header("PACK", 1, 1), header("PACK", 4, 1)];
  for (const bytes of [...wrong, header("PACK", 2, 1).subarray(0, 11), new Uint8Array()]) {
    assert.throws(() => objectCount(bytes, "x"), { code: "bad-pack", message: /^can't use x: / });
  }
});

for (const format of FORMATS) {
  Deno.test(`a ${format} pack and its index end with the same checksum`, async () => {
    await using temp = await tempDir();
    const work = await initRepository(join(temp.path, "work"), format);
    const made = async (name: string) => {
      const tip = await commit(work, name, 3000);
      const hash = await git(work, ["pack-objects", "-q", "--revs", join(temp.path, name)], tip);
      const base = join(temp.path, `${name}-${hash}`);
      return { hash, pack: `${base}.pack`, idx: `${base}.idx` };
    };
    const [one, two] = [await made("one"), await made("two")];
    assert.equal(await packTrailer(one.pack, one.idx), one.hash);
    assert.equal(await packObjectCount(one.pack), 3);
    assert.equal(await packObjectCount(two.pack), 6);
    const wrong = { code: "bad-pack", message: /its index is of another pack/ };
    await assert.rejects(packTrailer(one.pack, two.idx), wrong);
    for (const bytes of [0, 19, 39, 63]) {
      const cut = join(temp.path, "cut");
      await Deno.writeFile(cut, (await Deno.readFile(one.idx)).slice(0, bytes));
      await assert.rejects(packTrailer(one.pack, cut), wrong, String(bytes));
    }
    await Deno.writeFile(join(temp.path, "short"), new Uint8Array(5));
    await assert.rejects(packObjectCount(join(temp.path, "short")), { code: "bad-pack" });
  });
}

Deno.test("a file is linked or moved to its place, and what can't be is told", async () => {
  await using temp = await tempDir();
  const [from, to, other] = ["from", "to", "other"].map((name) => join(temp.path, name)) as [
    string,
    string,
    string,
  ];
  await Deno.writeTextFile(from, "new");
  await linkOrCopy(from, to);
  assert.equal((await Deno.stat(to)).ino, (await Deno.stat(from)).ino);
  await Deno.writeTextFile(other, "old");
  await linkOrCopy(from, other);
  assert.equal(await Deno.readTextFile(other), "old", "what is there stays");
  const absent = join(temp.path, "absent");
  await assert.rejects(linkOrCopy(absent, join(temp.path, "x")), {
    message: /can't link .*absent/,
  });
  await moveFile(from, other);
  assert.equal(await Deno.readTextFile(other), "new");
  await assert.rejects(Deno.stat(from), Deno.errors.NotFound);
  await assert.rejects(moveFile(absent, other), { message: /can't move .*absent/ });
  assert.equal(await Deno.readTextFile(other), "new");
  const names = [...Deno.readDirSync(temp.path)].map(({ name }) => name).sort();
  assert.deepEqual(names, ["other", "to"]);
});
