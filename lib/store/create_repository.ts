/**
 * Making a bare repository for the store.
 *
 * @module
 */
import { join, relative } from "node:path";
import { readTextIfPresent, writeFileAtomic } from "../common/atomic_file.ts";
import { explained } from "../git_interface/os_error.ts";
import type { ObjectFormat } from "../manifest/types.ts";
import type { RepoPaths } from "./repo_paths.ts";
import { remove } from "./tidy.ts";

/** gitrepository-layout(5): all that git needs of a bare repository. */
const CORE = {
  sha1: "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n",
  sha256: "[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n\tbare = true\n" +
    "[extensions]\n\tobjectformat = sha256\n",
};
/** Published packs are never rewritten behind the manifest's back. */
const CONFIG = "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n";
const HEAD = "ref: refs/heads/main\n";

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
    // Not by git init: a first clone would wait for one more process.
    const { incoming, retired, packs } = paths;
    const folders = [incoming, retired, packs, ...refFolders(paths)];
    for (const folder of folders) {
      await Deno.mkdir(join(temporary, relative(paths.root, folder)), { recursive: true });
    }
    await Deno.writeTextFile(join(temporary, "config"), CORE[objectFormat] + CONFIG);
    await Deno.writeTextFile(join(temporary, "HEAD"), HEAD);
    await Deno.rename(temporary, paths.root);
  } catch (error) {
    await remove(temporary);
    throw explained(`can't make ${paths.root}`, error);
  }
}

/**
 * Makes what git needs to see a repository at all, if someone removed or spoilt it. Refs and HEAD
 * follow with the next manifest.
 *
 * @throws {StoreError}
 */
export async function mendRepository(paths: RepoPaths): Promise<void> {
  try {
    for (const folder of [...refFolders(paths), paths.packs, paths.incoming, paths.retired]) {
      await Deno.mkdir(folder, { recursive: true });
    }
  } catch (error) {
    throw explained(`can't mend ${paths.root}`, error);
  }
  const head = join(paths.root, "HEAD");
  const text = await readTextIfPresent(head) ?? "";
  if (!/^ref: refs\/heads\/.+\n$/.test(text)) await writeFileAtomic(head, HEAD);
}

function refFolders({ root }: RepoPaths): string[] {
  return ["heads", "tags"].map((kind) => join(root, "refs", kind));
}

/** The object format of a bare repository. */
export async function objectFormatOf(gitDir: string): Promise<ObjectFormat> {
  const config = await readTextIfPresent(join(gitDir, "config")) ?? "";
  return /^\s*objectformat\s*=\s*sha256\s*$/im.test(config) ? "sha256" : "sha1";
}
