/**
 * What lies beside the archives of a release.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { ReleaseError } from "./error.ts";

/** Where `install.sh` gets its address. */
const PLACE = "@RELEASE@";

/** The text of SHA256SUMS for the archives in `folder`, as sha256sum(1) writes and checks it. */
export async function sums(folder: string): Promise<string> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) if (name.endsWith(".tar.gz")) names.push(name);
  if (names.length === 0) throw new ReleaseError(`can't sum up: ${folder} has no archive`);
  const lines = names.sort().map(async (name) => {
    const content = await Deno.readFile(join(folder, name));
    return `${createHash("sha256").update(content).digest("hex")}  ${name}\n`;
  });
  return (await Promise.all(lines)).join("");
}

/**
 * `install.sh` of one release.
 *
 * @param base the URL below which the release's files are
 */
export function installer(template: string, base: string): string {
  if (!/^https:\/\/[A-Za-z0-9._~:/%-]+$/.test(base)) {
    throw new ReleaseError(`can't use ${base}: it has to be an https address`);
  }
  return template.replace(PLACE, base.replace(/\/$/, ""));
}
