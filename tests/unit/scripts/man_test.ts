import assert from "node:assert/strict";
import { join } from "node:path";
import { loadAll } from "../../../lib/cli/verb.ts";
import { VERBS } from "../../../lib/cli/verbs.ts";
import { type SettingName, SETTINGS, settingVariable } from "../../../lib/common/settings.ts";
import { manPages } from "../../../scripts/man.ts";

const PROGRAMS = ["git-remote-gtr", "git-remote-torrent", "gtd", "gti", "gtr"];

async function has(program: string): Promise<boolean> {
  const { success } = await new Deno.Command("sh", { args: ["-c", `command -v ${program}`] })
    .output();
  return success;
}

/** Writes the pages into `man1` of a folder of their own. */
async function written() {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(join(folder, "man1"));
  for (const [name, page] of manPages(PROGRAMS)) {
    await Deno.writeTextFile(join(folder, "man1", name), page);
  }
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

async function run(program: string, args: string[], cwd: string) {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    env: { LC_ALL: "C.UTF-8", MANWIDTH: "80", MANPAGER: "cat", MAN_KEEP_FORMATTING: "" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

const man = await has("man");
const mandoc = await has("mandoc");

Deno.test("man: every program has a page, and every network's helper", () => {
  const pages = manPages(PROGRAMS);
  assert.deepEqual(
    [...pages.keys()].sort(),
    ["git-remote-gtr.1", "git-remote-torrent.1", "gtd.1", "gti.1", "gtr.1"],
  );
  assert.equal(pages.get("git-remote-torrent.1"), ".so man1/git-remote-gtr.1\n");
  assert.equal(pages.get("gti.1"), ".so man1/gtr.1\n");
  assert.deepEqual(manPages(PROGRAMS), pages);
});

Deno.test({
  name: `man: pages are right, and tell all that --help and gtr config do${
    man ? "" : " (needs man)"
  }`,
  ignore: !man,
  async fn() {
    await using made = await written();
    for (const name of manPages(PROGRAMS).keys()) {
      const { code, err } = await run("man", ["-l", "--warnings", `man1/${name}`], made.folder);
      assert.deepEqual([name, code, err], [name, 0, ""]);
    }
    const { out } = await run("man", ["-l", "man1/gtr.1"], made.folder);
    const words = out.replaceAll(/\s+/g, " ");
    for (const { name, summary, options, operands, examples } of await loadAll(VERBS)) {
      const told = [...options, ...operands].map(({ form }) => form);
      for (const text of [`gtr ${name}`, ...told, ...examples.map(({ command }) => command)]) {
        assert.ok(words.includes(text), text);
      }
      assert.ok(words.toLowerCase().includes(summary.toLowerCase()), summary);
    }
    for (const name of Object.keys(SETTINGS) as SettingName[]) {
      assert.ok(words.includes(` ${name} `), name);
      assert.ok(words.includes(` ${settingVariable(name)} `), name);
    }
    for (const title of ["SYNOPSIS", "FILES", "ENVIRONMENT", "EXIT STATUS", "SEE ALSO"]) {
      assert.ok(out.includes(`\n${title}\n`), title);
    }
    assert.ok(words.includes("torrent://<petname>/<name>"));
    const helper = await run("man", ["-l", "man1/git-remote-torrent.1"], made.folder);
    assert.match(helper.out, /git-remote-<network> <remote> <address>/);
    assert.match(helper.out, /came with the helpers for: torrent\./);
  },
});

Deno.test({
  name: `man: mandoc finds nothing wrong${mandoc ? "" : " (needs mandoc)"}`,
  ignore: !mandoc,
  async fn() {
    await using made = await written();
    const names = [...manPages(PROGRAMS).keys()].map((name) => `man1/${name}`);
    const { out, err } = await run(
      "mandoc",
      ["-T", "lint", "-W", "warning", ...names],
      made.folder,
    );
    // No date: the same source always gives the same page. `.so`: links don't survive every packing.
    const wrong = `${out}${err}`.split("\n").filter((line) =>
      line !== "" && !/WARNING: (missing date|\.so is fragile)/.test(line)
    );
    assert.deepEqual(wrong, []);
  },
});
