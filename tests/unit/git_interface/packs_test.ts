import assert from "node:assert/strict";
import { join } from "node:path";
import { checkConnected, objectTypes } from "../../../lib/git_interface/connectivity.ts";
import { indexPack } from "../../../lib/git_interface/index_pack.ts";
import { type NewPack, packObjects } from "../../../lib/git_interface/pack_objects.ts";
import { commit, FORMATS, git, gitDirOf, initRepository, objectsOf, tempDir } from "./fixture.ts";

/** A store and a working repository, and how packs go from one to the other. */
async function setUp(root: string, format: "sha1" | "sha256" = "sha1") {
  const work = await initRepository(join(root, "work"), format);
  const store = join(root, "store.git");
  await git(root, ["init", "-q", "--bare", `--object-format=${format}`, store]);
  const pack = async (include: string[], exclude: string[] = [], name = "out") => {
    const directory = join(root, name);
    await Deno.mkdir(directory, { recursive: true });
    const [made] = await packObjects({
      gitDir: store,
      alternates: [objectsOf(work)],
      include,
      exclude,
      directory,
    });
    return made;
  };
  const index = (path: string, connected = true) => {
    const idx = path.replace(/\.pack$/, ".checked");
    return indexPack({ gitDir: store, pack: path, idx, strict: false, connected });
  };
  return { work, store, pack, index };
}

async function install(store: string, made: NewPack) {
  for (const path of [made.packPath, made.idxPath]) {
    await Deno.copyFile(path, join(store, "objects", "pack", path.split("/").at(-1)!));
  }
}

for (const format of FORMATS) {
  Deno.test(`packs of a ${format} repository build on one another`, async () => {
    await using temp = await tempDir();
    const { work, store, pack, index } = await setUp(temp.path, format);
    const first = await commit(work, "a", 5000);
    const base = await pack([first]);
    assert.ok(base);
    assert.equal(base.objects, 3);
    assert.equal(base.size, (await Deno.stat(base.packPath)).size);
    assert.deepEqual(await index(base.packPath), { objects: 3, selfContained: true });
    await install(store, base);

    const second = await commit(work, "b");
    const next = await pack([second], [first]);
    assert.ok(next);
    assert.equal(next.objects, 3);
    assert.deepEqual(await index(next.packPath), { objects: 3, selfContained: false });
    await install(store, next);
    await checkConnected(store, [second]);
    await checkConnected(store, [second], { notTips: [first] });
    assert.deepEqual(
      await objectTypes(store, [first, second, "f".repeat(first.length)]),
      new Map([[first, "commit"], [second, "commit"]]),
    );
    assert.equal(await pack([second], [second]), undefined);
    assert.equal(await pack([]), undefined);
  });

  Deno.test(`a ${format} pack whose base is missing is refused`, async () => {
    await using temp = await tempDir();
    const { work, store, pack, index } = await setUp(temp.path, format);
    const first = await commit(work, "a", 5000);
    const second = await commit(work, "b");
    const next = await pack([second], [first]);
    assert.ok(next);
    await assert.rejects(index(next.packPath), { code: "missing-objects" });
    await assert.doesNotReject(index(next.packPath, false));
    await install(store, next);
    await assert.rejects(checkConnected(store, [second]), { code: "missing-objects" });
  });

  Deno.test(`damaged and truncated ${format} packs are refused`, async () => {
    await using temp = await tempDir();
    const { work, pack, index } = await setUp(temp.path, format);
    const made = await pack([await commit(work, "a", 5000)]);
    assert.ok(made);
    const whole = await Deno.readFile(made.packPath);
    const bad = join(temp.path, "bad.pack");
    for (const length of [0, 5, 12, 100, whole.length - 1]) {
      await Deno.writeFile(bad, whole.subarray(0, length));
      await assert.rejects(index(bad), { code: "bad-pack" }, `${length} bytes`);
    }
    for (const position of [0, 7, 11, 14, whole.length >> 1, whole.length - 1]) {
      const damaged = whole.slice();
      damaged[position]! ^= 0x55;
      await Deno.writeFile(bad, damaged);
      await assert.rejects(index(bad), { name: "VerificationError" }, `byte ${position}`);
    }
  });
}

Deno.test("a pack whose object claims to be larger than memory is refused as a bad pack", async () => {
  await using temp = await tempDir();
  const { index } = await setUp(temp.path, "sha1");
  const bad = join(temp.path, "bad.pack");
  for (const sizeBytes of [5, 6, 7, 8]) {
    const size = [...new Array<number>(sizeBytes).fill(0xff), 0x7f];
    const object = [0x9f, ...size, 0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01]; // a commit
    const body = new TextEncoder().encode("PACK\0\0\0\x02\0\0\0\x01");
    await Deno.writeFile(bad, Uint8Array.of(...body, ...object, ...new Uint8Array(20)));
    await assert.rejects(index(bad), { code: "bad-pack" }, `${sizeBytes} bytes`);
  }
});

Deno.test("the same input gives the same pack, and only the output folder is written to", async () => {
  await using temp = await tempDir();
  const { work, store, pack } = await setUp(temp.path);
  for (const file of ["a", "b", "c"]) await commit(work, file, 3000);
  const tip = await git(work, ["rev-parse", "HEAD"]);
  const [one, two] = [await pack([tip], [], "one"), await pack([tip], [], "two")];
  assert.ok(one && two);
  assert.deepEqual(await Deno.readFile(one.packPath), await Deno.readFile(two.packPath));
  assert.deepEqual(await Array.fromAsync(Deno.readDir(join(store, "objects", "pack"))), []);
});

Deno.test("a user's pack.packSizeLimit doesn't split a pack", async () => {
  await using temp = await tempDir();
  const { work, store, pack } = await setUp(temp.path);
  await git(store, ["config", "pack.packSizeLimit", "1m"]);
  for (const file of ["a", "b", "c"]) await commit(work, file, 700_000);
  const made = await pack([await git(work, ["rev-parse", "HEAD"])]);
  assert.equal(made?.objects, 9);
});

Deno.test("a shallow clone can't be packed, and the hint says what to do", async () => {
  await using temp = await tempDir();
  const full = await initRepository(join(temp.path, "full"));
  await commit(full, "a");
  const tip = await commit(full, "b");
  const shallow = join(temp.path, "shallow");
  await git(temp.path, ["clone", "-q", "--depth=1", `file://${full}`, shallow]);
  const { store } = await setUp(temp.path);
  for (const gitDir of [store, gitDirOf(shallow)]) {
    const directory = await Deno.makeTempDir({ dir: temp.path });
    await assert.rejects(
      packObjects({
        gitDir,
        alternates: [objectsOf(shallow)],
        include: [tip],
        exclude: [],
        directory,
      }),
      { code: "incomplete-repository", hint: /--unshallow/ },
    );
  }
});

Deno.test("a repository that lost an object can't be packed", async () => {
  await using temp = await tempDir();
  const { work, pack } = await setUp(temp.path);
  const tip = await commit(work, "a");
  for (const lost of ["HEAD:a", "HEAD^{tree}", "HEAD"]) {
    const oid = await git(work, ["rev-parse", lost]);
    await Deno.remove(join(objectsOf(work), oid.slice(0, 2), oid.slice(2)));
    await assert.rejects(pack([tip]), { code: "incomplete-repository" }, lost);
  }
});

Deno.test("strict makes the checks of fsckObjects, and without it what git clones is taken", async () => {
  await using temp = await tempDir();
  const { work, store, pack } = await setUp(temp.path);
  const blob = await git(work, ["hash-object", "-w", "--stdin"], "x");
  const odd = await git(work, ["mktree"], `100644 blob ${blob}\t.GIT\n`);
  const tip = await git(work, ["commit-tree", odd, "-m", "odd"]);
  const made = await pack([tip]);
  assert.ok(made);
  const options = {
    gitDir: store,
    pack: made.packPath,
    idx: `${made.packPath}.i`,
    connected: true,
  };
  await indexPack({ ...options, strict: false });
  await assert.rejects(indexPack({ ...options, strict: true }), { code: "bad-pack" });
});

Deno.test("an index that can't be written is not the pack's fault", async () => {
  await using temp = await tempDir();
  const { work, store, pack } = await setUp(temp.path);
  const made = await pack([await commit(work, "a")]);
  assert.ok(made);
  const idx = join(temp.path, "no", "such", "folder.idx");
  await assert.rejects(
    indexPack({ gitDir: store, pack: made.packPath, idx, strict: false, connected: true }),
    { code: "git-failed" },
  );
});

Deno.test("packing stops when it is told to, and leaves nothing behind", async () => {
  await using temp = await tempDir();
  const { work, store } = await setUp(temp.path);
  const tip = await commit(work, "a", 20_000_000);
  const directory = join(temp.path, "out");
  await Deno.mkdir(directory);
  const stop = new AbortController();
  const options = { gitDir: store, alternates: [objectsOf(work)], include: [tip], exclude: [] };
  const packing = packObjects({
    ...options,
    directory,
    signal: stop.signal,
    progress: () => stop.abort(new Error("enough")),
  });
  await assert.rejects(packing, { message: "enough" });
  const left = (await Array.fromAsync(Deno.readDir(directory))).filter((e) => e.isFile);
  assert.deepEqual(left, []);
});

Deno.test("packs are split at a size, and each has the delta bases that it needs", async () => {
  await using temp = await tempDir();
  const { work, store } = await setUp(temp.path);
  for (const file of ["a", "b", "a", "c", "a"]) await commit(work, file, 500_000);
  await commit(work, "huge", 2_500_000);
  const directory = join(temp.path, "split");
  await Deno.mkdir(directory);
  const packs = await packObjects({
    gitDir: store,
    alternates: [objectsOf(work)],
    directory,
    maxPack: 2 ** 20,
    include: [await git(work, ["rev-parse", "HEAD"])],
    exclude: [],
  });
  assert.equal(packs.reduce((sum, { objects }) => sum + objects, 0), 18);
  const large = packs.filter(({ size }) => size > 2 ** 20);
  assert.deepEqual(large.map(({ objects }) => objects), [1]);
  for (const { packPath, objects } of packs) {
    const idx = packPath.replace(/pack$/, "checked");
    const options = { gitDir: store, pack: packPath, idx, strict: false, connected: false };
    assert.equal((await indexPack(options)).objects, objects);
  }
});

Deno.test({
  name: "a pack that takes more than its budget to make is refused (Linux)",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using temp = await tempDir();
    const { work, store } = await setUp(temp.path);
    const tip = await commit(work, "large", 20 << 20);
    const make = (memoryBytes: number) =>
      packObjects({
        gitDir: store,
        alternates: [objectsOf(work)],
        include: [tip],
        exclude: [],
        directory: temp.path,
        budget: { memoryBytes, cpuSeconds: 60, threads: 1 },
      });
    await assert.rejects(make(16 << 20), { code: "over-budget" });
    assert.equal((await make(256 << 20)).length, 1);
  },
});
