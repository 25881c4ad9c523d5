/** What scripts, workflows and documents fetch is fetched safely. */
import assert from "node:assert/strict";
import { join } from "node:path";

const ROOT = join(import.meta.dirname!, "..", "..", "..");

/** The files that git has below these paths, with their text. */
async function tracked(...paths: string[]): Promise<[string, string][]> {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ...paths],
    cwd: ROOT,
  }).output();
  const names = new TextDecoder().decode(stdout).split("\0").filter(Boolean);
  return await Promise.all(names.map(async (name): Promise<[string, string]> => {
    return [name, await Deno.readTextFile(join(ROOT, name))];
  }));
}

Deno.test("supply: every action is pinned to a commit, and says which release that is", async () => {
  let pinned = 0;
  for (const [name, text] of await tracked(".github")) {
    for (const [, action] of text.matchAll(/^\s*(?:- )?uses: (.*)$/gm)) {
      if (action!.startsWith("./")) continue;
      assert.match(action!, /^[\w.-]+\/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, name);
      pinned++;
    }
  }
  assert.ok(pinned > 0);
});

Deno.test("supply: curl never leaves https, nor takes an old TLS", async () => {
  const files = await tracked(".ci", ".github", "docs", "scripts", "Makefile", "README.md");
  let seen = 0;
  for (const [name, text] of files.filter(([name]) => !name.endsWith(".ts"))) {
    // A command with an option, not the word.
    for (const [line] of text.replaceAll("\\\n", " ").matchAll(/.*\bcurl +-.*/g)) {
      assert.match(line, /curl --proto '?=https'? (--proto-redir =https )?--tlsv1\.2 /, name);
      assert.ok(
        !name.endsWith(".sh") || /^\s*#/.test(line) || line.includes("--proto-redir"),
        name,
      );
      seen++;
    }
  }
  assert.ok(seen >= 4, `${seen} of them`);
});
