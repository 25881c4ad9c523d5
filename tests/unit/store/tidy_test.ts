/** What killed processes leave, and what is none of it. */
import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { RepoPaths, TEMPORARY_REPOSITORY } from "../../../lib/store/repo_paths.ts";
import { namesIn, remove, removeFetched, removeLeftovers } from "../../../lib/store/tidy.ts";
import { tempDir } from "../git_interface/fixture.ts";

const DAY_MS = 24 * 3600 * 1000;
const name = (digit: string) => digit.repeat(64);

async function repository(root: string): Promise<RepoPaths> {
  const paths = new RepoPaths(root, name("a"), "hello");
  for (const folder of [paths.incoming, paths.outgoing, paths.retired, paths.quarantine()]) {
    await Deno.mkdir(folder, { recursive: true });
  }
  return paths;
}

Deno.test("tidy: the folders that it looks for are those that are made", () => {
  const paths = new RepoPaths("/store", name("a"), "hello");
  const made = [paths.temporaryRepository(), paths.temporaryRepository()];
  assert.notEqual(made[0], made[1]);
  for (const path of made) assert.equal(TEMPORARY_REPOSITORY.exec(basename(path))?.[1], "hello");
});

Deno.test("tidy: packs that came in part are kept for seven days", async () => {
  await using temp = await tempDir();
  const paths = await repository(temp.path);
  const now = Date.now();
  for (const [digit, age] of [["1", 0], ["2", 1], ["3", 6.9], ["4", 7.1], ["5", 30]] as const) {
    const path = paths.incomingPack(name(digit));
    await Deno.writeTextFile(path, "part");
    await Deno.utime(path, new Date(now), new Date(now - age * DAY_MS));
  }
  await removeLeftovers(paths);
  const kept = ["1", "2", "3"].map((digit) => `${name(digit)}.pack`);
  assert.deepEqual((await namesIn(paths.incoming)).sort(), kept);
});

Deno.test("tidy: quarantines, packs to publish and temporary files go, and nothing else", async () => {
  await using temp = await tempDir();
  const paths = await repository(temp.path);
  const all = {
    [join(paths.own, "manifest.json")]: true,
    [join(paths.own, "state.json.1234.tmp")]: false,
    [join(paths.root, "HEAD")]: true,
    [join(paths.root, "config.tmp")]: false,
    [join(paths.outgoing, "pack-1.pack")]: false,
    [join(paths.retired, `${name("1")}.pack`)]: true,
    [paths.lock]: true,
  };
  for (const path of Object.keys(all)) await Deno.writeTextFile(path, "");
  await removeLeftovers(paths);
  const found = await Promise.all(
    Object.keys(all).map(async (path) => {
      const isThere = await Deno.lstat(path).then(() => true, () => false);
      return [path, isThere] as const;
    }),
  );
  assert.deepEqual(Object.fromEntries(found), all);
  assert.deepEqual((await namesIn(paths.own)).sort(), ["incoming", "manifest.json", "retired"]);
  await removeLeftovers(paths);
});

Deno.test("tidy: of what was fetched, that of stored packs goes, with all that belongs to it", async () => {
  await using temp = await tempDir();
  const paths = await repository(temp.path);
  for (const digit of ["1", "2"]) {
    await Deno.writeTextFile(paths.incomingPack(name(digit)), "");
    await Deno.writeTextFile(`${paths.incomingPack(name(digit))}.pieces`, "");
  }
  const pack = { sha256: name("1"), size: 1, infohash: "", objects: 1, tips: [] };
  await removeFetched(paths, [pack]);
  const kept = [`${name("2")}.pack`, `${name("2")}.pack.pieces`];
  assert.deepEqual((await namesIn(paths.incoming)).sort(), kept);
});

Deno.test("tidy: what isn't there is fine, what can't be read or removed is an error", async () => {
  await using temp = await tempDir();
  const nowhere = join(temp.path, "nowhere");
  assert.deepEqual(await namesIn(nowhere), []);
  await remove(nowhere);
  const file = join(temp.path, "file");
  await Deno.writeTextFile(file, "");
  await assert.rejects(namesIn(file), { code: "not-writable" });
  await assert.rejects(remove(join(file, "x")), { code: "not-writable" });
});
