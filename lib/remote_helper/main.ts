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
export function helperMain(scheme: string): Promise<number> {
  const encoder = new TextEncoder();
  return runHelper({
    scheme,
    url: Deno.args[1],
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
