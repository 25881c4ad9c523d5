/**
 * udx-native, hyperdht and what is built on it for Node: what interop is tested with, and speed measured against.
 *
 * @module
 */
import { join } from "node:path";

const PACKAGES = ["udx-native@1.21.3", "hyperdht@6.34.0", "hyperswarm@4.17.2", "hypercore@11.37.1"];
const FOLDER = join(import.meta.dirname!, "..", "..", ".tools", PACKAGES.join("-"));
const INSTALL_MS = 120_000;

/** Where they are installed, or why they aren't. */
export type NativeUdx = { readonly folder: string } | { readonly reason: string };

/** Installs them with npm, once; the folder has node_modules. */
export async function nativeUdx(): Promise<NativeUdx> {
  const installed = await Deno.stat(join(FOLDER, "node_modules", "hyperdht", "package.json"))
    .then(() => true, () => false);
  if (!installed) {
    const reason = await install();
    if (reason) return { reason };
  }
  const loads = await call("node", ["-e", "require('hyperdht')"], FOLDER);
  return loads === undefined
    ? { folder: FOLDER }
    : { reason: `needs Node to load hyperdht: ${loads}` };
}

async function install(): Promise<string | undefined> {
  await Deno.mkdir(join(FOLDER, ".."), { recursive: true });
  const folder = await Deno.makeTempDir({ dir: join(FOLDER, ".."), prefix: "udx-native-" });
  try {
    const options = ["--no-audit", "--no-fund", "--ignore-scripts"];
    const args = ["install", "--prefix", folder, ...options, ...PACKAGES];
    const failure = await call("npm", args, folder);
    if (failure !== undefined) return `needs npm to install udx-native: ${failure}`;
    await Deno.rename(folder, FOLDER).catch(() => {}); // another test was faster
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
