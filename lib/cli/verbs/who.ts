/** `gtr who` */
import { RequestError } from "../../common/errors.ts";
import { JSON_OPTION } from "../../common/verb.ts";
import type { CommitHolders } from "../../daemon/api.ts";
import { findRepository } from "../../shares/find_gitdir.ts";
import { runGit } from "../../git_interface/run.ts";
import { withGtd } from "../gtd.ts";
import type { Call, Io } from "../io.ts";
import { note, printJson, printTable } from "../output.ts";
import { gitEnvironment } from "../repository.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "say which peers have a commit",
  operands: [{
    form: "<commit>",
    about: "any name that git knows here, or a full object id",
    offer: "branch",
  }],
  options: [
    {
      form: "--repository <address>",
      about: "only this repository (default: all that are published or kept here)",
    },
    JSON_OPTION,
  ],
  details: [
    "For each repository in gtd's store whose published state contains the commit, gtd asks the " +
    "connected peers, those that the repository's endpoints and the DHT name, and https servers. " +
    "HAS IT is yes if a peer says that it has every pack up to the commit's, claimed if it says " +
    "only that it has the publication, and older if it says neither.",
    "These are the peers' own words: they say where copies should be, and prove nothing. Readers " +
    "that are offline, or pass on nothing, are not seen.",
    'With --json: {"commit", "repositories": [{"address", "sequence", "peers": [{"network", ' +
    '"peer", "sequence", "has"}]}]}.',
  ],
  examples: [
    { command: "gtr who HEAD", about: "whether others have the last commit" },
    { command: "gtr who v1.0 --repository torrent://bob/tools", about: "of one repository" },
  ],
  run,
};

/** gtd asks for as long as network.timeout, which is an hour at most; peers answer within seconds. */
const ASK_MS = 3_700_000;

/** Says which peers have a commit. */
async function run(call: Call): Promise<void> {
  const { io, operands: [name], options } = call;
  const commit = await commitId(name!, io);
  const { repositories, warning } = await withGtd(
    call,
    ASK_MS,
    "peers to say what they have",
    (gtd, wait) => gtd.who({ commit, url: options.repository }, wait),
  );
  if (warning !== undefined) note(io, `warning: ${warning}`);
  if (options.json) printJson(io, { commit, repositories });
  else repositories.forEach((repository, i) => print(io, repository, i > 0));
}

/**
 * The full id of the commit that a name stands for.
 *
 * @throws {RequestError} "unknown-commit"
 */
async function commitId(name: string, io: Io): Promise<string> {
  const env = gitEnvironment(io);
  const here = await findRepository(io.cwd, io.signal, env);
  if (here) {
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`];
    const end = await runGit(args, { gitDir: here.gitDir, signal: io.signal, allowFail: true });
    if (end.code === 0) return end.stdout.trim();
  }
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(name)) return name.toLowerCase();
  const why = here ? "there is no such commit here" : "this is not a git repository";
  throw new RequestError("unknown-commit", `can't say who has ${name}: ${why}`, {
    hint: "git log shows commits; outside of their repository, give a full object id",
  });
}

function print(io: Io, { address, sequence, peers }: CommitHolders, isNext: boolean): void {
  io.stdout(`${isNext ? "\n" : ""}${address}, sequence ${sequence}\n`);
  if (peers.length > 0) {
    printTable(
      io,
      ["PEER", "NETWORK", "SEQUENCE", "HAS IT"],
      peers.map((p) => [p.peer, p.network, p.sequence === 0 ? "-" : p.sequence, p.has]),
    );
  }
  if (!peers.some(({ has }) => has === "yes")) io.stdout("nobody but you is known to have it\n");
}
