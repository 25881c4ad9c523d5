/**
 * Repositories whose path is not UTF-8: this program can't name them, but git can. A link with a
 * plain name stands in for such a path for as long as the helper runs.
 *
 * @module
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Home } from "../common/home.ts";
import { linkRepository } from "../git_interface/link_repository.ts";
import type { Environment } from "./local_repository.ts";
import { readVariable } from "./nameable.ts";

/** The same environment with a `GIT_DIR` that can be named. Disposing it removes the link. */
export async function nameRepository(
  home: Home,
): Promise<{ readonly env: Environment } & AsyncDisposable> {
  await home.ensure();
  const folder = await Deno.makeTempDir({ dir: home.root, prefix: "path-", suffix: ".tmp" });
  const link = join(folder, "git");
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await linkRepository(link);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    env: (name) => name === "GIT_DIR" ? link : readVariable(name),
    [Symbol.asyncDispose]: remove,
  };
}
