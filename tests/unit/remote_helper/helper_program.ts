/**
 * `git-remote-torrent` for tests with real git: the helper, on the publications of the folder that
 * the variable HELPER_TEST_ROOT names.
 *
 * @module
 */
import { runHelper } from "../../../lib/remote_helper/run_helper.ts";
import { FolderClient } from "./publication.ts";

const encoder = new TextEncoder();
Deno.exit(
  await runHelper({
    scheme: "torrent",
    url: Deno.args[1],
    io: {
      stdin: Deno.stdin.readable,
      stdout: Deno.stdout.writable,
      stderr: (text) => void Deno.stderr.writeSync(encoder.encode(text)),
    },
    env: (name) => Deno.env.get(name),
    connect: () => Promise.resolve(new FolderClient(Deno.env.get("HELPER_TEST_ROOT")!)),
  }),
);
