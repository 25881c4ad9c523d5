/**
 * Where gtd's control socket is.
 *
 * @module
 */
import { join } from "node:path";
import { StoreError } from "../common/errors.ts";
import type { Home } from "../common/home.ts";

/** The longest path a UNIX socket address holds everywhere, in bytes (macOS: 104 with the NUL). */
const LONGEST = 103;

/**
 * `gtd.sock` in the home; where that path is too long for a socket address, a name derived from it
 * in a folder of the user's own for short-lived files.
 */
export async function socketPath(home: Home): Promise<string> {
  const path = new TextEncoder().encode(home.socket);
  if (path.length <= LONGEST) return home.socket;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-1", path));
  return join(await privateTemporary(), `gtd-${hash.toHex().slice(0, 16)}.sock`);
}

async function privateTemporary(): Promise<string> {
  const runtime = Deno.env.get("XDG_RUNTIME_DIR");
  if (runtime && runtime.length < 60) return runtime;
  const { tmpdir } = await import("node:os");
  const directory = join(tmpdir(), `gtr-${Deno.uid() ?? "user"}`);
  Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const info = Deno.lstatSync(directory);
  // Someone else could have made it first and wait for our socket there.
  if (
    !info.isDirectory || (info.uid !== null && info.uid !== Deno.uid()) || (info.mode ?? 0) & 0o077
  ) {
    throw new StoreError(
      "unsafe-socket",
      `can't use ${directory} for gtd's socket: it is open to others`,
      {
        hint: "remove it, or choose a GTR_HOME with a shorter path",
      },
    );
  }
  return directory;
}
