/** `gtr share` */
import { JSON_OPTION } from "../../common/verb.ts";
import { readRepositorySettings } from "../../shares/repository_settings.ts";
import { shareRepository } from "../../shares/share.ts";
import { checkGit } from "../../git_interface/version.ts";
import { FLOW_DETAILS, FLOW_OPTION, readFlow } from "../flow.ts";
import { publish } from "../gtd.ts";
import type { Call } from "../io.ts";
import { currentBranch, currentRepository, knownBranches, printShared } from "../repository.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "share more branches of this repository",
  operands: [{
    form: "[branch...]",
    about: "branches to add (default: the current one)",
    offer: "branch",
  }],
  options: [
    { form: "--tags", about: "share every tag, with all commits it needs" },
    { form: "--no-tags", about: "share only tags on shared branches, as at first" },
    FLOW_OPTION,
    JSON_OPTION,
  ],
  details: [
    "Prints the repository's address. With --tags, --no-tags or --flow and no branch, a " +
    "repository that is shared already keeps its branches.",
    ...FLOW_DETAILS,
  ],
  examples: [
    { command: "gtr share main next", about: "share two branches" },
    { command: "gtr share --tags", about: "share every tag as well" },
    { command: "gtr share --flow announce", about: "serve it live only, from now on" },
  ],
  run,
};

/** Adds branches to what is shared, or changes which tags are, and how. */
async function run(call: Call): Promise<void> {
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
