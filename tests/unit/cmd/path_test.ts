import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../git_interface/fixture.ts";

const GTR = join(import.meta.dirname!, "..", "..", "..", "cmd", "gtr.ts");

/** Runs gtr by the shell, which can name what Deno can't: a folder "caf\xe9". */
async function gtrIn(folder: string, script: string) {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      `cd "$1" && bad=$(printf 'caf\\351') && mkdir -p "$bad" && ${script}`,
      "sh",
      folder,
    ],
    env: { GTR: `${Deno.execPath()} run --quiet -A ${GTR}`, GTR_HOME: join(folder, "home") },
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test({
  name: "gtr: a path that is not UTF-8 is refused with a reason, and no other folder is made",
  ignore: Deno.build.os !== "linux", // elsewhere no such path can be made
  fn: async () => {
    await using temp = await tempDir();
    const version = await gtrIn(temp.path, 'cd "$bad" && $GTR --version');
    assert.equal(version.code, 0, version.err);
    const inside = await gtrIn(temp.path, 'cd "$bad" && $GTR init');
    assert.equal(inside.code, 2);
    assert.match(inside.err, /^gtr: can't work in this folder: its path is not UTF-8\nhint: /);
    const named = await gtrIn(temp.path, '$GTR init "$bad"');
    assert.equal(named.code, 2);
    assert.match(named.err, /^gtr: can't use 'caf.': it is not UTF-8\nhint: /);
    const { out } = await gtrIn(temp.path, "ls");
    assert.deepEqual(out.trim().split("\n").length, 1, out);
  },
});
