/** gtr: the command line; also installed as gti. */
import { currentFolder } from "../lib/cli/current_folder.ts";
import { run } from "../lib/cli/run.ts";
import { gtrHome } from "../lib/common/home.ts";

/** Written at once: nothing is lost where the process ends right after. */
function printTo(stream: { writeSync(bytes: Uint8Array): number }): (text: string) => void {
  return (text) => {
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  };
}

Deno.exit(
  await run(Deno.args, {
    get cwd() {
      return currentFolder();
    },
    env: (name) => Deno.env.get(name),
    get home() {
      return gtrHome(); // git's own commands need none
    },
    stdout: printTo(Deno.stdout),
    stderr: printTo(Deno.stderr),
    interactive: Deno.stderr.isTerminal(),
    signal: new AbortController().signal,
  }),
);
