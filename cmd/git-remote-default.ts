/** git's remote helper for default:// addresses. */
import { helperMain } from "../lib/remote_helper/main.ts";

Deno.exit(await helperMain("default"));
