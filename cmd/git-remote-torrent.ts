/** git's remote helper for torrent:// addresses. */
import { helperMain } from "../lib/remote_helper/main.ts";

Deno.exit(await helperMain("torrent"));
