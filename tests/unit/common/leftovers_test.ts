import assert from "node:assert/strict";
import { join } from "node:path";
import { removeLeftovers } from "../../../lib/common/leftovers.ts";
import { tempDir } from "../git_interface/fixture.ts";

Deno.test("only what matches and is old is removed", async () => {
  await using temp = await tempDir();
  const yesterday = new Date(Date.now() - 25 * 3600_000);
  for (const name of ["old.tmp", "new.tmp", "old.json"]) {
    const path = join(temp.path, name);
    await Deno.writeTextFile(path, name);
    if (name.startsWith("old")) await Deno.utime(path, yesterday, yesterday);
  }
  await removeLeftovers(temp.path, /\.tmp$/);
  const names = (await Array.fromAsync(Deno.readDir(temp.path))).map(({ name }) => name);
  assert.deepEqual(names.sort(), ["new.tmp", "old.json"]);
  await removeLeftovers(join(temp.path, "absent"), /./);
});
