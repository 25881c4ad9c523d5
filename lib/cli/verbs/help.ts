/** `gtr help` */
import { findVerb, verbsOfGroup } from "../find_verb.ts";
import { groupHelp, overview, verbHelp } from "../help.ts";
import type { Call, Run } from "../io.ts";
import type { Verb } from "../verb.ts";

/** Explains one of these verbs; of words that are git's, git does. */
export function helpOn(verbs: readonly Verb[]): { readonly run: Run } {
  return {
    async run({ io, operands }: Call): Promise<number> {
      const verb = findVerb(verbs, operands);
      const group = operands.length === 1 ? verbsOfGroup(verbs, operands[0]!) : [];
      if (operands.length === 0) io.stdout(overview(verbs));
      else if (verb) io.stdout(verbHelp(verb));
      else if (group.length > 0) io.stdout(groupHelp(group));
      else return await (await import("../git.ts")).passToGit(["help", ...operands], io.cwd);
      return 0;
    },
  };
}
