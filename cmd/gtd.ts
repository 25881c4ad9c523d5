/** gtd: the daemon. `gtr daemon start` runs it in the background. */
import { formatError, toGtrError } from "../lib/common/errors.ts";
import { VERSION } from "../lib/common/version.ts";
import { runGtd } from "../lib/daemon/gtd.ts";

const [option] = Deno.args;
if (option === "-V" || option === "--version") {
  console.log(`gtd ${VERSION}`);
  Deno.exit(0);
}
try {
  await runGtd(() => {
    // Who started us waits for this line and then closes the pipe.
    if (option === "--ready-line") Deno.stdout.writeSync(new TextEncoder().encode("ready\n"));
  });
  Deno.exit(0);
} catch (error) {
  console.error(formatError(toGtrError(error), "gtd"));
  Deno.exit(1);
}
