/** gtd: the daemon. `gtr daemon start` runs it in the background. */
import { gtdMain } from "../lib/daemon/main.ts";

Deno.exit(await gtdMain(Deno.args));
