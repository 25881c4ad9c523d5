/**
 * The files that have gtd run as a service.
 *
 * @module
 */
import { join } from "node:path";

const UNIT = "gtd.service";
const AGENT = "org.gtr.gtd.plist";

/** The systemd unit, for executables in `bin`. */
export async function systemdUnit(root: string, bin: string): Promise<string> {
  const template = await Deno.readTextFile(join(root, "scripts", UNIT));
  // systemd.syntax(7), systemd.service(5): specifiers, variables, quotes.
  const path = bin.replaceAll(/["\\]/g, "\\$&").replaceAll(/[%$]/g, "$&$&");
  return template.replace(
    "@BINDIR@/gtd",
    () => /[\s"'\\;]/.test(path) ? `"${path}/gtd"` : `${path}/gtd`,
  );
}

/** The launchd agent, for executables in `bin`. */
export async function launchdAgent(root: string, bin: string): Promise<string> {
  const template = await Deno.readTextFile(join(root, "scripts", AGENT));
  const path = bin.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return template.replace("@BINDIR@", () => path);
}

/** Where a service file goes, below the prefix; undefined where there is no manager for it. */
export function servicePath(
  os: typeof Deno.build.os,
  prefix: string,
  home: string | undefined,
): string | undefined {
  if (os === "darwin") return `share/gtr/${AGENT}`;
  if (os !== "linux") return undefined;
  const own = home !== undefined && `${prefix}/`.startsWith(`${home}/`);
  return `${own ? "share" : "lib"}/systemd/user/${UNIT}`;
}

/**
 * Whether a user's systemd looks for units in this folder; systemd.unit(5).
 *
 * @param data `XDG_DATA_HOME`, or what it is by default
 */
export function isUnitPath(folder: string, data: string): boolean {
  const shared = ["/usr/lib", "/usr/local/lib", "/usr/share", "/usr/local/share"];
  return [data, ...shared].some((parent) => folder === join(parent, "systemd", "user"));
}
