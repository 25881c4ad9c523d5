/**
 * The `connect` command: git's own client, talking to `git upload-pack` on the store's repository.
 *
 * @module
 */
import { gitFailure } from "../git_interface/run.ts";
import { spawnUploadPack } from "../git_interface/upload_pack.ts";
import type { Environment } from "./local_repository.ts";

/** The streams that git reads and writes. */
export interface Streams {
  readonly stdin: ReadableStream<Uint8Array>;
  readonly stdout: WritableStream<Uint8Array>;
}

/** The wire protocol asked for in `GIT_PROTOCOL` (git(1)); git asks a helper for none, and knows 2. */
export function protocolVersion(env: Environment): 0 | 1 | 2 {
  const asked = env("GIT_PROTOCOL")?.split(":")
    .flatMap((key) => /^version=([012])$/.exec(key)?.[1] ?? []);
  if (!asked?.length) return 2;
  return Math.max(...asked.map(Number)) as 0 | 1 | 2;
}

/**
 * Joins git to `git upload-pack` until either ends.
 *
 * @param accept tells git that the connection is up, before any byte of it
 * @throws {GitError} where upload-pack fails
 */
export async function serveUploadPack(
  gitDir: string,
  protocol: 0 | 1 | 2,
  accept: () => Promise<Streams>,
  signal: AbortSignal,
): Promise<void> {
  const server = await spawnUploadPack(gitDir, { protocol, signal });
  const { stdin, stdout } = await accept();
  // Not awaited: git may keep its end open after upload-pack has ended.
  void stdin.pipeTo(server.stdin, { signal }).catch(() => {});
  await server.stdout.pipeTo(stdout, { preventClose: true, signal });
  const end = await server.ended;
  if (end.code !== 0) throw gitFailure(["upload-pack"], end);
}
