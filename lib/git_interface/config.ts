/**
 * git's own configuration, where gtr honours it.
 *
 * @module
 */
import { runGit } from "./run.ts";
import { configEnvironment } from "./user_environment.ts";

/**
 * Whether `git fetch` would check every object for form: `fetch.fsckObjects`, else
 * `transfer.fsckObjects`, of the user's or the system's configuration.
 */
export async function fetchChecksObjects(signal?: AbortSignal): Promise<boolean> {
  const pattern = "^(fetch|transfer)\\.fsckobjects$";
  const { stdout } = await runGit(["config", "--type=bool", "--get-regexp", pattern], {
    cwd: "/",
    env: configEnvironment((name) => Deno.env.get(name)),
    signal,
    allowFail: true,
  });
  const values = new Map(
    stdout.trim().split("\n").map((line) => line.split(" ") as [string, string]),
  );
  return (values.get("fetch.fsckobjects") ?? values.get("transfer.fsckobjects")) === "true";
}

/**
 * A value of the user's or the system's configuration; undefined where it is not set. Of several the
 * last one, as for git.
 */
export async function configValue(name: string, signal?: AbortSignal): Promise<string | undefined> {
  const { stdout } = await runGit(["config", "--null", "--get", name], {
    cwd: "/",
    env: configEnvironment((name) => Deno.env.get(name)),
    signal,
    allowFail: true,
  });
  return stdout === "" ? undefined : stdout.replace(/\0$/, "");
}
