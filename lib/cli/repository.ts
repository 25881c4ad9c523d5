/**
 * The repository a verb is called in, and its branches.
 *
 * @module
 */
import { NetworkError, RequestError } from "../common/errors.ts";
import type { PublishedState } from "../daemon/api.ts";
import { type RepositoryLocation, requireRepository } from "../shares/find_gitdir.ts";
import type { RepositorySettings } from "../shares/repository_settings.ts";
import { fullBranch, shortBranch } from "../shares/share.ts";
import { headTarget, listRefs } from "../git_interface/refs.ts";
import { userEnvironment } from "../git_interface/user_environment.ts";
import type { Call, Io } from "./io.ts";
import { printJson } from "./output.ts";

/** The repository around the current folder, or the one that `GIT_DIR` names. */
export async function currentRepository(io: Io): Promise<RepositoryLocation> {
  return await requireRepository(io.cwd, io.signal, gitEnvironment(io));
}

/** The variables by which a person (or a hook) tells git which repository is meant, and how it is. */
export function gitEnvironment(io: Io): Record<string, string> {
  const env = userEnvironment(io.env);
  for (const name of ["GIT_DIR", "GIT_WORK_TREE"]) {
    const value = io.env(name);
    if (value) env[name] = value;
  }
  return env;
}

/**
 * The branch that HEAD names, which may have no commit yet.
 *
 * @returns its full name
 * @throws {RequestError} "detached-head"
 */
export async function currentBranch(where: RepositoryLocation, io: Io): Promise<string> {
  const head = await headTarget(where.gitDir, io.signal);
  if (head !== undefined) return head;
  throw new RequestError("detached-head", "can't tell which branch to share: HEAD is detached", {
    hint: "name it: gtr share <branch>",
  });
}

/**
 * The full names of branches that exist, or that HEAD names.
 *
 * @throws {RequestError} "unknown-branch" that lists those there are
 */
export async function knownBranches(
  names: readonly string[],
  where: RepositoryLocation,
  io: Io,
): Promise<string[]> {
  const existing = [...(await listRefs(where.commonDir, ["refs/heads"], io.signal)).keys()];
  const head = await headTarget(where.gitDir, io.signal);
  return names.map((name) => {
    const ref = fullBranch(name);
    if (existing.includes(ref) || ref === head) return ref;
    const there = existing.map(shortBranch).join(", ");
    throw new RequestError("unknown-branch", `can't share ${name}: there is no such branch`, {
      hint: there === "" ? "there is no branch yet: commit first" : `branches here: ${there}`,
    });
  });
}

/**
 * Prints the first address of a repository: what `init` and `share` are for. One will do, since each is
 * looked up on all networks; `gtr list` shows all of them.
 *
 * @throws {RequestError} "diverged" afterwards, where a branch is not published
 * @throws {NetworkError} "quorum-missed" afterwards, where too few peers have it
 */
export function printShared(
  call: Call,
  settings: RepositorySettings,
  published: PublishedState,
): void {
  const { addresses, shortfall, diverged = [] } = published;
  const { name, tags, flow = "both" } = settings;
  const branches = settings.branches.map(shortBranch);
  if (call.options.json) {
    printJson(call.io, { repository: name, branches, tags, flow, addresses });
  } else {
    const [address] = Object.values(addresses);
    if (address !== undefined) call.io.stdout(`${address}\n`);
  }
  if (diverged.length > 0) {
    throw new RequestError("diverged", diverged.join("\n"), {
      hint: "run the command above in your repository; what it joins is published at once",
    });
  }
  if (shortfall === undefined) return;
  throw new NetworkError("quorum-missed", shortfall, {
    hint: "gtr who HEAD shows who has it; publish.quorum is how many have to",
  });
}
