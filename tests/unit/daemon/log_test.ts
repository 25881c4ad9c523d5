import assert from "node:assert/strict";
import { join } from "node:path";
import { Log } from "../../../lib/daemon/log.ts";
import { tempDir } from "../git_interface/fixture.ts";

Deno.test("a log has one line per event, whatever the message holds", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "gtd.log");
  for (const message of ["one", "two\r\nlines", "red \x1b[31m and \x9b1m"]) {
    using log = new Log(path); // what is there stays
    log.line(message);
  }
  const time = "\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z";
  assert.match(
    await Deno.readTextFile(path),
    new RegExp(`^${time} one\n${time} two lines\n${time} red  \\[31m and  1m\n$`),
  );
});

Deno.test("a line that repeats is written once a minute, with how often it came", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "gtd.log");
  let now = 0;
  const lines = async () =>
    (await Deno.readTextFile(path)).trimEnd().split("\n").map((line) => line.replace(/^\S+ /, ""));
  {
    using log = new Log(path, () => now);
    for (let n = 0; n < 1000; n++) log.line("noise");
    log.line("news");
    assert.deepEqual(await lines(), ["noise", "news"]);
    now = 60_000;
    log.line("noise");
    assert.deepEqual((await lines()).slice(2), ["noise (999 more times)", "noise"]);
    log.line("noise");
  }
  assert.deepEqual((await lines()).slice(4), ["noise (1 more time)"]);
});

Deno.test("a flood of different lines is remembered within bounds", async () => {
  await using temp = await tempDir();
  using log = new Log(join(temp.path, "gtd.log"), () => 0);
  for (let n = 0; n < 300; n++) log.line(`line ${n}`);
  log.line("line 0"); // forgotten, so that it is written again
  assert.match(await Deno.readTextFile(join(temp.path, "gtd.log")), /line 0\n[^]*line 0\n$/);
});

Deno.test("a log that has grown beyond 4 MiB is set aside, in place of the one before", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "gtd.log");
  for (const letter of ["a", "b"]) {
    await Deno.writeTextFile(path, letter.repeat((4 << 20) + 1));
    using log = new Log(path);
    log.line("afterwards");
    assert.equal((await Deno.readTextFile(`${path}.1`))[0], letter);
    assert.match(await Deno.readTextFile(path), /^\S+ afterwards\n$/);
  }
});
