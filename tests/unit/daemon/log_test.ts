import assert from "node:assert/strict";
import { join } from "node:path";
import { rotateLog } from "../../../lib/daemon/log.ts";
import { tempDir } from "../git_interface/fixture.ts";

Deno.test("a log that has grown beyond 4 MiB is set aside, in place of the one before", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "gtd.log");
  await rotateLog(path); // there is none
  const names = async () =>
    (await Array.fromAsync(Deno.readDir(temp.path))).map(({ name }) => name).sort();
  assert.deepEqual(await names(), []);

  await Deno.writeTextFile(path, "short");
  await rotateLog(path);
  assert.deepEqual(await names(), ["gtd.log"]);

  for (const letter of ["a", "b"]) {
    await Deno.writeTextFile(path, letter.repeat((4 << 20) + 1));
    await rotateLog(path);
    assert.deepEqual(await names(), ["gtd.log.1"]);
    assert.equal((await Deno.readTextFile(`${path}.1`))[0], letter);
  }
});
