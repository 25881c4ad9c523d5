/** `gtr share` */
import { readRepositorySettings } from "../../shares/repository_settings.ts";
import { shareRepository } from "../../shares/share.ts";
import { checkGit } from "../../git_interface/version.ts";
import { readFlow } from "../flow.ts";
import { publish } from "../gtd.ts";
import type { Call } from "../io.ts";
import { currentBranch, currentRepository, knownBranches, printShared } from "../repository.ts";

/** Adds branches to what is shared, or changes which tags are, and how. */
export async function run(call: Call): Promise<void> {
  const { io, home, operands, options } = call;
  const flow = readFlow("share", options.flow);
  await checkGit();
  const where = await currentRepository(io);
  const shared = (await readRepositorySettings(where.commonDir))?.branches.length;
  const branches = operands.length > 0
    ? await knownBranches(operands, where, io)
    : (options.tags !== undefined || flow !== undefined) && shared
    ? []
    : [await currentBranch(where, io)];
  const tags = options.tags === undefined ? undefined : options.tags ? "all" : "reachable";
  const settings = await shareRepository(home, where, { branches, tags, flow }, io.signal);
  printShared(call, settings, await publish(call, where.commonDir));
}
