/**
 * Repositories that are as large as their files: what is measured is links, not compression.
 *
 * @module
 */
import { join } from "node:path";
import { type Environment, run } from "../../local/run.ts";

const FILE_BYTES = 200_000;
/** What one call of the system may make, in bytes. */
const RANDOM_BYTES = 65_536;

/** Commits `bytes` random bytes, in files of 200 kB, to a repository with a working tree. */
export async function commitBytes(
  repository: string,
  bytes: number,
  name: string,
  env: Environment,
): Promise<void> {
  for (let n = 0; n * FILE_BYTES < bytes; n++) {
    const content = new Uint8Array(Math.min(FILE_BYTES, bytes - n * FILE_BYTES));
    for (let at = 0; at < content.length; at += RANDOM_BYTES) {
      crypto.getRandomValues(content.subarray(at, at + RANDOM_BYTES));
    }
    await Deno.writeFile(join(repository, `${name}-${n}.bin`), content);
  }
  await run(["git", "-C", repository, "add", "--all"], { env });
  await run(["git", "-C", repository, "commit", "--quiet", "-m", `Add ${name}`], { env });
}
