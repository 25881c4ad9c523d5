/**
 * Fetching objects from git servers that strangers named (git-fetch(1)).
 *
 * @module
 */
import { NetworkError } from "../common/errors.ts";
import { printableLine } from "../common/printable.ts";
import { abortable, deadline, idleDeadline } from "../common/wait.ts";
import { configValue } from "./config.ts";
import { type PinnedServer, pinServer, type Resolve } from "./pinned_server.ts";
import type { FetchPackOptions } from "./git_fetch_pack.ts";
import { gitFailure, reason, runGit } from "./run.ts";

/** What is fetched, and into which repository. */
export interface GitFetchOptions extends Omit<FetchPackOptions, "keep" | "tags" | "proof"> {
  /** How long the server may be silent, in milliseconds; a minute unless told. */
  readonly silenceMs?: number;
  /** How names are looked up; by the system unless told. */
  readonly resolve?: Resolve;
}

/** The name by which the server is known for the time of the fetch: no person's. */
const REMOTE = "gtr-foreign-server";
/** How long a server may be silent, in milliseconds. */
const SILENCE_MS = 60_000;
/** What git gets beyond that, to give up by itself. */
const GRACE_MS = 5_000;
const MAX_REASON = 200;
const NOTHING = Deno.build.os === "windows" ? "NUL" : "/dev/null";
/** Of the user's configuration, how this machine gets out: without it nothing might be reached. */
const KEPT = ["http.proxy", "http.sslCAInfo", "http.sslCAPath", "http.sslBackend"];

/** What git says where its own side failed, so that another server would do no better. */
const THIS_SIDE =
  /unable to (create|write)|permission denied|read-only|not a git repository|out of memory/i;
/** What git says where the server lacks what is wanted. */
const BEHIND = /not our ref|unadvertised object|did not send all necessary objects|couldn't find/i;

/**
 * Runs `git fetch` for object ids, and nothing besides: no ref changes, nobody is asked for a
 * password, and what comes is what the ids name, with all it reaches. git connects to the addresses
 * that were checked, and has nothing of the user's to send.
 *
 * @param server an https, http or git URL
 * @throws {NetworkError} "server-failed" with the server's reason; "inside-address", "unknown-host"
 * @throws {GitError} "git-failed" where it is this side that fails
 * @throws {StoreError} "disk-full"
 */
export async function gitFetch(server: string, options: GitFetchOptions): Promise<void> {
  const silenceMs = options.silenceMs ?? SILENCE_MS;
  const pinned = await pinnedWithin(server, silenceMs, options);
  const home = await Deno.makeTempDir({ prefix: "gtr-fetch-" });
  try {
    await fetchFrom(pinned, home, silenceMs, options);
  } finally {
    await Deno.remove(home, { recursive: true }).catch(() => {}); // it is empty, and in /tmp
  }
}

async function pinnedWithin(
  server: string,
  silence: number,
  { signal, resolve }: GitFetchOptions,
): Promise<PinnedServer> {
  using limit = deadline(silence, "the server to say where it is", signal);
  try {
    return await pinServer(server, limit.signal, resolve);
  } catch (error) {
    signal?.throwIfAborted();
    if (limit.signal.aborted) throw new NetworkError("server-failed", "it is silent");
    throw error;
  }
}

async function fetchFrom(
  pinned: PinnedServer,
  home: string,
  silence: number,
  options: GitFetchOptions,
): Promise<void> {
  const { gitDir, objectDirectory, alternates, env, wants, progress } = options;
  using idle = idleDeadline(silence + GRACE_MS, "the server is silent", options.signal);
  const kept = await Promise.all(KEPT.map(async (name) => {
    const value = await configValue(name, idle.signal);
    return value === undefined ? [] : ["-c", `${name}=${value}`];
  }));
  const settings = [...kept.flat(), ...settingsOf(pinned, options, silence)];
  const args = [...settings, "fetch", ...argumentsOf(options)];
  const fetching = runGit(args, {
    gitDir,
    objectDirectory,
    alternates,
    signal: idle.signal,
    progress: (done, total, what) => {
      idle.touch();
      progress?.(done, total, what);
    },
    env: {
      ...env,
      ...pinned.env,
      // Nothing of ~/.gitconfig and ~/.netrc.
      HOME: home,
      XDG_CONFIG_HOME: home,
      GIT_CONFIG_GLOBAL: NOTHING,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_ALLOW_PROTOCOL: "https:http:git",
      // Empty, it keeps the programs of all other settings from being asked.
      GIT_ASKPASS: "",
    },
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
  { url, options }: PinnedServer,
  { filter, promisor, cloning }: GitFetchOptions,
  silence: number,
): string[] {
  const settings = [
    `remote.${REMOTE}.url=${url}`,
    "protocol.version=2",
    "credential.helper=",
    "http.lowSpeedLimit=1",
    `http.lowSpeedTime=${Math.ceil(silence / 1000)}`,
    "transfer.bundleURI=false",
    "fetch.prune=false",
  ];
  if (filter !== undefined || promisor) settings.push(`remote.${REMOTE}.promisor=true`);
  if (filter !== undefined) settings.push(`remote.${REMOTE}.partialCloneFilter=${filter}`);
  if (cloning) settings.push("fetch.unpackLimit=1"); // as git does: a clone begins with a pack
  return [...options, ...settings.flatMap((setting) => ["-c", setting])];
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
  return printableLine(reason(end), MAX_REASON);
}
