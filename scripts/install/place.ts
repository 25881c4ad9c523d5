/**
 * Putting files in place, and taking them away.
 *
 * @module
 */
import { dirname, join, relative } from "node:path";
import { failure, InstallError } from "./error.ts";
import type { Planned } from "./plan.ts";
import { readRecord, RECORD, type Record } from "./record.ts";

/** A file while it is written. */
const UNFINISHED = ".gtr-new";

/**
 * Installs files below `base`. Each is whole or not there, whenever this is interrupted; what is
 * there can be uninstalled then, too. Files of an earlier installation that are no longer needed go.
 *
 * @returns whether there was an earlier installation
 * @throws {InstallError}
 */
export async function install(base: string, planned: readonly Planned[]): Promise<boolean> {
  const before = await readRecord(base);
  const files = planned.map(({ to }) => to);
  const foreign = await firstForeign(base, files, before);
  if (foreign) {
    throw new InstallError(
      `can't install ${foreign}: it is there already, and not of this gtr (remove it, or choose another PREFIX)`,
    );
  }
  const folders = new Set(before?.folders);
  const gone = [...before?.files ?? [], ...before?.replaced ?? []]
    .filter((path) => !files.includes(path));
  const staying = before?.files.filter((path) => gone.includes(path) && isBundle(path)) ?? [];
  // A second installation of one build leaves the bundles before it alone.
  const replaced = staying.length > 0 ? staying : before?.replaced.filter((p) => gone.includes(p));
  const record = (replaced: readonly string[] = []): Record => ({
    version: 1,
    files,
    folders: [...folders].sort(),
    replaced,
  });
  for (const path of [RECORD, ...files]) await makeFolder(base, dirname(path), folders);
  await placeText(join(base, RECORD), JSON.stringify(record(gone)) + "\n");
  for (const file of planned) await place(base, file);
  for (const path of gone) if (!replaced?.includes(path)) await remove(join(base, path));
  await removeFolders(base, [...folders].filter((folder) => isBundle(`${folder}/`)));
  await placeText(join(base, RECORD), JSON.stringify(record(replaced), null, 2) + "\n");
  return before !== undefined;
}

/**
 * Removes what was installed below `base`, and the folders that were made for it.
 *
 * @returns the number of files
 * @throws {InstallError} also where nothing was installed
 */
export async function uninstall(base: string): Promise<number> {
  const record = await readRecord(base);
  if (!record) {
    throw new InstallError(`can't uninstall: make install has put nothing into ${base}`);
  }
  const files = [...record.files, ...record.replaced];
  for (const path of files) {
    await remove(join(base, path));
    await remove(join(base, path + UNFINISHED));
  }
  await remove(join(base, RECORD));
  await removeFolders(base, record.folders);
  return files.length;
}

function isBundle(path: string): boolean {
  return /^lib\/gtr\/[^/]+\//.test(path);
}

/** Another program of the same name is not to be lost: GNU tr is called gtr, too. */
async function firstForeign(
  base: string,
  files: readonly string[],
  before: Record | undefined,
): Promise<string | undefined> {
  for (const path of files) {
    if (!path.startsWith("bin/") || before?.files.includes(path)) continue;
    if (await Deno.lstat(join(base, path)).catch(() => undefined)) return join(base, path);
  }
}

async function makeFolder(base: string, folder: string, made: Set<string>): Promise<void> {
  const path = join(base, folder);
  try {
    if ((await Deno.stat(path)).isDirectory) return;
    throw new InstallError(`can't make the folder ${path}: there is a file of that name`);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== "ENOENT" && code !== "ENOTDIR") {
      throw failure(`can't make the folder ${path}`, error);
    }
  }
  await makeFolder(base, join(folder, ".."), made);
  try {
    await Deno.mkdir(path, { mode: 0o755 });
  } catch (error) {
    throw failure(`can't make the folder ${path}`, error);
  }
  made.add(relative(base, path) || ".");
}

async function place(base: string, { to, mode, from }: Planned): Promise<void> {
  const path = join(base, to);
  if ("text" in from) return await placeText(path, from.text, mode);
  try {
    const [source, there] = await Promise.all([
      Deno.stat(from.path),
      Deno.lstat(path).catch(() => undefined),
    ]);
    const same = there?.isFile && there.size === source.size &&
      there.mtime?.getTime() === source.mtime?.getTime() && ((there.mode ?? 0) & 0o777) === mode;
    if (same) return;
    await Deno.copyFile(from.path, path + UNFINISHED);
    await Deno.chmod(path + UNFINISHED, mode);
    await Deno.utime(path + UNFINISHED, source.mtime ?? new Date(), source.mtime ?? new Date());
    await Deno.rename(path + UNFINISHED, path);
  } catch (error) {
    await Deno.remove(path + UNFINISHED).catch(() => {});
    throw failure(`can't install ${path}`, error);
  }
}

async function placeText(path: string, text: string, mode = 0o644): Promise<void> {
  try {
    await Deno.writeTextFile(path + UNFINISHED, text);
    await Deno.chmod(path + UNFINISHED, mode);
    await Deno.rename(path + UNFINISHED, path);
  } catch (error) {
    await Deno.remove(path + UNFINISHED).catch(() => {});
    throw failure(`can't install ${path}`, error);
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== "ENOENT" && code !== "ENOTDIR") throw failure(`can't remove ${path}`, error);
  }
}

/** Removes those that are empty, the inner ones first; the others hold what others put there. */
async function removeFolders(base: string, folders: readonly string[]): Promise<void> {
  const paths = folders.map((folder) => join(base, folder)).sort((a, b) => b.length - a.length);
  for (const path of paths) await Deno.remove(path).catch(() => {});
}
