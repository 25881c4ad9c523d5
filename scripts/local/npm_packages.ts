/**
 * Packages for Node that tests and benchmarks need and the program doesn't.
 *
 * @module
 */
import { join } from "node:path";

const TOOLS = join(import.meta.dirname!, "..", "..", ".tools");
const INSTALL_MS = 120_000;

/** Where packages are installed, or why they aren't. */
export type Installed = { readonly folder: string } | { readonly reason: string };

/**
 * Installs packages with npm, once; the folder has node_modules.
 *
 * @param packages each with its version
 * @param module the one that has to load
 */
export async function npmPackages(packages: readonly string[], module: string): Promise<Installed> {
  const folder = join(TOOLS, packages.map((name) => name.replace("/", "+")).join("-"));
  if (!await Deno.stat(folder).then(() => true, () => false)) {
    const failure = await install(packages, folder);
    if (failure !== undefined) return { reason: `needs npm to install ${packages[0]}: ${failure}` };
  }
  const failure = await call("node", ["-e", `import(${JSON.stringify(module)})`], folder);
  return failure === undefined
    ? { folder }
    : { reason: `needs Node to load ${packages[0]}: ${failure}` };
}

async function install(packages: readonly string[], target: string): Promise<string | undefined> {
  await Deno.mkdir(TOOLS, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: TOOLS, prefix: "npm-" });
  try {
    const options = ["--no-audit", "--no-fund", "--ignore-scripts"];
    const failure = await call(
      "npm",
      ["install", "--prefix", folder, ...options, ...packages],
      folder,
    );
    if (failure !== undefined) return failure;
    await Deno.rename(folder, target).catch(() => {}); // another test was faster
  } finally {
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
}

/** Undefined, or the last line of why it failed. */
async function call(program: string, args: string[], cwd: string): Promise<string | undefined> {
  try {
    const { success, stderr } = await new Deno.Command(program, {
      args,
      cwd,
      stdin: "null",
      signal: AbortSignal.timeout(INSTALL_MS),
    }).output();
    if (success) return undefined;
    return new TextDecoder().decode(stderr).trim().split("\n").at(-1);
  } catch (error) {
    return (error as Error).message;
  }
}
