/**
 * Whether git is there and new enough.
 *
 * @module
 */
import { checkGit } from "../../git_interface/version.ts";
import { type Check, ok } from "./check.ts";

export const git: Check = {
  what: "git",
  run: async () => [ok("git", `version ${await checkGit()}`)],
};
