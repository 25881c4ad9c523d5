import assert from "node:assert/strict";
import { join } from "node:path";
import { packObjects } from "../../../lib/git_interface/pack_objects.ts";
import { commit, git, gitDirOf, objectsOf, tempDir } from "../git_interface/fixture.ts";
import { canMount, smallDisk } from "../../../scripts/local/disk.ts";
import { fetchInto, fsck, lenient, Publisher, readerOf, snapshot } from "./fixture.ts";

Deno.test({
  name:
    "a full disk is told, nothing changes, and it goes on once there is space (needs the right to mount)",
  ignore: !await canMount(),
  fn: async () => {
    await using temp = await tempDir();
    await using disk = (await smallDisk(4))!;
    const publisher = await Publisher.create(temp.path);
    const tip = await commit(publisher.work, "a", 1_000_000);
    const publication = await publisher.publication();
    const reader = readerOf(publisher, disk.path);
    const fetched = await fetchInto(reader, publication);

    for (const left of [0, 4096, 8192]) {
      await fill(disk.path, left);
      const before = await snapshot(reader.path);
      await assert.rejects(
        reader.accept(publication.signed, fetched, lenient),
        { name: "StoreError", code: "disk-full", hint: /free some space/ },
        `${left} bytes left`,
      );
      const after = await snapshot(reader.path);
      assert.deepEqual(
        Object.keys(after).filter((path) => !(path in before)).filter(isVisible),
        [],
      );
      assert.equal(await reader.manifest(), undefined);
      assert.ok((await Deno.stat(fetched[0]!.path)).size > 1_000_000, "the fetched pack is kept");
      const directory = join(disk.path, "out");
      await Deno.mkdir(directory, { recursive: true }).catch(() => {});
      await assert.rejects(
        packObjects({
          gitDir: gitDirOf(publisher.work),
          alternates: [objectsOf(publisher.work)],
          include: [tip],
          exclude: [],
          directory,
        }),
        { code: "disk-full" },
      );
    }
    await Deno.remove(join(disk.path, "filler"));
    await reader.accept(publication.signed, fetched, lenient);
    assert.equal(await fsck(reader), "");
  },
});

Deno.test({
  name: "however full the disk is, a publication is in force or refused (needs the right to mount)",
  ignore: !await canMount(),
  fn: async () => {
    await using temp = await tempDir();
    await using disk = (await smallDisk(4))!;
    const publisher = await Publisher.create(temp.path);
    await commit(publisher.work, "a");
    const refs = Array.from({ length: 300 }, (_, i) => `create refs/heads/branch-${i} HEAD\n`);
    await git(publisher.work, ["update-ref", "--stdin"], refs.join(""));
    const reader = readerOf(publisher, disk.path);
    const outcomes = new Set<string>();
    for (let left = 0; left <= 160_000; left += 8192) {
      await commit(publisher.work, "a");
      const publication = await publisher.publication();
      const { sequence } = publication.signed.manifest;
      const fetched = await fetchInto(reader, publication);
      await fill(disk.path, left);
      const outcome = await reader.accept(publication.signed, fetched, lenient)
        .then(() => "done", (error) => error.code);
      const stored = (await reader.manifest())?.manifest.sequence;
      assert.equal(stored === sequence, outcome === "done", `${left} bytes left: ${outcome}`);
      outcomes.add(outcome);
      await Deno.remove(join(disk.path, "filler"));
      if (outcome !== "done") await reader.accept(publication.signed, fetched, lenient);
      assert.equal(await fsck(reader), "");
    }
    assert.deepEqual([...outcomes].sort(), ["disk-full", "done"]);
  },
});

/** What is neither a lock nor removed by the next repair. */
function isVisible(path: string): boolean {
  return !path.endsWith(".lock");
}

async function fill(folder: string, left: number): Promise<void> {
  const filler = join(folder, "filler");
  await Deno.remove(filler).catch(() => {});
  using file = await Deno.open(filler, { create: true, write: true });
  const block = new Uint8Array(4096).fill(1);
  let size = 0;
  try {
    for (;;) size += await file.write(block);
  } catch {
    await file.truncate(Math.max(0, size - left));
  }
}
