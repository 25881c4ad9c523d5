/** The helper as a process: called by hand, and with paths that are not UTF-8. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { git, tempDir } from "../git_interface/fixture.ts";

const PROGRAM = fileURLToPath(new URL("../../../cmd/git-remote-torrent.ts", import.meta.url));
const NAMEABLE = new URL("../../../lib/remote_helper/nameable.ts", import.meta.url).href;
const LINUX_ONLY = Deno.build.os !== "linux"; // elsewhere no such path can be made

/** Runs a shell, which can name what Deno can't; `$HELPER` is the helper. */
async function shell(folder: string, script: string) {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", script],
    cwd: folder,
    env: {
      HELPER: `${Deno.execPath()} run --quiet --no-check -A ${PROGRAM}`,
      DENO: Deno.execPath(),
      GTR_HOME: join(folder, "home"),
    },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("helper by hand: help and version, and else what it is for", async () => {
  await using temp = await tempDir();
  for (const option of ["-h", "--help"]) {
    const { code, out, err } = await shell(temp.path, `$HELPER ${option}`);
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, /^usage: git-remote-torrent <remote> <address>/);
    assert.match(out, /Try: git clone torrent:\/\/<publisher>\/<repository>/);
  }
  for (const option of ["-V", "--version"]) {
    const { code, out, err } = await shell(temp.path, `$HELPER ${option}`);
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, /^git-remote-torrent \d+\.\d+\.\d+\S*\n$/);
  }
  for (const [option, why] of [["", "can't run without git"], ["-x", "it doesn't know '-x'"]]) {
    const { code, out, err } = await shell(temp.path, `$HELPER ${option}`);
    assert.deepEqual([code, out], [2, ""]);
    assert.ok(err.startsWith("git-remote-torrent: can't run") && err.includes(why!), err);
    assert.match(err, /\nhint: git clone torrent:.*, or git-remote-torrent --help\n$/);
  }
});

Deno.test("helper: git gives it a remote, and has to give an address", async () => {
  await using temp = await tempDir();
  const { code, out, err } = await shell(temp.path, "$HELPER origin");
  assert.deepEqual([code, out], [1, ""]);
  assert.match(err, /^gtr: can't run git-remote-torrent: git gave no address\nhint: /);
});

Deno.test({
  name: "helper: a repository whose path is not UTF-8 gets another name while it runs",
  ignore: LINUX_ONLY,
  fn: async () => {
    await using temp = await tempDir();
    const bad = `bad=$(printf 'caf\\351')`;
    await git(temp.path, ["init", "-q", "--bare", "plain"]);
    const { code, err } = await shell(
      temp.path,
      `${bad}; mv plain $bad; GIT_DIR=$bad $HELPER origin`,
    );
    assert.equal(code, 1);
    assert.match(err, /git gave no address/);
    const left = [...Deno.readDirSync(join(temp.path, "home"))].map(({ name }) => name);
    assert.deepEqual(left.filter((name) => name.startsWith("path-")), []);
    const within = await shell(temp.path, `${bad}; cd $bad; GIT_DIR=. $HELPER origin`);
    assert.match(within.err, /git gave no address/);
    const absent = await shell(temp.path, `${bad}; GIT_DIR=$bad-absent $HELPER origin`);
    assert.equal(absent.code, 1);
    assert.match(absent.err, /^gtr: can't use a repository whose path is not UTF-8: /);
    const now = [...Deno.readDirSync(join(temp.path, "home"))].map(({ name }) => name);
    assert.deepEqual(now.filter((name) => name.startsWith("path-")), []);
  },
});

Deno.test({
  name: "helper: a variable that is not UTF-8 is named, and where paths can be named",
  ignore: LINUX_ONLY,
  fn: async () => {
    await using temp = await tempDir();
    const program = `
      const { isUnnameable, readVariable } = await import(Deno.args[0]);
      const read = () => { try { return readVariable("X"); } catch (e) { return e.code + ": " + e.message; } };
      console.log(isUnnameable(), read());
    `;
    await Deno.writeTextFile(join(temp.path, "program.ts"), program);
    const bad = `bad=$(printf 'caf\\351'); mkdir -p $bad`;
    const run = "$DENO run --no-check -A " + join(temp.path, "program.ts") + " " + NAMEABLE;
    for (
      const [how, says] of [
        [`X=fine ${run}`, "false fine"],
        [`GIT_DIR=x ${run}`, "false undefined"],
        [`X=$bad ${run}`, "false bad-path: can't use the path in X: it is not UTF-8"],
        [`GIT_DIR=$bad ${run}`, "true undefined"],
        [`cd $bad; ${run}`, "false undefined"],
        [`cd $bad; GIT_DIR=.git ${run}`, "true undefined"],
        [`cd $bad; GIT_DIR=/x ${run}`, "false undefined"],
      ]
    ) {
      const { out, err } = await shell(temp.path, `${bad}; ${how}`);
      assert.deepEqual([out.trim(), err], [says, ""], how);
    }
  },
});
