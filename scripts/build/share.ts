/**
 * `dist/share`: the manual pages and completions that belong to the executables in `dist/bin`.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { completions } from "../completions.ts";
import { manPages } from "../man.ts";
import { BuildError } from "./error.ts";

/**
 * Makes all of `dist/share` anew, and puts it in the place of the one before.
 *
 * @param root the project's folder, whose `dist/bin` is built
 * @throws {BuildError}
 */
export async function placeShare(root: string): Promise<void> {
  const dist = join(root, "dist");
  const share = join(dist, "share");
  const unfinished = `${share}.${Deno.pid}.tmp`;
  try {
    const programs: string[] = [];
    for await (const { name } of Deno.readDir(join(dist, "bin"))) {
      programs.push(name.replace(/\.exe$/, ""));
    }
    programs.sort();
    const pages = [...manPages(programs)].map(([name, page]) =>
      [`man/man1/${name}`, page] as const
    );
    for (const [name, text] of [...pages, ...completions(programs)]) {
      await Deno.mkdir(dirname(join(unfinished, name)), { recursive: true });
      await Deno.writeTextFile(join(unfinished, name), text);
    }
    await Deno.remove(share, { recursive: true }).catch(() => {});
    await Deno.rename(unfinished, share);
  } catch (error) {
    await Deno.remove(unfinished, { recursive: true }).catch(() => {});
    throw new BuildError(`can't write ${share}: ${(error as Error).message}`);
  }
}
