/**
 * One hash for everything that a build is made from.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";

/** Files and folders that decide what comes out of a build. */
const INPUTS = [".deno-version", "cmd", "deno.json", "deno.lock", "lib", "scripts/build"];

/**
 * 16 hex digits that change when any input's name or content does, and not with times or places.
 *
 * @param choice what a person chose about the build
 */
export async function fingerprint(root: string, choice: string): Promise<string> {
  const hash = createHash("sha256").update(`${choice}\0`);
  for (const input of INPUTS) {
    for (const path of await files(root, input)) {
      const content = await Deno.readFile(join(root, path));
      hash.update(`${path}\0${content.length}\0`).update(content);
    }
  }
  return hash.digest("hex").slice(0, 16);
}

/** The files at or below `path`, sorted; none where it doesn't exist. */
async function files(root: string, path: string): Promise<string[]> {
  try {
    if (!(await Deno.stat(join(root, path))).isDirectory) return [path];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  const below: string[] = [];
  for await (const entry of Deno.readDir(join(root, path))) {
    below.push(...await files(root, `${path}/${entry.name}`));
  }
  return below.sort();
}
