/** git's remote helper for nostr:// addresses. */
import { helperMain } from "../lib/remote_helper/main.ts";

Deno.exit(await helperMain("nostr"));
