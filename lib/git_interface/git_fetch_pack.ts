/**
 * Fetching objects as git itself does (git-fetch-pack(1)).
 *
 * @module
 */
import { NetworkError } from "../common/errors.ts";
import { isOverBudget, OverBudgetError } from "./budget.ts";
import { gitFailure, type GitOptions, reason, runGit } from "./run.ts";

/** What is fetched, and into which repository. */
export interface FetchPackOptions
  extends
    Pick<GitOptions, "objectDirectory" | "alternates" | "env" | "signal" | "progress" | "budget"> {
  /** The repository that is filled. What its refs reach counts as had. */
  readonly gitDir: string;
  /** Object ids. */
  readonly wants: readonly string[];
  /**
   * Whether what comes is to be one pack, however small. Otherwise git makes loose objects of it
   * below `fetch.unpackLimit`. A pack has a `.keep` file until the caller removes it.
   */
  readonly keep: boolean;
  /** Commits from the tips, or with `relative` from where history ends now. */
  readonly depth?: number;
  readonly relative?: boolean;
  /** Only commits since this time, in any form that git knows. */
  readonly since?: string;
  /** Only commits that these refs don't reach. */
  readonly not?: readonly string[];
  /** Which objects may stay away: git-rev-list(1), `--filter`. */
  readonly filter?: string;
  /** What is left out will be fetched when it is needed: gitformat-pack(5), `.promisor`. */
  readonly promisor?: boolean;
  /** The repository is new. */
  readonly cloning?: boolean;
  /** As if nothing were there. */
  readonly refetch?: boolean;
  /** Annotated tags of what comes too. */
  readonly tags?: boolean;
  /** Find out whether what came is whole by itself. */
  readonly proof?: boolean;
}

/** What came. */
export interface FetchedPack {
  /** The pack's `.keep` file; undefined where nothing was missing, or it became loose objects. */
  readonly keep?: string;
  /** It was found to be whole by itself. */
  readonly whole: boolean;
}

/** What git says where it is the other side that failed. */
const OTHER_SIDE =
  /hung up|early EOF|unexpected disconnect|unable to (connect|look up)|connection (refused|reset|timed out)|broken pipe|read error|remote error|remote did not|read from remote|error in sideband|bad band|protocol error|bad (line|pack) |expected |pack has (bad|junk)|inflate returned|not our ref|does not appear to be a git repository/i;

/** What the other side gave as its reason, before git's own words for what came of it. */
const TOLD = /^(?:fatal: remote error|remote): gtr: (.+)$/m;

/**
 * Runs `git fetch-pack`, protocol 2. It makes the repository shallow, or a partial clone's packs,
 * as the options say.
 *
 * @param source a git:// address, or the path of a repository of the store
 * @throws {NetworkError} "stream-cut" where the other side is not there, or failed
 * @throws {OverBudgetError} also where the peer sends what is too much
 * @throws {GitError} "git-failed"
 * @throws {StoreError} "disk-full"
 */
export async function gitFetchPack(
  source: string,
  options: FetchPackOptions,
): Promise<FetchedPack> {
  const args = [
    // Neither is anything that a person's settings have a say in: it is loopback, or a folder.
    "-c",
    "protocol.version=2",
    "-c",
    "protocol.allow=always",
    "-c",
    "protocol.git.allow=always",
    "-c",
    "protocol.file.allow=always",
    "fetch-pack",
    "--stdin",
    "--thin",
    ...argumentsOf(options),
    ...(source.startsWith("git://") ? [] : [`--upload-pack=${UPLOAD_PACK}`]),
    source,
  ];
  const { gitDir, objectDirectory, alternates, env, signal, progress, budget } = options;
  const { code, stdout, stderr } = await runGit(args, {
    gitDir,
    objectDirectory,
    alternates,
    signal,
    progress,
    budget,
    env: { ...env, GIT_PROXY_COMMAND: "" }, // set and empty: core.gitProxy is not looked at
    input: options.wants.map((oid) => `${oid}\n`).join(""),
    allowFail: true,
  });
  if (code !== 0) {
    const end = { code, stderr };
    if (budget && isOverBudget(end)) throw new OverBudgetError(budget);
    if (!OTHER_SIDE.test(stderr)) throw gitFailure(["fetch-pack"], end);
    const why = TOLD.exec(stderr)?.[1] ?? reason(end);
    throw new NetworkError("stream-cut", `can't fetch: ${why}`, {
      hint: "try again; gtr daemon logs may say more",
    });
  }
  return {
    keep: /^lock\s(.+)$/m.exec(stdout)?.[1],
    whole: /^connectivity-ok$/m.test(stdout),
  };
}

/** For sources that are paths: settings don't reach the other side from here. */
const UPLOAD_PACK = "git -c uploadpack.allowFilter=true -c uploadpack.allowAnySHA1InWant=true " +
  "upload-pack --strict";

function argumentsOf(options: FetchPackOptions): string[] {
  const args = ["--lock-pack", ...(options.keep ? ["--keep"] : [])];
  if (!options.progress) args.push("--no-progress");
  if (options.depth !== undefined) args.push(`--depth=${options.depth}`);
  if (options.relative) args.push("--deepen-relative");
  if (options.since !== undefined) args.push(`--shallow-since=${options.since}`);
  for (const ref of options.not ?? []) args.push(`--shallow-exclude=${ref}`);
  if (options.filter !== undefined) args.push(`--filter=${options.filter}`);
  if (options.promisor) args.push("--from-promisor");
  if (options.cloning) args.push("--cloning");
  if (options.refetch) args.push("--refetch");
  if (options.tags) args.push("--include-tag");
  if (options.proof) args.push("--check-self-contained-and-connected");
  return args;
}
