/**
 * `.deno-checksums`: what may be used of what is fetched of Deno.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";

/**
 * The SHA-256 that a file has to have.
 *
 * @param root the project's folder
 * @param name as Deno's releases name it, "v2.9.6/denort-x86_64-unknown-linux-gnu.zip"
 * @returns 64 hex digits; undefined if it is not known
 */
export async function checksum(root: string, name: string): Promise<string | undefined> {
  const text = await Deno.readTextFile(join(root, ".deno-checksums"));
  for (const line of text.split(/\r?\n/)) {
    const [, hash, path] = /^([0-9a-f]{64}) {2}(\S+)$/.exec(line) ?? [];
    if (path === name) return hash;
  }
  return undefined;
}

/** The SHA-256 of a file, in hex; undefined if there is none. */
export async function sha256(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  return hash.digest("hex");
}
