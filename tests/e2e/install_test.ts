/** `make install` and `make uninstall` of what is in dist/bin. */
import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { placeShare } from "../../scripts/build/share.ts";
import { BIN, Node } from "./node.ts";

const ROOT = resolve(BIN, "..", "..");

/** Runs the installer as make does. */
async function installer(node: Node, variables: Record<string, string>, ...options: string[]) {
  return await node.run(
    Deno.execPath(),
    ["run", "--quiet", "-A", join(ROOT, "scripts", "install.ts"), ...options],
    { env: { DENO_DIR: Deno.env.get("DENO_DIR") ?? node.path("deno"), ...variables } },
  );
}

Deno.test("what is installed works from there, and uninstalling leaves nothing", async () => {
  await placeShare(ROOT);
  await using node = await Node.make("none", { PATH: "/usr/local/bin:/usr/bin:/bin" });
  const prefix = node.path("in stalled");
  const said = await installer(node, { PREFIX: prefix });
  assert.deepEqual([said.code, said.stderr], [0, ""]);
  assert.match(said.stdout, /^installed \d+ files into .*\/in stalled\n {2}put it on PATH: /);

  const env = { PATH: `${join(prefix, "bin")}:${node.env.PATH}` };
  const run = async (program: string, ...args: string[]) => {
    const { code, stdout, stderr } = await node.run(program, args, { env });
    assert.equal(code, 0, `${program} ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  await node.git("init", "-q", "hello");
  await node.commit("hello", "readme.txt", "hello\n");
  const address = await run("gtr", "init", node.path("hello"));
  assert.match(address, /^torrent:\/\/[0-9a-f]{40}\/hello$/);
  const status = JSON.parse(await run("gti", "status", "--json"));
  assert.equal(status.repositories[0].address, address);
  await run("git", "clone", "-q", address, "copy");
  assert.equal(await Deno.readTextFile(node.path("copy", "readme.txt")), "hello\n");
  if (Deno.build.os === "linux") {
    const program = await Deno.readTextFile(`/proc/${status.daemon.pid}/cmdline`);
    assert.ok(program.includes(prefix), `gtd is ${program}`);
  }
  await run("gtr", "daemon", "stop");

  const removed = await installer(node, { PREFIX: prefix }, "--uninstall");
  assert.deepEqual([removed.code, removed.stderr], [0, ""]);
  await assert.rejects(Deno.stat(prefix), Deno.errors.NotFound);
});

Deno.test("a package is staged below DESTDIR, for its prefix", async () => {
  await placeShare(ROOT);
  await using node = await Node.make("none");
  const variables = { DESTDIR: node.path("package"), PREFIX: "/usr" };
  const { code, stdout } = await installer(node, variables);
  assert.deepEqual([code, stdout.split("\n").length], [0, 2]);
  if (Deno.build.os === "linux") {
    const unit = await Deno.readTextFile(node.path("package/usr/lib/systemd/user/gtd.service"));
    assert.match(unit, /^ExecStart=\/usr\/bin\/gtd$/m);
  }
  const gtr = node.path("package", "usr", "bin", "gtr");
  assert.match((await node.run(gtr, ["--version"])).stdout, /^gtr \d/);
  assert.equal((await installer(node, variables, "--uninstall")).code, 0);
  await assert.rejects(Deno.stat(node.path("package")), Deno.errors.NotFound);
});

Deno.test("a wrong PREFIX is told in one line", async () => {
  await placeShare(ROOT);
  await using node = await Node.make("none");
  await Deno.writeTextFile(node.path("file"), "");
  const wrong: [string, RegExp][] = [
    ["relative", /^install: can't install to PREFIX=relative: .*absolute path.*\n$/],
    [node.path("file"), /^install: can't make the folder .*\/file: there is a file .*\n$/],
    [node.path("file", "below"), /^install: can't make the folder .*: there is a file .*\n$/],
  ];
  for (const [PREFIX, complaint] of wrong) {
    const { code, stdout, stderr } = await installer(node, { PREFIX });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, complaint);
  }
  const nothing = await installer(node, { PREFIX: node.path("empty") }, "--uninstall");
  assert.equal(nothing.code, 1);
  assert.match(nothing.stderr, /^uninstall: can't uninstall: make install has put nothing .*\n$/);
});
