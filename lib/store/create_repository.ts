/**
 * Making a bare repository for the store.
 *
 * @module
 */
import { join, relative } from "node:path";
import { readTextIfPresent, writeFileAtomic } from "../common/atomic_file.ts";
import { explained } from "../git_interface/os_error.ts";
import { runGit } from "../git_interface/run.ts";
import type { ObjectFormat } from "../manifest/types.ts";
import type { RepoPaths } from "./repo_paths.ts";
import { remove } from "./tidy.ts";

/** Published packs are never rewritten behind the manifest's back. */
const CONFIG = "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n";

/**
 * Makes the repository aside and moves it into place, so that it is there whole or not at all. The
 * caller holds the lock.
 *
 * @throws {StoreError}
 */
export async function createRepository(
  paths: RepoPaths,
  objectFormat: ObjectFormat,
): Promise<void> {
  const temporary = paths.temporaryRepository();
  try {
    await Deno.mkdir(temporary, { recursive: true });
    await runGit(
      ["init", "--quiet", "--bare", "--template=", `--object-format=${objectFormat}`, temporary],
      { cwd: temporary, env: { GIT_DEFAULT_REF_FORMAT: "files" } },
    );
    await Deno.writeTextFile(join(temporary, "config"), CONFIG, { append: true });
    for (const folder of [paths.incoming, paths.retired]) {
      await Deno.mkdir(join(temporary, relative(paths.root, folder)), { recursive: true });
    }
    await Deno.rename(temporary, paths.root);
  } catch (error) {
    await remove(temporary);
    throw explained(`can't make ${paths.root}`, error);
  }
}

/**
 * Makes what git needs to see a repository at all, where someone removed or spoilt it. Refs and HEAD
 * follow with the next manifest.
 *
 * @throws {StoreError}
 */
export async function mendRepository(paths: RepoPaths): Promise<void> {
  const refs = ["heads", "tags"].map((kind) => join(paths.root, "refs", kind));
  try {
    for (const folder of [...refs, paths.packs, paths.incoming, paths.retired]) {
      await Deno.mkdir(folder, { recursive: true });
    }
  } catch (error) {
    throw explained(`can't mend ${paths.root}`, error);
  }
  const head = join(paths.root, "HEAD");
  const text = await readTextIfPresent(head) ?? "";
  if (!/^ref: refs\/heads\/.+\n$/.test(text)) await writeFileAtomic(head, "ref: refs/heads/main\n");
}

/** The object format of a bare repository. */
export async function objectFormatOf(gitDir: string): Promise<ObjectFormat> {
  const config = await readTextIfPresent(join(gitDir, "config")) ?? "";
  return /^\s*objectformat\s*=\s*sha256\s*$/im.test(config) ? "sha256" : "sha1";
}
