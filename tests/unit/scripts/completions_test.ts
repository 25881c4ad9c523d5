import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { Home } from "../../../lib/common/home.ts";
import { writeRepositorySettings } from "../../../lib/shares/repository_settings.ts";
import { Shares } from "../../../lib/shares/shares.ts";
import { Names } from "../../../lib/identity/names.ts";
import { completions } from "../../../scripts/completions.ts";

const HERE = import.meta.dirname!;
const ID = "3f1c9a0e5b7d2c4f6a8b0d1e3f5a7c9b1d3e5f70";

/** How each shell is asked: the words after its name, given the folder of completions and a line. */
const SHELLS: Readonly<Record<string, (folder: string, line: string) => string[]>> = {
  bash: (folder, line) => [
    ...["--norc", "--noprofile", join(HERE, "candidates.bash")],
    ...[join(folder, "bash-completion", "completions", "gtr"), line],
  ],
  zsh: (folder, line) => [
    ...["-f", join(HERE, "candidates.zsh")],
    ...[join(folder, "zsh", "site-functions"), line],
  ],
  fish: (folder, line) => [
    ...["-c", 'source $argv[1]; printf "<%s>\\n" (complete -C $argv[2])'],
    ...[join(folder, "fish", "vendor_completions.d", "gtr.fish"), line],
  ],
};

/** Command line up to the cursor; what is offered, or some of it; what isn't. */
const CASES: readonly [line: string, offered: string[], not?: string[]][] = [
  ["gtr sha", ["share"]],
  ["gtr nam", ["name"]],
  ["gtr name ", ["add", "import", "list", "remove"]],
  ["gtr name import --", ["--accept-change", "--as"]],
  ["gtr daemon st", ["start", "status", "stop"], ["logs"]],
  ["gtr share ", ["main", "next", "topic/one"]],
  ["gtr share main to", ["topic/one"], ["main"]],
  ["gtr share --", ["--no-tags", "--tags"], ["--unset"]],
  ["gtr remove ", ["main", "next"], ["topic/one"]],
  ["gtr remove --repository ", ["hello"], ["main"]],
  ["gtr remove --repository=h", ["hello"]],
  ["gtr name remove ", ["barbara", "bob"]],
  ["gtr name remove bob ", [], ["barbara"]],
  ["gtr config torrent.p", ["torrent.port"]],
  ["gtr config torrent.port ", [], ["torrent.port"]],
  ["gtr config --unset daemon.", ["daemon.autostart"]],
  ["gtr daemon logs --l", ["--lines"]],
  ["gtr help dae", ["daemon"]],
  ["gtr init --name ", [], ["main", "bob"]],
  ["gtr clone torrent://bo", ["torrent://bob/"], ["torrent://barbara/"]],
  ["gtr clone tor", ["torrent://"]],
  ["gtr clone gt", ["gtr://"]],
];

/** What git's own completion offers, where the shell has it. */
const GIT_CASES: typeof CASES = [
  ["gtr shortl", ["shortlog"]],
  ["gtr checkout top", ["topic/one"]],
  ["gtr log --onel", ["--oneline"]],
];

async function has(shell: string): Promise<boolean> {
  const { success } = await new Deno.Command("sh", { args: ["-c", `command -v ${shell}`] })
    .output();
  return success;
}

async function git(cwd: string, ...args: string[]): Promise<void> {
  const { success } = await new Deno.Command("git", { args, cwd, stderr: "null" }).output();
  assert(success, `git ${args.join(" ")}`);
}

/** A home and a shared repository, as gtr makes them, and the completions. */
async function fixture() {
  const root = await Deno.realPath(await Deno.makeTempDir());
  const home = new Home(join(root, "home"));
  const repository = join(root, "repository");
  await git(root, "init", "-q", "-b", "main", repository);
  const commit = ["commit", "-q", "--allow-empty", "-m", "first"];
  await git(repository, "-c", "user.name=A", "-c", "user.email=a@example.org", ...commit);
  for (const branch of ["next", "topic/one"]) await git(repository, "branch", branch);
  const gitDir = join(repository, ".git");
  const branches = ["refs/heads/main", "refs/heads/next"];
  await writeRepositorySettings(gitDir, {
    version: 1,
    name: "hello",
    branches,
    tags: "reachable",
  });
  await new Shares(home).add({ gitDir, name: "hello" });
  const names = new Names(home.names);
  for (const name of ["bob", "barbara"]) await names.add(name, ID, `${name}@example.org`);
  for (
    const [path, script] of completions(["gtr", "gtd", "git-remote-gtr", "git-remote-torrent"])
  ) {
    await Deno.mkdir(dirname(join(root, path)), { recursive: true });
    await Deno.writeTextFile(join(root, path), script);
  }
  return {
    async candidates(shell: string, line: string): Promise<string[]> {
      const { stdout, stderr } = await new Deno.Command(shell, {
        args: SHELLS[shell]!(root, line),
        cwd: repository,
        env: { GTR_HOME: home.root, HOME: root, TERM: "dumb" },
        stdin: "null",
      }).output();
      const text = new TextDecoder().decode(stdout);
      // bash replaces only what is behind a colon; fish adds a description behind a tab.
      const start = shell === "bash" ? /^.* (.*:)/.exec(line)?.[1] ?? "" : "";
      // Some say the option in front of the value again.
      const found = [...text.matchAll(/<(?:--[a-z]+=)?([^>\t]+)[^>]*>/g)].map(([, word]) =>
        word!.trim()
      );
      const complaint = new TextDecoder().decode(stderr);
      assert.equal(complaint, "", `${shell}: ${line}`);
      return [...new Set(found.map((word) => start + word))].sort();
    },
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

for (const shell of Object.keys(SHELLS)) {
  const there = await has(shell);
  const check = async (cases: typeof CASES) => {
    await using made = await fixture();
    for (const [line, offered, not = []] of cases) {
      const found = await made.candidates(shell, line);
      const missing = offered.filter((word) => !found.includes(word));
      assert.deepEqual([line, missing, found.filter((word) => not.includes(word))], [line, [], []]);
    }
  };
  const name = (what: string) =>
    `completions: ${shell}: ${what}${there ? "" : ` (needs ${shell})`}`;
  Deno.test({ name: name("what gtr knows"), ignore: !there, fn: () => check(CASES) });
  const gits = shell !== "bash" || await Deno.stat("/usr/share/bash-completion/completions/git")
    .then(() => true, () => false);
  Deno.test({
    name: gits
      ? name("what git knows")
      : `completions: bash: what git knows (needs git's completion)`,
    ignore: !there || !gits,
    fn: () => check(GIT_CASES),
  });
}
