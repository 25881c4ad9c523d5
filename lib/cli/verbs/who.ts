/** `gtr who` */
import { RequestError } from "../../common/errors.ts";
import type { CommitHolders } from "../../daemon/api.ts";
import { findRepository } from "../../shares/find_gitdir.ts";
import { runGit } from "../../git_interface/run.ts";
import { withGtd } from "../gtd.ts";
import type { Call, Io } from "../io.ts";
import { note, printJson, printTable } from "../output.ts";
import { gitEnvironment } from "../repository.ts";

/** gtd asks for as long as network.timeout, which is an hour at most; peers answer within seconds. */
const ASK_MS = 3_700_000;

/** Says which peers have a commit. */
export async function run(call: Call): Promise<void> {
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
