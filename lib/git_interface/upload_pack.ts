/**
 * Serving a repository of the store to git's own client (`git upload-pack`).
 *
 * @module
 */
import type { Budget } from "./budget.ts";
import { type GitProcess, spawnGit } from "./run.ts";

/** The filters of partial clones (git-clone(1)). Others take long, or are hardly used. */
const FILTERS = [
  "uploadpack.allowFilter=true",
  "uploadpackfilter.allow=false",
  "uploadpackfilter.blob:none.allow=true",
  "uploadpackfilter.blob:limit.allow=true",
  "uploadpackfilter.tree.allow=true",
  "uploadpackfilter.tree.maxDepth=0",
];

/**
 * Starts `git upload-pack` on a repository of the store. It only ever reads. The filters of partial
 * clones and any object id are allowed: whatever the store holds has been published.
 *
 * @param options `protocol`: the wire protocol's version that the client asked for; `stateless`: only
 * one exchange of git's HTTP transport (gitprotocol-http(5)), or the refs with which it begins;
 * `bundle`: the URL of one to tell who asks (git 2.40 and newer); `budget`: if a stranger asks
 * @throws {GitError} "no-git", "no-repository"
 */
export function spawnUploadPack(
  gitDir: string,
  options: {
    readonly protocol: 0 | 1 | 2;
    readonly stateless?: "advertise" | "exchange";
    readonly bundle?: string;
    readonly budget?: Budget;
    readonly signal?: AbortSignal;
  },
): Promise<GitProcess> {
  const settings = [...FILTERS, "uploadpack.allowAnySHA1InWant=true"];
  return spawnGit(
    [
      ...settings.flatMap((setting) => ["-c", setting]),
      ...(options.bundle === undefined ? [] : [
        "-c",
        "uploadpack.advertiseBundleURIs=true",
        "-c",
        "bundle.version=1",
        "-c",
        "bundle.mode=all",
        "-c",
        `bundle.base.uri=${options.bundle}`,
      ]),
      "upload-pack",
      "--strict",
      ...(options.stateless ? ["--stateless-rpc"] : []),
      ...(options.stateless === "advertise" ? ["--advertise-refs"] : []),
      gitDir,
    ],
    {
      ...(options.budget ? { gitDir, budget: options.budget } : { cwd: gitDir }),
      signal: options.signal,
      env: options.protocol > 0 ? { GIT_PROTOCOL: `version=${options.protocol}` } : {},
    },
  );
}
