/**
 * Changing the user's own configuration of git, by git, but without secrets on its command line, which
 * everyone on the machine can see.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { copyFile, mkdir, realpath, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readTextIfPresent, writeFileAtomic } from "../common/atomic_file.ts";
import { GitError } from "../common/errors.ts";
import { runGit } from "./run.ts";

/** The file has a secret in it from now on. */
const OWNER_ONLY = 0o600;

/**
 * Sets the values that are given and removes the others of `names`, all at once; the rest of the file
 * stays as it is.
 *
 * @param env the user's environment: GIT_CONFIG_GLOBAL, HOME, XDG_CONFIG_HOME
 * @throws {GitError} "no-home" or "git-failed"
 * @throws {StoreError} "not-writable", "disk-full"
 */
export async function changeUserConfig(
  names: readonly string[],
  values: Readonly<Record<string, string>>,
  env: (name: string) => string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const path = await userConfigPath(env);
  const before = await readTextIfPresent(path);
  if (before === undefined && Object.keys(values).length === 0) return;
  await mkdir(dirname(path), { recursive: true });
  const copy = `${path}.gtr-${randomBytes(6).toString("hex")}.tmp`;
  try {
    if (before === undefined) await writeFileAtomic(copy, "", OWNER_ONLY);
    else await copyFile(path, copy);
    const edit = async (...args: string[]) =>
      await runGit(["config", "--file", copy, ...args], { cwd: "/", signal, allowFail: true });
    const stand = new Map<string, string>();
    for (const name of names) {
      await edit("--unset-all", name); // fails where there is none
      const value = values[name];
      if (value === undefined) continue;
      const mark = `gtr-${randomBytes(12).toString("hex")}`;
      stand.set(mark, value);
      const { code, stderr } = await edit(name, mark);
      if (code !== 0) throw new GitError("git-failed", `git config failed: ${stderr}`);
    }
    let text = await Deno.readTextFile(copy);
    for (const [mark, value] of stand) text = text.replace(mark, () => quoted(value));
    if (text === before) return;
    const mode = stand.size > 0 ? OWNER_ONLY : (await Deno.stat(path)).mode ?? OWNER_ONLY;
    await writeFileAtomic(path, text, mode & 0o777);
  } finally {
    await rm(copy, { force: true });
  }
}

/** As git-config(1) chooses for `--global`; where it is a link, what it leads to. */
async function userConfigPath(env: (name: string) => string | undefined): Promise<string> {
  const chosen = env("GIT_CONFIG_GLOBAL");
  if (chosen) {
    const path = await realpath(chosen).catch(() => chosen);
    const isOther = await Deno.stat(path).then(({ isFile }) => !isFile, () => false);
    if (!isOther) return path;
    throw new GitError("no-home", `can't write git's configuration: ${chosen} is not a file`, {
      hint: "set GIT_CONFIG_GLOBAL to a file, or not at all",
    });
  }
  const home = env("HOME") || env("USERPROFILE");
  if (!home) {
    throw new GitError("no-home", "can't find git's configuration: HOME is not set");
  }
  const first = join(home, ".gitconfig");
  const second = join(env("XDG_CONFIG_HOME") || join(home, ".config"), "git", "config");
  for (const path of [first, second]) {
    const found = await realpath(path).catch(() => undefined);
    if (found !== undefined) return found;
  }
  return first;
}

/** A value as it stands in the file (git-config(1), "Syntax"). */
function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}
