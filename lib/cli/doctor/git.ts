/**
 * Whether git is there, new enough, and without holes that are known.
 *
 * @module
 */
import { checkGit } from "../../git_interface/version.ts";
import { knownHoles } from "../../git_interface/known_holes.ts";
import { type Check, ok, warning } from "./check.ts";

/** Where Debian and its kin keep what is installed: they mend holes without a new version of git. */
const PACKAGED = "/var/lib/dpkg/info/git.list";

export const git: Check = {
  what: "git",
  run: async () => {
    const version = await checkGit();
    const holes = knownHoles(version);
    if (holes.length === 0) return [ok("git", `version ${version}`)];
    const packaged = await Deno.stat(PACKAGED).then(() => true, () => false);
    if (packaged) {
      return [ok("git", `version ${version}; security fixes come with the system's updates`)];
    }
    return [warning(
      "git",
      `version ${version} lets a hostile repository do harm: ${holes.join(", ")}`,
      "install a newer git, and clone no submodules of strangers until then",
    )];
  },
};
