import assert from "node:assert/strict";
import { join } from "node:path";
import {
  readTextIfPresent,
  storeError,
  syncDirectory,
  writeFileAtomic,
  writeFileOnce,
} from "../../../lib/common/atomic_file.ts";
import { StoreError } from "../../../lib/common/errors.ts";
import { tempDir } from "../git_interface/fixture.ts";

const names = async (folder: string) =>
  (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();

Deno.test("a file is made and replaced whole, with its mode, and nothing else stays", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "file");
  assert.equal(await readTextIfPresent(path), undefined);
  await writeFileAtomic(path, "one", 0o600);
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  await writeFileAtomic(path, new TextEncoder().encode("two"));
  assert.equal(await readTextIfPresent(path), "two");
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o644);
  assert.deepEqual(await names(temp.path), ["file"]);
});

Deno.test("a file that is made once is not written over, and nothing else stays", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "file");
  await writeFileOnce(path, "one", 0o600);
  await writeFileOnce(path, "two", 0o644);
  assert.equal(await readTextIfPresent(path), "one");
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  assert.deepEqual(await names(temp.path), ["file"]);
  await assert.rejects(writeFileOnce(join(path, "below"), "one", 0o600), { name: "StoreError" });
  await assert.rejects(writeFileOnce(join(temp.path, "x".repeat(240)), "one", 0o600), {
    name: "StoreError",
  });
  assert.deepEqual(await names(temp.path), ["file"]);
});

Deno.test("many writers at once leave one whole text, and readers never see another", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "file");
  const texts = Array.from({ length: 20 }, (_, i) => `${i} `.repeat(20_000));
  await writeFileAtomic(path, texts[0]!);
  let writing = true;
  const read = async () => {
    for (let n = 0; writing || n < 3; n++) {
      assert.ok(texts.includes((await readTextIfPresent(path))!));
    }
  };
  const reader = read();
  await Promise.all(texts.map((text) => writeFileAtomic(path, text)));
  writing = false;
  await reader;
  assert.deepEqual(await names(temp.path), ["file"]);
});

Deno.test("what a killed writer left behind is never read and stands in nobody's way", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "file");
  await writeFileAtomic(path, "whole");
  await Deno.writeTextFile(`${path}.0123456789ab.tmp`, "ha");
  assert.equal(await readTextIfPresent(path), "whole");
  await writeFileAtomic(path, "new");
  assert.equal(await readTextIfPresent(path), "new");
});

Deno.test("a failed write changes nothing, leaves nothing and says what failed", async () => {
  await using temp = await tempDir();
  const folder = join(temp.path, "folder");
  await Deno.mkdir(folder);
  await Deno.writeTextFile(join(folder, "in it"), "");
  await assert.rejects(
    writeFileAtomic(folder, "text"), // a folder can't be replaced by a file
    (error) => error instanceof StoreError && error.message.startsWith(`can't write ${folder}: `),
  );
  assert.deepEqual(await names(temp.path), ["folder"]);
  await assert.rejects(writeFileAtomic(join(temp.path, "none", "file"), ""), { code: "disk" });
  await assert.rejects(readTextIfPresent(folder), { name: "StoreError" });
  await assert.rejects(syncDirectory(join(temp.path, "none")), { code: "ENOENT" });
});

Deno.test("each cause of a failed write has its code and, where there is one, its hint", () => {
  const of = (code: string) => storeError("can't write x", Object.assign(new Error("e"), { code }));
  assert.deepEqual(
    ["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "EIO"].map((code) => of(code).code),
    ["disk-full", "disk-full", "not-writable", "not-writable", "not-writable", "disk"],
  );
  assert.match(of("ENOSPC").hint!, /free some space/);
  assert.equal(of("EROFS").message, "can't write x: its file system is read-only");
  assert.equal(of("EIO").message, "can't write x: e");
  const known = of("EIO");
  assert.equal(storeError("can't do more", known), known);
});
