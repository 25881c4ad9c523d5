/**
 * Small file systems of their own.
 *
 * @module
 */
import assert from "node:assert/strict";

/** A mounted tmpfs. Disposing it unmounts and removes it. */
export interface Disk extends AsyncDisposable {
  readonly path: string;
  grow(megabytes: number): Promise<void>;
  /** Makes it read-only; false while a file on it is open for writing. */
  freeze(): Promise<boolean>;
}

async function mount(...args: string[]): Promise<boolean> {
  return (await new Deno.Command("mount", { args, stderr: "null" }).output()).success;
}

/** Mounts a disk of so many megabytes; undefined where that isn't allowed. */
export async function smallDisk(megabytes: number): Promise<Disk | undefined> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return undefined;
  const path = await Deno.makeTempDir({ prefix: "gtr-disk-" });
  if (!await mount("-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path)) {
    await Deno.remove(path);
    return undefined;
  }
  return {
    path,
    grow: async (n) => assert(await mount("-o", `remount,size=${n}m`, path)),
    freeze: () => mount("-o", "remount,ro", path),
    async [Symbol.asyncDispose]() {
      await new Deno.Command("umount", { args: ["-l", path] }).output();
      await Deno.remove(path);
    },
  };
}

/** Whether {@linkcode smallDisk} works here. */
export async function canMount(): Promise<boolean> {
  await using disk = await smallDisk(1);
  return disk !== undefined;
}
