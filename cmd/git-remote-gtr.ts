/** git's remote helper for gtr:// addresses, which are looked for on every network. */
import { helperMain } from "../lib/remote_helper/main.ts";
import { ANY_NETWORK } from "../lib/transports/known.ts";

Deno.exit(await helperMain(ANY_NETWORK));
