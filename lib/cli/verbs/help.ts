/** `gtr help` */
import { groupHelp, overview, verbHelp } from "../help.ts";
import type { Call } from "../io.ts";
import { loadAll, type Verb, type Verbs } from "../verb.ts";

export const verb: Verb = {
  summary: "explain a verb",
  operands: [{ form: "[verb...]", about: "a verb of gtr, or a command of git", offer: "verb" }],
  options: [],
  details: ["gtr <verb> -h prints the same."],
  examples: [{ command: "gtr help name add", about: "explain gtr name add" }],
  run,
};

/** Of words that are git's, git explains them. */
async function run({ io, operands }: Call, verbs: Verbs): Promise<number> {
  const [word, ...more] = operands;
  const name = operands.join(" ");
  const known = await verbs.names(word);
  if (word === undefined) io.stdout(overview(await loadAll(verbs)));
  else if (known.includes(name)) io.stdout(verbHelp(await verbs.load(name)));
  else if (known.length > 0 && more.length === 0) io.stdout(groupHelp(await loadAll(verbs, word)));
  else return await (await import("../git.ts")).passToGit(["help", ...operands], io.cwd);
  return 0;
}
