/**
 * udx-native, the original, for Node: what interop is tested with, and speed measured against.
 *
 * @module
 */
import { join } from "node:path";

const VERSION = "1.21.3";
const FOLDER = join(import.meta.dirname!, "..", "..", ".tools", `udx-native-${VERSION}`);
const INSTALL_MS = 120_000;

/** Where it is installed, or why it isn't. */
export type NativeUdx = { readonly folder: string } | { readonly reason: string };

/** Installs it with npm, once; the folder has node_modules. */
export async function nativeUdx(): Promise<NativeUdx> {
  const installed = await Deno.stat(join(FOLDER, "node_modules", "udx-native", "package.json"))
    .then(() => true, () => false);
  if (!installed) {
    const reason = await install();
    if (reason) return { reason };
  }
  const loads = await call("node", ["-e", "require('udx-native')"], FOLDER);
  return loads === undefined ? { folder: FOLDER } : { reason: `needs Node to load it: ${loads}` };
}

async function install(): Promise<string | undefined> {
  await Deno.mkdir(join(FOLDER, ".."), { recursive: true });
  const folder = await Deno.makeTempDir({ dir: join(FOLDER, ".."), prefix: "udx-native-" });
  try {
    const options = ["--no-audit", "--no-fund", "--ignore-scripts"];
    const args = ["install", "--prefix", folder, ...options, `udx-native@${VERSION}`];
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
