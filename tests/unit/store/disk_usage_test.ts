import assert from "node:assert/strict";
import { join } from "node:path";
import { defaultFloor, diskSpace, usageOf } from "../../../lib/store/disk_usage.ts";
import { tempDir } from "../git_interface/fixture.ts";

Deno.test("holes take nothing, and hard links are counted once", async () => {
  await using temp = await tempDir();
  const inner = join(temp.path, "a", "b");
  await Deno.mkdir(inner, { recursive: true });
  await Deno.writeFile(join(inner, "x"), new Uint8Array(100_000).fill(1));
  assert.deepEqual(await usageOf(temp.path), { bytes: 100_000, freeable: 100_000 });

  await Deno.writeFile(join(temp.path, "sparse"), new Uint8Array(10_000).fill(1));
  await Deno.truncate(join(temp.path, "sparse"), 50_000_000);
  const { bytes } = await usageOf(temp.path);
  const { blocks } = await Deno.stat(join(temp.path, "sparse"));
  assert.equal(bytes, 100_000 + 512 * blocks!);
  assert(bytes < 1_000_000, `${bytes}`);
  await Deno.remove(join(temp.path, "sparse"));

  await Deno.link(join(inner, "x"), join(temp.path, "y"));
  await Deno.symlink(join(inner, "x"), join(temp.path, "z"));
  assert.deepEqual(await usageOf(temp.path), { bytes: 100_000, freeable: 0 });
  const seen = new Set<string>();
  assert.equal((await usageOf(inner, seen)).bytes, 100_000);
  assert.equal((await usageOf(temp.path, seen)).bytes, 0);
  assert.deepEqual(await usageOf(join(temp.path, "none")), { bytes: 0, freeable: 0 });
});

Deno.test("5 % of a disk are kept free, at most 1 GiB", async () => {
  assert.equal(defaultFloor(100 * 2 ** 20), 5 * 2 ** 20);
  assert.equal(defaultFloor(2 ** 40), 2 ** 30);
  assert.equal(defaultFloor(119), 5);
  await using temp = await tempDir();
  const { free, size } = await diskSpace(temp.path);
  assert(free > 0 && free <= size);
  await assert.rejects(diskSpace(join(temp.path, "none")), { name: "StoreError" });
});
