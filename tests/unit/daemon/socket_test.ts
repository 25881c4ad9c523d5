import assert from "node:assert/strict";
import { join } from "node:path";
import { Home } from "../../../lib/common/home.ts";
import { socketPath } from "../../../lib/daemon/socket.ts";
import { tempDir } from "../git_interface/fixture.ts";

/** Runs `work` with variables set as given, undefined meaning unset. */
async function withEnv<T>(
  values: Record<string, string | undefined>,
  work: () => T | Promise<T>,
): Promise<T> {
  const before = Object.keys(values).map((name) => [name, Deno.env.get(name)] as const);
  const set = (name: string, value: string | undefined) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  for (const [name, value] of Object.entries(values)) set(name, value);
  try {
    return await work();
  } finally {
    for (const [name, value] of before) set(name, value);
  }
}

const long = (root: string) => new Home(join(root, "deep".repeat(40)));

Deno.test("the socket is in the home where its path is short enough", async () => {
  await using temp = await tempDir();
  assert.equal(await socketPath(new Home(temp.path)), join(temp.path, "gtd.sock"));
});

Deno.test("a home with a long path has a socket of its own elsewhere, which can be listened on", async () => {
  await using temp = await tempDir();
  await withEnv({ XDG_RUNTIME_DIR: temp.path }, async () => {
    const path = await socketPath(long("/a"));
    assert.match(path, new RegExp(`^${temp.path}/gtd-[0-9a-f]{16}\\.sock$`));
    assert.equal(await socketPath(long("/a")), path);
    assert.notEqual(await socketPath(long("/b")), path);
    const listener = Deno.listen({ transport: "unix", path });
    listener.close();
  });
  await withEnv({ XDG_RUNTIME_DIR: undefined, TMPDIR: temp.path }, async () => {
    const path = await socketPath(long("/a"));
    const folder = join(temp.path, `gtr-${Deno.uid()}`);
    assert.ok(path.startsWith(`${folder}/gtd-`));
    assert.equal((await Deno.stat(folder)).mode! & 0o777, 0o700);
    assert.equal(await socketPath(long("/a")), path);
  });
});

Deno.test("a folder that others can enter or that isn't one is no place for the socket", async () => {
  await using temp = await tempDir();
  await withEnv({ XDG_RUNTIME_DIR: undefined, TMPDIR: temp.path }, async () => {
    const folder = join(temp.path, `gtr-${Deno.uid()}`);
    await Deno.mkdir(folder, { mode: 0o755 });
    await assert.rejects(socketPath(long("/a")), { code: "unsafe-socket", hint: /shorter path/ });
    await Deno.remove(folder);
    await Deno.mkdir(join(temp.path, "elsewhere"), { mode: 0o700 });
    await Deno.symlink(join(temp.path, "elsewhere"), folder);
    await assert.rejects(socketPath(long("/a")), { code: "unsafe-socket" });
  });
});
