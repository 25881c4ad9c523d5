/**
 * Which networks a build has: those of `lib/transports/all.ts`, or a choice of them.
 *
 * A choice is a module that takes the place of `all.ts` by an import map of the build's own. Both are
 * written into the build's folder; nothing that is tracked changes.
 *
 * @module
 */
import { join, relative } from "node:path";
import { ANY_NETWORK } from "../../lib/transports/known.ts";
import { BuildError } from "./error.ts";

const ALL = "lib/transports/all.ts";
const HELPER = "git-remote-";

/** The networks that the tree has, by the names of their folders, in the order of `all.ts`. */
export async function treeNetworks(root: string): Promise<string[]> {
  const text = await Deno.readTextFile(join(root, ALL)).catch(() => "");
  return [...text.matchAll(/^import .* from "\.\/([a-z0-9_]+)\/mod\.ts";$/gm)].map((m) => m[1]!);
}

/**
 * The networks of `wanted`, in the order in which they are tried.
 *
 * @throws {BuildError} that names those there are
 */
export function chooseNetworks(wanted: readonly string[], there: readonly string[]): string[] {
  const unknown = wanted.filter((name) => !there.includes(name));
  if (unknown.length > 0) {
    throw new BuildError(
      `can't build TRANSPORTS=${wanted.join(",")}: no network ${unknown.join(", ")} ` +
        `(there are: ${there.join(", ")})`,
    );
  }
  return there.filter((name) => wanted.includes(name));
}

/** The network that the executable is for; undefined where it is for all. */
export function networkOf(program: string): string | undefined {
  const scheme = program.startsWith(HELPER) ? program.slice(HELPER.length) : ANY_NETWORK;
  return scheme === ANY_NETWORK ? undefined : scheme;
}

/**
 * Writes the choice into `folder`.
 *
 * @returns the import map to bundle with, which is in the place of that in `deno.json`
 */
export async function writeChoice(
  root: string,
  networks: readonly string[],
  folder: string,
): Promise<string> {
  const up = relative(folder, root).replaceAll("\\", "/");
  const names = networks.map((_, i) => `network${i}`); // a folder's name needn't be an identifier
  const imports = networks.map((network, i) =>
    `import { entry as ${names[i]} } from "${up}/lib/transports/${network}/mod.ts";\n`
  );
  await Deno.writeTextFile(
    join(folder, "all.ts"),
    `${imports.join("")}export const ALL_NETWORKS = [${names.join(", ")}];\n`,
  );
  const { imports: packages } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const importMap = join(folder, "imports.json");
  await Deno.writeTextFile(
    importMap,
    JSON.stringify({ imports: { ...packages, [`${up}/${ALL}`]: "./all.ts" } }),
  );
  return importMap;
}
