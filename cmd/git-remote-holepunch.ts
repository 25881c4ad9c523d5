/** git's remote helper for holepunch:// addresses. */
import { helperMain } from "../lib/remote_helper/main.ts";

Deno.exit(await helperMain("holepunch"));
