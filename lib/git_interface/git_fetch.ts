/**
 * Fetching objects from git servers that strangers named (git-fetch(1)).
 *
 * @module
 */
import { NetworkError } from "../common/errors.ts";
import { abortable, idleDeadline } from "../common/wait.ts";
import type { FetchPackOptions } from "./git_fetch_pack.ts";
import { gitFailure, reason, runGit } from "./run.ts";

/** What is fetched, and into which repository. */
export interface GitFetchOptions extends Omit<FetchPackOptions, "keep" | "tags" | "proof"> {
  /** How long the server may be silent, in milliseconds; a minute unless told. */
  readonly silence?: number;
}

/** The name by which the server is known for the time of the fetch: no person's. */
const REMOTE = "gtr-foreign-server";
/** How long a server may be silent, in milliseconds. */
const SILENCE = 60_000;
/** What git gets beyond that, to give up by itself. */
const GRACE = 5_000;
const MAX_REASON = 200;

/** What git says where its own side failed, so that another server would do no better. */
const THIS_SIDE =
  /unable to (create|write)|permission denied|read-only|not a git repository|out of memory/i;
/** What git says where the server lacks what is wanted. */
const BEHIND = /not our ref|unadvertised object|did not send all necessary objects|couldn't find/i;

/**
 * Runs `git fetch` for object ids, and nothing besides: no ref changes, nobody is asked for a
 * password, and what comes is what the ids name, with all it reaches.
 *
 * @param server an https, http or git URL
 * @throws {NetworkError} "server-failed" with the server's reason
 * @throws {GitError} "git-failed" where it is this side that fails
 * @throws {StoreError} "disk-full"
 */
export async function gitFetch(server: string, options: GitFetchOptions): Promise<void> {
  const { gitDir, objectDirectory, alternates, env, wants, progress } = options;
  const silence = options.silence ?? SILENCE;
  using idle = idleDeadline(silence + GRACE, "the server is silent", options.signal);
  const args = [...settingsOf(server, options, silence), "fetch", ...argumentsOf(options)];
  const fetching = runGit(args, {
    ...{ gitDir, objectDirectory, alternates, signal: idle.signal },
    progress: (done, total, what) => {
      idle.touch();
      progress?.(done, total, what);
    },
    // Empty, GIT_ASKPASS keeps the programs of all other settings from being asked.
    env: { ...env, GIT_ALLOW_PROTOCOL: "https:http:git", GIT_ASKPASS: "" },
    input: wants.map((oid) => `${oid}\n`).join(""),
    allowFail: true,
  });
  // Ending git doesn't end its HTTP client, for which runGit would wait: that ends by itself.
  const end = await abortable(fetching, idle.signal);
  if (end.code === 0) return;
  const failure = gitFailure(["fetch"], end);
  if (failure.code === "disk-full" || THIS_SIDE.test(end.stderr)) throw failure;
  throw new NetworkError("server-failed", whyOf(end, wants));
}

/** Settings for this one run. A filter's remote has to be a promisor, and git would note that down. */
function settingsOf(
  server: string,
  { filter, promisor, cloning }: GitFetchOptions,
  silence: number,
): string[] {
  const settings = [
    `remote.${REMOTE}.url=${server}`,
    "protocol.version=2",
    "credential.helper=",
    // Whoever names a server can't send git on to elsewhere once it has begun.
    "http.followRedirects=initial",
    "http.lowSpeedLimit=1",
    `http.lowSpeedTime=${Math.ceil(silence / 1000)}`,
    "transfer.bundleURI=false",
    "fetch.prune=false",
  ];
  if (filter !== undefined || promisor) settings.push(`remote.${REMOTE}.promisor=true`);
  if (filter !== undefined) settings.push(`remote.${REMOTE}.partialCloneFilter=${filter}`);
  if (cloning) settings.push("fetch.unpackLimit=1"); // as git does: a clone begins with a pack
  return settings.flatMap((setting) => ["-c", setting]);
}

function argumentsOf(options: GitFetchOptions): string[] {
  const args = ["--no-write-fetch-head", "--no-tags", "--no-auto-maintenance"];
  args.push("--no-recurse-submodules", "--progress"); // progress is also the sign of life
  if (options.depth !== undefined) {
    args.push(`--${options.relative ? "deepen" : "depth"}=${options.depth}`);
  }
  if (options.since !== undefined) args.push(`--shallow-since=${options.since}`);
  for (const ref of options.not ?? []) args.push(`--shallow-exclude=${ref}`);
  if (options.filter !== undefined) args.push(`--filter=${options.filter}`);
  if (options.refetch) args.push("--refetch");
  return [...args, "--stdin", REMOTE];
}

/** Why it failed, fit for a person's terminal. */
function whyOf(end: { readonly code: number; readonly stderr: string }, wants: readonly string[]) {
  if (BEHIND.test(end.stderr)) {
    const oid = wants.find((one) => end.stderr.includes(one)) ?? wants[0];
    return `it doesn't have ${oid}: it is behind what is signed`;
  }
  if (/too slow/i.test(end.stderr)) return "it is silent";
  if (/could not read Username|Authentication failed|terminal prompts disabled/i.test(end.stderr)) {
    return "it wants a login";
  }
  // deno-lint-ignore no-control-regex -- they could steer the terminal
  return reason(end).slice(0, MAX_REASON).replace(/[\x00-\x1f\x7f-\x9f]/g, "?");
}
