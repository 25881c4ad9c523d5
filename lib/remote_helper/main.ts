/**
 * A remote helper as a process: git's arguments, the standard streams, gtd.
 *
 * @module
 */
import { formatError, toGtrError } from "../common/errors.ts";
import { Home } from "../common/home.ts";
import { Settings } from "../common/settings.ts";
import { connect } from "../daemon/connect.ts";
import type { Environment } from "./local_repository.ts";
import { isUnnameable, readVariable } from "./nameable.ts";
import { runHelper } from "./run_helper.ts";

/** Runs the helper for `scheme` and returns its exit code. */
export async function helperMain(scheme: string): Promise<number> {
  const [remote, url] = Deno.args;
  // git always names the remote, and no remote's name starts with "-".
  if (remote === undefined || remote.startsWith("-")) {
    return (await import("./by_hand.ts")).calledByHand(scheme, remote);
  }
  const encoder = new TextEncoder();
  const stderr = (text: string) => void Deno.stderr.writeSync(encoder.encode(text));
  if (!isUnnameable()) return await run(scheme, url, readVariable, stderr);
  try {
    const { nameRepository } = await import("./nameable_repository.ts");
    await using named = await nameRepository(new Home());
    return await run(scheme, url, named.env, stderr);
  } catch (error) {
    stderr(`${formatError(toGtrError(error))}\n`);
    return 1;
  }
}

async function run(
  scheme: string,
  url: string | undefined,
  env: Environment,
  stderr: (text: string) => void,
): Promise<number> {
  return await runHelper({
    scheme,
    url,
    io: {
      stdin: Deno.stdin.readable,
      stdout: Deno.stdout.writable,
      stderr,
    },
    env,
    connect: async (wait) => {
      const home = new Home();
      return await connect(home, await Settings.load(home), wait);
    },
  });
}
