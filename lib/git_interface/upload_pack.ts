/**
 * Serving a repository of the store to git's own client (`git upload-pack`).
 *
 * @module
 */
import { type GitProcess, spawnGit } from "./run.ts";

/**
 * Starts `git upload-pack` on a repository of the store. It only ever reads. Filters and any object
 * id are allowed: whatever the store holds has been published.
 *
 * @param options `protocol`: the wire protocol's version that the client asked for; `stateless`: only
 * one exchange of git's HTTP transport (gitprotocol-http(5)), or the refs with which it begins; `bundle`: the URL of one to tell who asks (git 2.40 and newer)
 * @throws {GitError} "no-git", "no-repository"
 */
export function spawnUploadPack(
  gitDir: string,
  options: {
    readonly protocol: 0 | 1 | 2;
    readonly stateless?: "advertise" | "exchange";
    readonly bundle?: string;
    readonly signal?: AbortSignal;
  },
): Promise<GitProcess> {
  return spawnGit(
    [
      ...["-c", "uploadpack.allowFilter=true", "-c", "uploadpack.allowAnySHA1InWant=true"],
      ...(options.bundle === undefined ? [] : [
        ...["-c", "uploadpack.advertiseBundleURIs=true", "-c", "bundle.version=1"],
        ...["-c", "bundle.mode=all", "-c", `bundle.base.uri=${options.bundle}`],
      ]),
      ...["upload-pack", "--strict"],
      ...(options.stateless ? ["--stateless-rpc"] : []),
      ...(options.stateless === "advertise" ? ["--advertise-refs"] : []),
      gitDir,
    ],
    {
      cwd: gitDir,
      signal: options.signal,
      env: options.protocol > 0 ? { GIT_PROTOCOL: `version=${options.protocol}` } : {},
    },
  );
}
