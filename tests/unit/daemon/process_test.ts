import assert from "node:assert/strict";
import { join } from "node:path";
import { Home } from "../../../lib/common/home.ts";
import { deadline } from "../../../lib/common/wait.ts";
import { startGtd, stopGtd } from "../../../lib/daemon/process.ts";
import { temporaryFolder } from "../shares/support.ts";

Deno.test("gtd that isn't installed beside the program is an error with a hint", async () => {
  await using temp = await temporaryFolder();
  const home = new Home(join(temp.path, "home"));
  using wait = deadline(60_000, "gtd");
  await assert.rejects(startGtd(home, wait), {
    code: "gtd-not-found",
    hint: "install gtd beside gtr",
  });
  assert.equal(await stopGtd(home, wait), false);
});
