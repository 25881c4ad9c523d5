/** `gtr help` */
import { groupHelp, overview, verbHelp } from "../help.ts";
import type { Call } from "../io.ts";
import { findVerb, verbsOfGroup } from "../verbs.ts";

/** Explains a verb; of words that are git's, git does. */
export async function run({ io, operands }: Call): Promise<number> {
  const verb = findVerb(operands);
  const group = operands.length === 1 ? verbsOfGroup(operands[0]!) : [];
  if (operands.length === 0) io.stdout(overview());
  else if (verb) io.stdout(verbHelp(verb));
  else if (group.length > 0) io.stdout(groupHelp(group));
  else return await (await import("../git.ts")).passToGit(["help", ...operands], io.cwd);
  return 0;
}
