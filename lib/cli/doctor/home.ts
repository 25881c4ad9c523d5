/**
 * Whether the home is this user's own and can be written.
 *
 * @module
 */
import type { Home } from "../../common/home.ts";
import { type Check, failed, ok, warning } from "./check.ts";

export const home: Check = {
  what: "home",
  run: async ({ call: { home } }) => {
    const info = await homeInfo(home);
    if (!info) return [ok("home", `${home.root} is made when it is needed`)];
    const { root } = home;
    if (!info.isDirectory) {
      return [
        failed("home", `${root} is not a folder`, "move it away, or choose another GTR_HOME"),
      ];
    }
    if (info.uid !== null && info.uid !== Deno.uid()) {
      return [failed("home", `${root} is another user's`, "choose a GTR_HOME of your own")];
    }
    const mode = info.mode ?? 0o700;
    try {
      // A change that changes nothing: permissions don't tell.
      if (Deno.build.os !== "windows") await Deno.chmod(root, mode & 0o7777);
    } catch (error) {
      if (!isReadOnly(error)) throw error;
      const why = `${root} is on a read-only file system`;
      return [failed("home", why, "choose another GTR_HOME, or make it writable")];
    }
    if ((mode & 0o700) !== 0o700) {
      return [failed("home", `${root} can't be read and written`, `chmod 700 ${root}`)];
    }
    if ((mode & 0o077) !== 0) {
      return [warning("home", `${root} is open to other users`, `chmod 700 ${root}`)];
    }
    return [ok("home", root)];
  },
};

/** Whether the system refused to write for that reason. */
export function isReadOnly(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === "EROFS";
}

/** What the folder is; undefined where there is none yet. */
export async function homeInfo({ root }: Home): Promise<Deno.FileInfo | undefined> {
  return await Deno.stat(root).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
}
