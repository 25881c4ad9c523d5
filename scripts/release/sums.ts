/**
 * What lies beside the archives of a release.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { ReleaseError } from "./error.ts";

/** Where `install.sh` gets its version and address, and the keys that it believes. */
const VERSION = "@VERSION@";
const PLACE = "@RELEASE@";
const SIGNERS = "@SIGNERS@";
/** One of the keys: the principal and the namespace are those that `install.sh` asks for. */
const SIGNER =
  /^release namespaces="gtr-release" (?:ssh-ed25519|sk-ssh-ed25519@openssh\.com) [A-Za-z0-9+/=]+$/;

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
 * @param version the only one that it installs: an older release is signed, too
 * @param base the URL below which the release's files are
 * @param allowed the text of `allowed_signers`: whose signatures it believes
 * @throws {ReleaseError} if one of them can't be used
 */
export function installer(
  template: string,
  version: string,
  base: string,
  allowed: string,
): string {
  if (!/^https:\/\/[A-Za-z0-9._~:/%-]+$/.test(base)) {
    throw new ReleaseError(`can't use ${base}: it has to be an https address`);
  }
  const signers = allowed.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  if (signers.length === 0) {
    throw new ReleaseError("can't make a release: allowed_signers has no release key");
  }
  const odd = signers.find((line) => !SIGNER.test(line));
  if (odd !== undefined) throw new ReleaseError(`can't use a line of allowed_signers: ${odd}`);
  return template.replace(VERSION, version).replace(PLACE, base.replace(/\/$/, ""))
    .replace(SIGNERS, signers.join("\n"));
}
