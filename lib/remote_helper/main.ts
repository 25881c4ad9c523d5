/**
 * A remote helper as a process: git's arguments, the standard streams, gtd.
 *
 * @module
 */
import { Home } from "../common/home.ts";
import { Settings } from "../common/settings.ts";
import { GtrClient } from "../daemon/client.ts";
import { runHelper } from "./run_helper.ts";

/** Runs the helper for `scheme` and returns its exit code. */
export async function helperMain(scheme: string): Promise<number> {
  const [remote, url] = Deno.args;
  // git always names the remote, and no remote's name starts with "-".
  if (remote === undefined || remote.startsWith("-")) {
    return (await import("./by_hand.ts")).calledByHand(scheme, remote);
  }
  const encoder = new TextEncoder();
  return await runHelper({
    scheme,
    url,
    io: {
      stdin: Deno.stdin.readable,
      stdout: Deno.stdout.writable,
      stderr: (text) => void Deno.stderr.writeSync(encoder.encode(text)),
    },
    env: (name) => Deno.env.get(name),
    connect: async (wait) => {
      const home = new Home();
      return await GtrClient.connect(home, await Settings.load(home), wait);
    },
  });
}
