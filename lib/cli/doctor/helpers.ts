/**
 * Whether git finds the remote helpers, and of this version.
 *
 * @module
 */
import { VERSION } from "../../common/version.ts";
import { runGit } from "../../git_interface/run.ts";
import { ANY_NETWORK } from "../../transports/known.ts";
import { type Check, failed, type Finding, ok, warning } from "./check.ts";

export const helpers: Check = {
  what: "helpers",
  run: ({ networks }, signal) =>
    Promise.all([...networks, ANY_NETWORK].map((scheme) => helper(scheme, signal))),
};

/** git itself is asked to run it, since it looks in folders of its own beside PATH. */
async function helper(scheme: string, signal: AbortSignal): Promise<Finding> {
  const name = `git-remote-${scheme}`;
  const args = [`remote-${scheme}`, "--version"];
  const { code, stdout, stderr } = await runGit(args, { signal, allowFail: true });
  if (stderr.includes("is not a git command")) {
    return failed(
      name,
      `not on PATH: git can't use ${scheme}:// addresses`,
      "add the folder that gtr is in to PATH",
    );
  }
  const version = new RegExp(`^${name} (\\S+)`).exec(stdout)?.[1];
  if (code !== 0 || version === undefined) {
    const said = stderr.split("\n")[0] || `exit code ${code}`;
    return failed(name, `it can't be run: ${said}`, "install gtr anew");
  }
  if (version === VERSION) return ok(name, `version ${version}`);
  return warning(
    name,
    `the one on PATH has version ${version}, and this gtr ${VERSION}`,
    "install one version only, or put the folder of this one first in PATH",
  );
}
