/** `gtr init` */
import { resolve } from "node:path";
import { RequestError } from "../../common/errors.ts";
import { JSON_OPTION } from "../../common/verb.ts";
import { findRepository, type RepositoryLocation } from "../../shares/find_gitdir.ts";
import { readRepositorySettings } from "../../shares/repository_settings.ts";
import { shareRepository } from "../../shares/share.ts";
import { runGit } from "../../git_interface/run.ts";
import { userEnvironment } from "../../git_interface/user_environment.ts";
import { checkGit } from "../../git_interface/version.ts";
import { checkRepositoryName } from "../../identity/address.ts";
import { FLOW_DETAILS, FLOW_OPTION, readFlow } from "../flow.ts";
import { publish } from "../gtd.ts";
import type { Call, Io } from "../io.ts";
import { note } from "../output.ts";
import { currentBranch, gitEnvironment, printShared } from "../repository.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "share a repository and print its address",
  operands: [{
    form: "[dir]",
    about: "the repository's folder (default: the current one)",
    offer: "directory",
  }],
  options: [
    { form: "--name <name>", about: "last part of the address (default: the folder's name)" },
    { form: "--description <text>", about: "one line about it, for readers" },
    { form: "--replace", about: "replace whatever is published at its address" },
    FLOW_OPTION,
    JSON_OPTION,
  ],
  details: [
    "Shares the branch that HEAD names, even before its first commit. If the folder is not the " +
    "top of a repository, it is made one first, as by git init.",
    "From then on gtd publishes each commit on its own: there is no push to remember. Only " +
    "shared branches, and the tags on them, leave this computer.",
    "The address is looked up on all networks, whichever it names; gtr list shows the others.",
    "Running it again changes nothing and prints the address again. It refuses to publish over " +
    "what another machine with your key has published and this one can't fetch, and over another " +
    "repository's history; with --replace readers get what is here instead.",
    ...FLOW_DETAILS,
  ],
  examples: [
    { command: "gtr init", about: "share the current folder's repository" },
    { command: "gtr init --name hello ~/src/hello-2", about: "under a name of your choice" },
  ],
  run,
};

/** Shares a repository, made first where there is none, and prints its address. */
async function run(call: Call): Promise<void> {
  const { io, home, options } = call;
  const [dir] = call.operands;
  const flow = readFlow("init", options.flow);
  if (options.name !== undefined) checkRepositoryName(options.name);
  await checkGit();
  const where = await repositoryAt(resolve(io.cwd, dir ?? ""), dir === undefined, io);
  const shared = (await readRepositorySettings(where.commonDir))?.branches.length;
  const settings = await shareRepository(home, where, {
    branches: shared ? [] : [await currentBranch(where, io)],
    name: options.name,
    description: options.description,
    flow,
  }, io.signal);
  printShared(call, settings, await publish(call, where.commonDir, { replace: options.replace }));
}

/**
 * The repository whose top `folder` is. Being somewhere inside another one is not enough: nobody who
 * starts a project in a subfolder means to publish what is around it.
 */
async function repositoryAt(
  folder: string,
  current: boolean,
  io: Io,
): Promise<RepositoryLocation> {
  const user = userEnvironment(io.env);
  const env: Record<string, string> = current ? gitEnvironment(io) : user;
  const found = await isFolder(folder) ? await findRepository(folder, io.signal, env) : undefined;
  if (found && (env.GIT_DIR || await isTop(folder, found))) return found;
  await runGit(["init", "--quiet", folder], {
    cwd: io.cwd,
    env: user,
    signal: io.signal,
  });
  const around = found?.worktree === undefined ? "" : `, inside that of ${found.worktree}`;
  note(io, `made a git repository in ${folder}${around}`);
  return (await findRepository(folder, io.signal, user))!;
}

async function isTop(folder: string, found: RepositoryLocation): Promise<boolean> {
  // Without a worktree we are in a bare repository or in a git directory: never make one in there.
  return found.worktree === undefined || found.worktree === await Deno.realPath(folder);
}

/** @throws {RequestError} "no-folder" where something else is there */
async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await Deno.stat(path)).isDirectory) return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (!(error instanceof Deno.errors.NotADirectory)) throw error;
  }
  throw new RequestError("no-folder", `can't share ${path}: it is not a folder`, {
    hint: "gtr init <the repository's folder>",
  });
}
