import assert from "node:assert/strict";
import { join } from "node:path";
import { gtrHome, Home } from "../../../lib/common/home.ts";
import { loadOrCreateKey } from "../../../lib/identity/keys.ts";
import { tempDir } from "../git_interface/fixture.ts";

Deno.test("the home is GTR_HOME, else in the folder for data, else below the user's", () => {
  const names = ["GTR_HOME", "XDG_DATA_HOME", "HOME", "USERPROFILE"];
  const before = names.map((name) => Deno.env.get(name));
  const of = (...values: (string | undefined)[]) => {
    names.forEach((name, i) => {
      const value = values[i];
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    });
    return gtrHome();
  };
  try {
    assert.equal(of("/a", "/b", "/c"), "/a");
    assert.equal(of("a", "/b", "/c"), join(Deno.cwd(), "a"));
    assert.equal(of(undefined, "/b", "/c"), "/b/gtr");
    assert.equal(of("", "relative", "/c"), "/c/.local/share/gtr");
    assert.equal(of(undefined, undefined, "/c"), "/c/.local/share/gtr");
    assert.equal(of(undefined, undefined, "", "/d"), "/d/.local/share/gtr");
    for (const user of [undefined, "", ".", "relative"]) {
      assert.throws(() => of(undefined, undefined, user), { code: "no-home" });
    }
  } finally {
    of(...before);
  }
});

Deno.test("a home is made for its owner only, and a file in its place is an error", async () => {
  await using temp = await tempDir();
  const home = new Home(join(temp.path, "a", "b"));
  await home.ensure();
  await home.ensure();
  assert.equal((await Deno.stat(home.root)).mode! & 0o777, 0o700);
  await Deno.writeTextFile(join(temp.path, "file"), "");
  await assert.rejects(new Home(join(temp.path, "file", "b")).ensure(), { code: "not-writable" });
});

Deno.test("no private key is made in a working tree", async () => {
  await using temp = await tempDir();
  for (const [name, make] of [["tree", Deno.mkdir], ["linked", touch]] as const) {
    const top = join(temp.path, name);
    await Deno.mkdir(join(top, "sub"), { recursive: true });
    await make(join(top, ".git"));
    for (const folder of [top, join(top, "sub"), join(top, "sub", "not", "yet")]) {
      const home = new Home(folder);
      await assert.rejects(home.ensure(), { code: "home-in-repository" });
      await assert.rejects(loadOrCreateKey(home.identity), { code: "home-in-repository" });
      await assert.rejects(Deno.stat(home.identity), Deno.errors.NotFound);
    }
  }
});

/** The `.git` of a linked worktree or submodule is a file. */
async function touch(path: string): Promise<void> {
  await Deno.writeTextFile(path, "gitdir: elsewhere\n");
}

Deno.test({
  name: "a home that is open to others is closed to them, a folder for all is left alone",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using temp = await tempDir();
    for (const [before, after] of [[0o755, 0o700], [0o770, 0o700], [0o1777, 0o1777]] as const) {
      const path = join(temp.path, before.toString(8));
      await Deno.mkdir(path);
      await Deno.chmod(path, before);
      await new Home(path).ensure();
      assert.equal((await Deno.stat(path)).mode! & 0o7777, after);
    }
  },
});
