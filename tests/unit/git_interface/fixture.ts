/** Real repositories in temporary folders. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { ObjectFormat } from "../../../lib/manifest/types.ts";

export const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];

/** A folder that is removed at the end of its scope. */
export async function tempDir(parent?: string): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "gtr-test-", dir: parent });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Runs git apart from the code under test; its output without the last line break. */
export async function git(cwd: string, args: readonly string[], input = ""): Promise<string> {
  const child = new Deno.Command("git", {
    args: ["-c", "gc.auto=0", "-c", "gc.autoDetach=false", ...args],
    cwd,
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: cwd,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "A",
      GIT_AUTHOR_EMAIL: "a@example.org",
      GIT_COMMITTER_NAME: "A",
      GIT_COMMITTER_EMAIL: "a@example.org",
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  if (code !== 0) throw new Error(`git ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout).replace(/\n$/, "");
}

/** An empty repository on branch main. */
export async function initRepository(path: string, format: ObjectFormat = "sha1"): Promise<string> {
  await Deno.mkdir(path, { recursive: true });
  await git(path, ["init", "-q", "-b", "main", `--object-format=${format}`]);
  return path;
}

/** Commits a file; returns the commit. Content that doesn't compress makes packs of known size. */
export async function commit(path: string, file: string, bytes = 64): Promise<string> {
  await Deno.writeFile(join(path, file), randomBytes(bytes));
  await git(path, ["add", file]);
  await git(path, ["commit", "-q", "-m", `add ${file}`]);
  return await git(path, ["rev-parse", "HEAD"]);
}

export const gitDirOf = (path: string) => join(path, ".git");
export const objectsOf = (path: string) => join(path, ".git", "objects");

/** Many commits on main at once, three objects each, and a tag of the last. */
export async function grow(work: string, commits: number): Promise<void> {
  const parts = Array.from(
    { length: commits },
    (_, i) =>
      `commit refs/heads/main\ncommitter T <t@example.org> ${1_600_000_000 + i} +0000\n` +
      `data 2\nc\nM 100644 inline f\ndata <<E\n${commits} ${i}\nE\n`,
  );
  await git(work, ["fast-import", "--quiet", "--force"], parts.join(""));
  await git(work, ["reset", "-q", "--hard", "main"]);
  await git(work, ["tag", "-a", "-m", "words", `v${commits}`]);
}
