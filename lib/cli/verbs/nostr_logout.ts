/** `gtr nostr logout` */
import { changeUserConfig } from "../../git_interface/user_config.ts";
import { openAccount } from "../account.ts";
import type { Call } from "../io.ts";
import { note } from "../output.ts";

/** Takes the key out of git's configuration. */
export async function run(call: Call): Promise<void> {
  const { io, home, services } = call;
  const { account } = await openAccount("nostr", call);
  await changeUserConfig(account.settings, {}, io.env, io.signal);
  await using gtd = await services.running(home);
  if (gtd) note(io, "gtd still has the key of before: gtr daemon stop");
}
