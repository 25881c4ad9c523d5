/**
 * Whether git lets addresses of each network be used (git-config(1), `protocol.<name>.allow`).
 *
 * @module
 */
import { runGit } from "../../git_interface/run.ts";
import { type Check, failed, type Finding, ok, type Patient } from "./check.ts";

export const protocols: Check = {
  what: "protocols",
  run: (patient, signal) =>
    Promise.all(patient.networks.map((scheme) => protocol(patient, scheme, signal))),
};

async function protocol(
  { call: { io } }: Patient,
  scheme: string,
  signal: AbortSignal,
): Promise<Finding> {
  const what = `protocol ${scheme}`;
  const only = io.env("GIT_ALLOW_PROTOCOL");
  if (only !== undefined) {
    if (only.split(":").includes(scheme)) return ok(what, "allowed by GIT_ALLOW_PROTOCOL");
    return failed(what, "GIT_ALLOW_PROTOCOL leaves it out", `add ":${scheme}" to that variable`);
  }
  const always = `git config --global protocol.${scheme}.allow always`;
  const own = await configured(`protocol.${scheme}.allow`, io.cwd, signal);
  const value = own ?? await configured("protocol.allow", io.cwd, signal) ?? "user";
  if (value === "always") return ok(what, "git uses it, for submodules too");
  if (value === "never") return failed(what, "git's configuration forbids it", always);
  return ok(what, "git uses it, but not for submodules", `for submodules: ${always}`);
}

async function configured(
  name: string,
  cwd: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { code, stdout } = await runGit(["config", name], { cwd, signal, allowFail: true });
  return code === 0 ? stdout.trim() : undefined;
}
